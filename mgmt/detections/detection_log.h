// detection_log.h — what looked like an attack lately, as the operator asks for it: the last 10,000 findings
// of all detectors, with what repeats told once.
//
// Nothing here grows with what strangers send: when it is full the detector that has most findings loses its
// oldest, so that a scan from ten thousand addresses does not push out the one forged BYE.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/model/management.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

struct Detection {
  std::string_view detector, action;  // of static storage
  Endpoint source;                    // its port: the last one
  RealmIndex realm = RealmIndex::kNone;
  std::uint64_t call = 0;   // 0: none
  std::uint64_t count = 0;  // how often it was told
  Timestamp first{}, last{};
  // Of the last time:
  std::uint8_t confidence = 0;  // per cent
  bool is_proved = false;       // the source can't be forged
  std::string evidence;         // without controls, numbers masked
};

struct DetectionQuestion {
  std::string detector;          // empty: every one
  std::optional<Prefix> source;  // nothing: from everywhere
  std::uint64_t before = 0;      // 0, or what came back as `next`
  std::size_t limit = 100;
};

// Any thread; each waits for another for a moment.
class DetectionLog {
 public:
  static constexpr std::size_t kDetectionsMax = 10'000;
  static constexpr std::size_t kEvidenceBytesMax = 256;
  // The same detector and action, of the same source and call, after no longer pause is the same finding.
  static constexpr Duration kPauseMax = 1min;

  explicit DetectionLog(NumberMask mask, std::size_t capacity = kDetectionsMax);

  void add(const sip::DetectionEvent& event, Timestamp at);

  // The one that was told last comes first; one that is told again meanwhile may be missed. `next` is 0 when
  // there are no more.
  struct Page {
    std::vector<Detection> detections;
    std::uint64_t next = 0;
    std::size_t kept = 0;         // of all
    std::uint64_t forgotten = 0;  // found no room any more
  };
  [[nodiscard]] Page page(const DetectionQuestion& question) const;

  // What was told, or told again, after `last` of an earlier look; of that the newest `limit`, the oldest of
  // them first.
  struct News {
    std::vector<Detection> detections;
    std::uint64_t last = 0;
    std::uint64_t left_out = 0;
  };
  [[nodiscard]] News since(std::uint64_t last, std::size_t limit) const;

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] static bool is_detector(std::string_view name) noexcept;

 private:
  struct Key {
    std::string_view detector, action;
    IpAddress source;
    RealmIndex realm;
    std::uint64_t call;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  using Turn = std::uint64_t;  // which of all that were told; grows
  using Rows = std::map<Turn, Detection>;

  [[nodiscard]] static Key key_of(const Detection& detection);
  [[nodiscard]] Rows::node_type take(Turn turn);
  void put(Rows::node_type node);
  void make_room();
  void fill(Detection& detection, const sip::DetectionEvent& event, Timestamp at) const;

  const NumberMask mask_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards what follows
  Rows rows_;
  std::map<Key, Turn> newest_;                                                     // of each key
  std::array<std::set<Turn>, sip::kDetectionNames.size() + 1> turns_of_detector_;  // by rank_of()
  Turn last_turn_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace sallyport::mgmt
