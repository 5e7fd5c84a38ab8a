// detector_blocks.cpp — see detector_blocks.h.
#include "mgmt/detections/detector_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "mgmt/detections/clean_evidence.h"
#include "policy/base/subscriber.h"
#include "policy/detect/detector.h"

namespace sallyport::mgmt {
namespace {

constexpr const char* kAlarm = "detection_block";
constexpr const char* kShareAlarm = "blocked_room_low";
constexpr const char* kShareSubject = "detectors";
// When the alarm that detectors have their share ends, in per cent of the room.
constexpr unsigned kShareCalmPercent = kUnprovedPercent - 5;
// So that no time to come passes the end of the clock.
constexpr Duration kLastsMax = std::chrono::hours(24 * 365);

// A host without its length, as people write it.
[[nodiscard]] std::string subject_of(const Prefix& prefix) {
  const bool is_host = prefix.mapped_length() == 128;
  return is_host ? to_string(prefix.address) : to_string(prefix);
}

[[nodiscard]] std::set<IpAddress> own_addresses(const SbcConfig& config) {
  std::set<IpAddress> out;
  for (const RealmConfig& realm : config.realms)
    for (const ListenerConfig& listener : realm.listen)
      out.insert(listener.addresses.begin(), listener.addresses.end());
  for (const PortConfig& port : config.ports)
    for (const Prefix& address : port.addresses) out.insert(address.address);
  return out;
}

}  // namespace

void DetectorBlocks::add(const sip::DetectionEvent& event) {
  if (event.action != policy::to_string(DetectorAction::Block) || event.block_for <= Duration{}) return;
  Wish wish{.source = event.source.address,
            .realm = event.realm,
            .is_proved = event.is_proved,
            .lasts = std::min(event.block_for, kLastsMax),
            .reason = fmt::format("{}: {}", event.detector, event.evidence)};
  const std::lock_guard lock(mutex_);
  Queue& queue = wish.is_proved ? proved_ : unproved_;
  const IpAddress subscriber = subscriber_of(wish.source).address;
  if (queue.sources.contains(subscriber)) return;
  if (queue.wishes.size() >= kWaitingMax) {
    ++lost_;
    return;
  }
  queue.sources.insert(subscriber);
  queue.wishes.push_back(std::move(wish));
}

std::vector<DetectorBlocks::Wish> DetectorBlocks::take(Queue& queue, std::uint32_t per_second,
                                                       Duration passed) {
  const double seconds = std::chrono::duration<double>(passed).count();
  queue.allowed = std::min<double>(per_second / 5.0, queue.allowed + per_second * seconds);
  std::vector<Wish> out;
  const std::lock_guard lock(mutex_);
  for (; queue.allowed >= 1 && !queue.wishes.empty(); --queue.allowed) {
    out.push_back(std::move(queue.wishes.front()));
    queue.wishes.pop_front();
    queue.sources.erase(subscriber_of(out.back().source).address);
    out.back().prefix = prefix_of(out.back().source);
  }
  return out;
}

// One that the block would not touch is spared too: it would take room and do nothing.
bool DetectorBlocks::is_spared(const Wish& wish) {
  if (own_.contains(wish.source) || wish.source.is_unspecified()) return true;
  if (to_position(wish.realm) >= day_->realms.size()) return false;
  const policy::SourceClass found = classifier_->classify(wish.realm, wish.source);
  const policy::Block meant{
      .prefix = {}, .origin = policy::BlockOrigin::Detector, .is_proved = wish.is_proved, .reason = {}};
  return found.trust == TrustClass::Denied || !policy::touches(meant, found.trust);
}

Prefix DetectorBlocks::prefix_of(const IpAddress& source) const {
  const Prefix subscriber = subscriber_of(source);
  const bool is_near = std::ranges::any_of(
      links_, [&](const Prefix& link) { return link.contains(source) || subscriber.contains(link.address); });
  if (source.is_v4() || !is_near) return subscriber;
  return {source, 128};
}

void DetectorBlocks::tick(Timestamp now) {
  const Duration passed = last_ == Timestamp{} ? Duration(1s) : now - last_;
  last_ = now;
  if (SharedValue<SbcConfig> day = places_.config.read(); day != day_) {
    day_ = std::move(day);
    classifier_ = std::make_unique<policy::SourceClassifier>(*day_);
    own_ = own_addresses(*day_);
    links_.clear();
    for (const PortConfig& port : day_->ports)
      links_.insert(links_.end(), port.addresses.begin(), port.addresses.end());
  }
  std::vector<Wish> wishes = take(proved_, kProvedPerSecond, passed);
  for (Wish& wish : take(unproved_, kUnprovedPerSecond, passed)) wishes.push_back(std::move(wish));
  if (!wishes.empty()) block(wishes, now);
  if (now - last_look_ < 1s) return;
  last_look_ = now;
  end_alarms(now);
}

void DetectorBlocks::block(const std::vector<Wish>& wishes, Timestamp now) {
  std::vector<const Wish*> asked;
  std::vector<BlockOrder> orders;
  for (const Wish& wish : wishes) {
    if (is_spared(wish)) {
      const std::string source = to_string(wish.source);
      places_.log.write(LogLevel::Info, "security", "block_spared",
                        "a detector would block whom it may not block: a peer, a trusted source, ourselves",
                        {{"source", source}, {"reason", wish.reason, FieldKind::Text}});
      continue;
    }
    asked.push_back(&wish);
    orders.push_back({.prefix = wish.prefix,
                      .origin = policy::BlockOrigin::Detector,
                      .is_proved = wish.is_proved,
                      .lasts = wish.lasts,
                      .reason = clean_evidence(wish.reason, day_->management.log.mask_numbers,
                                               policy::Blocklist::kReasonBytesMax)});
  }
  const auto done = places_.desk.block_all(orders);
  for (std::size_t i = 0; i < done.size(); ++i)
    if (done[i])
      alarm(*asked[i], done[i]->view.block.until, now);
    else
      refused(done[i].error(), *asked[i]);
}

void DetectorBlocks::refused(BlockRefusal why, const Wish& wish) {
  const std::string source = to_string(wish.source);
  places_.log.write(LogLevel::Warning, "security", "block_refused",
                    why == BlockRefusal::Share ? "detectors have blocked as many sources as they may"
                                               : "there is no room for another block",
                    {{"source", source}, {"reason", wish.reason, FieldKind::Text}});
  if (why != BlockRefusal::Share || std::exchange(is_share_taken_, true)) return;
  places_.alarms.raise(
      kShareAlarm, kShareSubject,
      fmt::format("{} of {} prefixes are blocked by detectors, as many as they may; of sources that may be "
                  "forged {} percent",
                  places_.desk.of_detectors(), places_.desk.capacity(), kUnprovedPercent));
}

void DetectorBlocks::alarm(const Wish& wish, Timestamp until, Timestamp now) {
  until = std::min(until, now + kAlarmLasts);
  const std::string detail =
      clean_evidence(wish.reason, day_->management.log.mask_numbers, AlarmRegistry::kDetailBytesMax);
  if (alarms_.size() < kAlarmsMax || alarms_.contains(wish.prefix)) {
    Timestamp& end = alarms_[wish.prefix];
    end = std::max(end, until);
    places_.alarms.raise(kAlarm, subject_of(wish.prefix), detail);
    return;
  }
  others_until_ = std::max(others_until_, until);
  places_.alarms.raise(kAlarm, "",
                       fmt::format("{} more blocks, which `sallyport show blocked` lists", ++others_));
}

void DetectorBlocks::end_alarms(Timestamp now) {
  const auto is_over = [&](const auto& one) {
    if (one.second <= now) return true;
    return std::ranges::none_of(places_.desk.around(one.first), [&](const policy::BlockView& view) {
      return view.block.origin == policy::BlockOrigin::Detector && view.block.until > now;
    });
  };
  std::erase_if(alarms_, [&](const auto& one) {
    const bool ends = is_over(one);
    if (ends) places_.alarms.clear(kAlarm, subject_of(one.first));
    return ends;
  });
  if (others_ != 0 && others_until_ <= now) {
    places_.alarms.clear(kAlarm, "");
    others_ = 0;
    others_until_ = {};
  }
  const std::uint64_t room = places_.desk.capacity();
  if (is_share_taken_ && std::uint64_t{places_.desk.of_detectors()} * 100 < room * kShareCalmPercent) {
    is_share_taken_ = false;
    places_.alarms.clear(kShareAlarm, kShareSubject);
  }
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    lost = std::exchange(lost_, 0);
  }
  if (lost != 0)
    places_.log.write(LogLevel::Warning, "security", "blocks_not_made",
                      "detectors ask for more blocks than are taken in a second", {{"blocks", lost}});
}

}  // namespace sallyport::mgmt
