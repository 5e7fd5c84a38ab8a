// block_desk.h — who blocks and unblocks comes here: the operator, the feeds of the configuration, detectors.
// What the operator and detectors say outlives a restart.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/log/event_log.h"
#include "mgmt/log/wall_clock.h"
#include "mgmt/records/cdr_json.h"
#include "mgmt/state/block_store.h"
#include "policy/base/result.h"
#include "policy/base/shared_value.h"
#include "policy/decide/blocklist.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// All must outlive the desk.
struct BlockPlaces {
  AlarmRegistry& alarms;
  EventLog& log;
  BlockStore& store;
  std::function<Timestamp()> core;
  WallClock wall;
  const SharedSlot<SbcConfig>& config;  // of the day
  // DataPlane::follow_blocks, once there is a data plane.
  std::function<void()> follow = {};
};

struct BlockOrder {
  Prefix prefix;
  policy::BlockOrigin origin = policy::BlockOrigin::Operator;
  bool is_proved = true;
  std::optional<Duration> lasts;  // nothing: until it is unblocked
  std::string reason;
};

// Everybody: the prefix is all addresses. Full: there is no room. Share: detectors have all that they may.
enum class BlockRefusal : std::uint8_t { Everybody, Full, Share };

struct BlockDone {
  policy::BlockView view;
  std::vector<std::string> peers;  // configured ones that it touches
};

// How full the table may be before there is an alarm, and when that ends.
inline constexpr unsigned kBlocksAlarmPercent = 80, kBlocksCalmPercent = 75;
// Of the room, what detectors may take: operator and feeds find the rest. What datagrams with false sources
// could have brought about may take half of that.
inline constexpr unsigned kDetectorsPercent = 50, kUnprovedPercent = 25;

// Any thread; each waits for another for microseconds, block() and unblock() for the lcores' next turn too.
class BlockDesk {
 public:
  BlockDesk(std::uint32_t capacity, const HashKey& key, BlockPlaces places);

  // Good for as long as the desk; the lcores read it.
  [[nodiscard]] policy::BlockTable& table() noexcept { return list_.table(); }

  // At the start: what has not ended meanwhile.
  void restore(const std::vector<SavedBlock>& saved);
  // What the files of this configuration say, in place of what those of another said.
  void take_feeds(const SbcConfig& config);

  // When it returns no lcore lets anything of the prefix through.
  [[nodiscard]] Result<BlockDone, BlockRefusal> block(const BlockOrder& order);
  // The same for each, one after the other; the lcores are waited for once.
  [[nodiscard]] std::vector<Result<BlockDone, BlockRefusal>> block_all(std::span<const BlockOrder> orders);
  // What operator and detectors said of that prefix. How many said something.
  std::size_t unblock(const Prefix& prefix);
  // Now and then: takes out what has ended.
  void tick();

  [[nodiscard]] policy::Blocklist::Page page(std::uint64_t from, std::size_t limit) const;
  // All blocks of prefixes around it, the longest first.
  [[nodiscard]] std::vector<policy::BlockView> around(const Prefix& prefix) const;
  [[nodiscard]] std::uint32_t prefixes() const;
  [[nodiscard]] std::uint32_t capacity() const;
  // What detectors said and still holds.
  [[nodiscard]] std::uint32_t of_detectors() const;
  [[nodiscard]] ClockPair clocks() const { return {places_.core(), places_.wall()}; }

 private:
  static constexpr std::size_t kEndsOfTick = 10'000;

  // These three under mutex_.
  [[nodiscard]] Result<policy::BlockView, BlockRefusal> put(const BlockOrder& order);
  [[nodiscard]] std::optional<policy::BlockView> said_of(const Prefix& prefix,
                                                         policy::BlockOrigin origin) const;
  [[nodiscard]] bool has_share_left(bool is_proved) const noexcept;
  void tell(const BlockOrder& order, BlockDone& done) const;
  void look_at_room();
  void warn_of_peers(const SbcConfig& config) const;

  BlockPlaces places_;
  mutable std::mutex mutex_;  // guards what follows; of the list all but its table
  policy::Blocklist list_;
  std::array<std::uint32_t, 2> of_detectors_{};  // unproved, proved
  bool is_low_ = false;
};

// Configured peers with a target or a source in it.
[[nodiscard]] std::vector<std::string> peers_within(const SbcConfig& config, const Prefix& prefix);

}  // namespace sallyport::mgmt
