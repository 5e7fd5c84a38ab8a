// detector_blocks.h — what a detector asks to be blocked becomes a block: who is spared, how fast and how
// many, and the alarm of it.
//
// Detectors speak on the thread of the records, on which the journal waits for nobody; a block waits for the
// lcores. So orders wait in a bounded queue until the management thread takes them, ten times a second.
//
// An attacker who forges his sources chooses what is asked for. What that gives him is bounded: so many
// blocks a second, a share of the room (block_desk.h), each for its time, none of a peer, of whom an access
// rule trusts (unless it was proved), or of ourselves. Beyond it nothing is blocked here; what detectors drop
// themselves they still drop.
//
// Of IPv6 the subscriber's /64 is blocked (policy/base/subscriber.h), but on a port's own network, where each
// host is somebody else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/blocks/block_desk.h"
#include "mgmt/log/event_log.h"
#include "policy/base/shared_value.h"
#include "policy/decide/source_classifier.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

// All must outlive the blocks.
struct DetectorBlockPlaces {
  BlockDesk& desk;
  AlarmRegistry& alarms;
  EventLog& log;
  const SharedSlot<SbcConfig>& config;  // of the day
};

class DetectorBlocks {
 public:
  static constexpr std::size_t kWaitingMax = 512;  // of proved ones, and as many of the others
  // Taken in a second; a fifth of it at once.
  static constexpr std::uint32_t kProvedPerSecond = 200, kUnprovedPerSecond = 50;
  // Sources that have an alarm of their own at a time; those beyond share one.
  static constexpr std::size_t kAlarmsMax = 8;
  // An alarm ends with its block, or when it is so old.
  static constexpr Duration kAlarmLasts = 1h;

  explicit DetectorBlocks(DetectorBlockPlaces places) : places_(places) {}

  // Any thread, and waits for nobody; without effect unless the action is "block".
  void add(const sip::DetectionEvent& event);
  // The management thread, ten times a second.
  void tick(Timestamp now);

 private:
  struct Wish {
    IpAddress source;
    Prefix prefix{};  // to be blocked; set when its turn comes
    RealmIndex realm = RealmIndex::kNone;
    bool is_proved = false;
    Duration lasts{};
    std::string reason;
  };
  // Proved ones and others, so that these never fill the place of those.
  struct Queue {
    std::deque<Wish> wishes;
    std::set<IpAddress> sources;  // of them: subscribers
    double allowed = 0;           // how many may be taken now; the management thread's
  };

  [[nodiscard]] std::vector<Wish> take(Queue& queue, std::uint32_t per_second, Duration passed);
  [[nodiscard]] bool is_spared(const Wish& wish);
  [[nodiscard]] Prefix prefix_of(const IpAddress& source) const;
  void block(const std::vector<Wish>& wishes, Timestamp now);
  void refused(BlockRefusal why, const Wish& wish);
  void alarm(const Wish& wish, Timestamp until, Timestamp now);
  void end_alarms(Timestamp now);

  DetectorBlockPlaces places_;
  std::mutex mutex_;  // guards the wishes of both, and lost_
  Queue proved_, unproved_;
  std::uint64_t lost_ = 0;
  // The management thread's:
  SharedValue<SbcConfig> day_;  // what `classifier_` was made of
  std::unique_ptr<policy::SourceClassifier> classifier_;
  std::set<IpAddress> own_;
  std::vector<Prefix> links_;           // the networks of our ports
  std::map<Prefix, Timestamp> alarms_;  // until when
  Timestamp others_until_{};            // of the alarm that the rest share; Timestamp{}: it is not up
  std::uint64_t others_ = 0;
  bool is_share_taken_ = false;
  Timestamp last_{}, last_look_{};
};

}  // namespace sallyport::mgmt
