// block_desk.cpp — see block_desk.h.
#include "mgmt/blocks/block_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace sallyport::mgmt {
namespace {

using policy::BlockOrigin;

constexpr const char* kRoomAlarm = "blocked_room_low";

[[nodiscard]] bool overlap(const Prefix& a, const Prefix& b) {
  return a.contains(b.address) || b.contains(a.address);
}
[[nodiscard]] Prefix host(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
}

[[nodiscard]] std::vector<Prefix> prefixes_of(const PeerConfig& peer) {
  std::vector<Prefix> out = peer.sources;
  for (const PeerTarget& target : peer.targets)
    if (target.address) out.push_back(host(target.address->address));
  return out;
}

[[nodiscard]] SavedBlock saved(const policy::Block& block, const ClockPair& clocks) {
  SavedBlock out{.prefix = block.prefix,
                 .origin = block.origin,
                 .is_proved = block.is_proved,
                 .since = clocks.wall_at(block.since),
                 .until = {},
                 .reason = block.reason};
  if (block.until != Timestamp::max()) out.until = clocks.wall_at(block.until);
  return out;
}

[[nodiscard]] Timestamp core_at(WallTime time, const ClockPair& clocks) {
  return clocks.core + std::chrono::duration_cast<Duration>(time - clocks.wall);
}

}  // namespace

std::vector<std::string> peers_within(const SbcConfig& config, const Prefix& prefix) {
  std::vector<std::string> names;
  for (const PeerConfig& peer : config.peers) {
    if (peer.is_retired) continue;
    const auto own = prefixes_of(peer);
    if (std::ranges::any_of(own, [&](const Prefix& one) { return overlap(one, prefix); }))
      names.push_back(peer.name);
  }
  return names;
}

BlockDesk::BlockDesk(std::uint32_t capacity, const HashKey& key, BlockPlaces places)
    : places_(std::move(places)), list_(capacity, key) {}

void BlockDesk::restore(const std::vector<SavedBlock>& blocks) {
  const ClockPair now = clocks();
  std::uint64_t restored = 0, lost = 0;
  const std::lock_guard lock(mutex_);
  for (const SavedBlock& one : blocks) {
    const bool is_over = one.until && *one.until <= now.wall;
    const policy::Block block{.prefix = one.prefix,
                              .origin = one.origin,
                              .is_proved = one.is_proved,
                              .since = core_at(one.since, now),
                              .until = one.until ? core_at(*one.until, now) : Timestamp::max(),
                              .reason = one.reason};
    const bool is_there = !is_over && one.origin != BlockOrigin::Feed && list_.put(block);
    if (is_over) places_.store.forget(one.prefix, one.origin);
    if (is_there && one.origin == BlockOrigin::Detector) ++of_detectors_[one.is_proved ? 1 : 0];
    restored += is_there ? 1 : 0;
    lost += is_there || is_over ? 0 : 1;
  }
  if (restored + lost != 0)
    places_.log.write(lost == 0 ? LogLevel::Info : LogLevel::Error, "security", "blocks_restored",
                      "prefixes that were blocked are blocked again",
                      {{"blocks", restored}, {"without_room", lost}});
  look_at_room();
}

void BlockDesk::take_feeds(const SbcConfig& config) {
  std::vector<std::string> names;
  for (const std::string& file : config.security.blocklist_files)
    names.push_back(std::filesystem::path(file).filename().string());
  const auto& feeds = config.security.blocklist_prefixes;
  std::uint64_t taken = 0, refused = 0, gone = 0;
  {
    const std::lock_guard lock(mutex_);
    const Timestamp now = places_.core();
    list_.begin_feeds(std::move(names));
    for (std::size_t feed = 0; feed < feeds.size(); ++feed) {
      if (feeds[feed] == nullptr) continue;
      for (const Prefix& prefix : *feeds[feed])
        ++(list_.put_feed(prefix, static_cast<std::uint16_t>(feed), now) ? taken : refused);
    }
    gone = list_.end_feeds();
    look_at_room();
    warn_of_peers(config);
  }
  if (places_.follow) places_.follow();
  if (taken + refused + gone == 0) return;
  places_.log.write(refused == 0 ? LogLevel::Info : LogLevel::Error, "security", "blocklists_read",
                    refused == 0 ? "the files of security.blocklists are followed"
                                 : "some prefixes of security.blocklists find no room: raise "
                                   "dataplane.capacity.blocked",
                    {{"prefixes", taken}, {"without_room", refused}, {"gone", gone}});
}

// A feed never shuts a peer out; who wrote it should know that it names one.
void BlockDesk::warn_of_peers(const SbcConfig& config) const {
  for (const PeerConfig& peer : config.peers)
    for (const Prefix& own : prefixes_of(peer))
      for (const policy::BlockView& one : list_.around(own))
        if (one.block.origin == BlockOrigin::Feed && !peer.is_retired)
          places_.log.write(LogLevel::Warning, "security", "feed_names_peer",
                            "a feed names a configured peer: peers are not blocked by feeds",
                            {{"peer", peer.name},
                             {"feed", one.block.reason, FieldKind::Text},
                             {"prefix", to_string(one.block.prefix)}});
}

std::optional<policy::BlockView> BlockDesk::said_of(const Prefix& prefix, BlockOrigin origin) const {
  for (policy::BlockView& view : list_.of(prefix))
    if (view.block.origin == origin) return std::move(view);
  return std::nullopt;
}

bool BlockDesk::has_share_left(bool is_proved) const noexcept {
  const std::uint64_t room = list_.capacity();
  if (std::uint64_t{of_detectors_[0] + of_detectors_[1]} * 100 >= room * kDetectorsPercent) return false;
  return is_proved || std::uint64_t{of_detectors_[0]} * 100 < room * kUnprovedPercent;
}

Result<policy::BlockView, BlockRefusal> BlockDesk::put(const BlockOrder& order) {
  if (order.prefix.length == 0) return fail(BlockRefusal::Everybody);
  const ClockPair now = clocks();
  policy::Block block{.prefix = {order.prefix.network(), order.prefix.length},
                      .origin = order.origin,
                      .is_proved = order.is_proved,
                      .since = now.core,
                      .until = order.lasts ? now.core + *order.lasts : Timestamp::max(),
                      .reason = order.reason.substr(0, policy::Blocklist::kReasonBytesMax)};
  const auto before = said_of(block.prefix, block.origin);
  if (order.origin == BlockOrigin::Detector) {
    if (!before && !has_share_left(block.is_proved)) return fail(BlockRefusal::Share);
    // What forged datagrams bring about neither ends nor weakens what was proved.
    if (before && before->block.is_proved && !block.is_proved) return *before;
    if (before) block.until = std::max(block.until, before->block.until);
  }
  if (!list_.put(block)) return fail(BlockRefusal::Full);
  if (block.origin == BlockOrigin::Detector) {
    if (before) --of_detectors_[before->block.is_proved ? 1 : 0];
    ++of_detectors_[block.is_proved ? 1 : 0];
  }
  places_.store.save(saved(block, now));
  return *said_of(block.prefix, block.origin);
}

Result<BlockDone, BlockRefusal> BlockDesk::block(const BlockOrder& order) {
  return std::move(block_all({&order, 1}).front());
}

std::vector<Result<BlockDone, BlockRefusal>> BlockDesk::block_all(std::span<const BlockOrder> orders) {
  std::vector<Result<BlockDone, BlockRefusal>> out;
  bool is_any = false;
  {
    const std::lock_guard lock(mutex_);
    for (const BlockOrder& order : orders) {
      auto view = put(order);
      is_any = is_any || view.has_value();
      if (view)
        out.emplace_back(BlockDone{std::move(*view), {}});
      else
        out.emplace_back(fail(view.error()));
    }
    look_at_room();
  }
  if (is_any && places_.follow) places_.follow();
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i]) tell(orders[i], *out[i]);
  return out;
}

// Fills in whom it touches.
void BlockDesk::tell(const BlockOrder& order, BlockDone& done) const {
  if (policy::touches(done.view.block, TrustClass::Known))
    done.peers = peers_within(*places_.config.read(), order.prefix);
  const std::string prefix = to_string(done.view.block.prefix);
  places_.log.write(
      done.peers.empty() ? LogLevel::Info : LogLevel::Warning, "security", "blocked",
      done.peers.empty() ? "a prefix is blocked" : "a prefix is blocked that holds configured peers",
      {{"prefix", prefix},
       {"by", policy::to_string(order.origin)},
       {"reason", order.reason, FieldKind::Text}});
}

std::size_t BlockDesk::unblock(const Prefix& prefix) {
  std::size_t removed = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = said_of({prefix.network(), prefix.length}, BlockOrigin::Detector);
    for (const BlockOrigin origin : {BlockOrigin::Operator, BlockOrigin::Detector}) {
      if (!list_.remove(prefix, origin)) continue;
      places_.store.forget({prefix.network(), prefix.length}, origin);
      if (origin == BlockOrigin::Detector && found) --of_detectors_[found->block.is_proved ? 1 : 0];
      ++removed;
    }
    look_at_room();
  }
  if (removed == 0) return 0;
  if (places_.follow) places_.follow();
  places_.log.write(LogLevel::Info, "security", "unblocked", "a prefix is blocked no more",
                    {{"prefix", to_string(prefix)}});
  return removed;
}

void BlockDesk::tick() {
  const Timestamp now = places_.core();
  const std::lock_guard lock(mutex_);
  for (std::size_t ended = 0; ended < kEndsOfTick; ++ended) {
    const auto over = list_.take_expired(now);
    if (!over) break;
    places_.store.forget(over->prefix, over->origin);
    if (over->origin == BlockOrigin::Detector) --of_detectors_[over->is_proved ? 1 : 0];
  }
  look_at_room();
}

void BlockDesk::look_at_room() {
  const std::uint64_t used = std::uint64_t{list_.prefixes()} * 100, room = list_.capacity();
  if (is_low_ && used < room * kBlocksCalmPercent) {
    is_low_ = false;
    places_.alarms.clear(kRoomAlarm, "");
  } else if (!is_low_ && room != 0 && used >= room * kBlocksAlarmPercent) {
    is_low_ = true;
    places_.alarms.raise(kRoomAlarm, "", fmt::format("{} of {} prefixes", list_.prefixes(), room));
  }
}

policy::Blocklist::Page BlockDesk::page(std::uint64_t from, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  return list_.page(from, limit);
}
std::vector<policy::BlockView> BlockDesk::around(const Prefix& prefix) const {
  const std::lock_guard lock(mutex_);
  return list_.around(prefix);
}
std::uint32_t BlockDesk::prefixes() const { return list_.prefixes(); }
std::uint32_t BlockDesk::capacity() const { return list_.capacity(); }
std::uint32_t BlockDesk::of_detectors() const {
  const std::lock_guard lock(mutex_);
  return of_detectors_[0] + of_detectors_[1];
}

}  // namespace sallyport::mgmt
