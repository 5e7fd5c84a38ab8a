// event_feed.h — server-sent events for the page: counters once a second, findings and alarms as they come.
// WHATWG HTML §9.2 (text/event-stream).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/detections/detection_log.h"
#include "mgmt/http/router.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// All must outlive the feed. What is made is one line of JSON.
struct EventPlaces {
  std::function<std::string()> stats;
  const AlarmRegistry& alarms;
  const DetectionLog& detections;
  std::function<std::string(const Detection&)> detection;
  std::function<Timestamp()> core;
};

// Used by the management thread alone. What is sent is made once for all who listen, and not at all while
// nobody does. A reader that does not read, or whose token is gone, is let go.
class EventFeed {
 public:
  static constexpr std::size_t kStreamsMax = 16;
  static constexpr std::size_t kWaitingBytesMax = 512 * 1024;  // for one reader
  static constexpr std::size_t kDetectionsMax = 50;            // of one tick; the newest
  static constexpr Duration kStatsEach = 1s;

  explicit EventFeed(EventPlaces places) : places_(std::move(places)) {}

  // 503: as many listen as may.
  [[nodiscard]] HttpResponse open(const PathArguments& given);
  // Some times a second.
  void tick();
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }

 private:
  struct Stream {
    std::shared_ptr<BodyStream> body;
    std::function<bool()> holds;  // null: always
  };
  struct AlarmState {
    std::uint64_t count = 0;
    ActiveAlarm alarm;
  };
  using AlarmKey = std::pair<std::string_view, std::string>;  // name, subject

  void let_go();
  void look_around();  // where those begin who listen from now on
  [[nodiscard]] std::string stats_of_now(Timestamp now);
  void add_detections(std::string& out);
  void add_alarms(std::string& out);

  EventPlaces places_;
  std::vector<Stream> streams_;
  std::string stats_;
  Timestamp stats_at_{};
  std::uint64_t last_detection_ = 0;
  std::map<AlarmKey, AlarmState> alarms_;
};

// GET /api/v1/events
void add_event_paths(Router& router, EventFeed& feed);

}  // namespace sallyport::mgmt
