// event_feed.cpp — see event_feed.h.
#include "mgmt/events/event_feed.h"

#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

// `json` has no line feed: it is one field of the event.
[[nodiscard]] std::string event(std::string_view name, std::string_view json) {
  std::string out = "event: ";
  out += name;
  out += "\ndata: ";
  out += json;
  return out += "\n\n";
}

[[nodiscard]] std::string alarm_event(const ActiveAlarm& alarm, bool is_active) {
  nlohmann::json json = alarm_json(alarm);
  json["is_active"] = is_active;
  return event("alarm", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

HttpResponse EventFeed::open(const PathArguments& given) {
  let_go();
  if (streams_.size() >= kStreamsMax) {
    HttpResponse full = problem(503, "Service Unavailable", "As many listen to events as may; close one.");
    full.retry_after_s = 5;
    return full;
  }
  if (streams_.empty()) look_around();
  HttpResponse out;
  out.content_type = "text/event-stream";
  out.stream = std::make_shared<BodyStream>(kWaitingBytesMax);
  streams_.push_back({out.stream, given.is_still_admitted});
  out.stream->push("retry: 2000\n\n" + stats_of_now(places_.core()));
  return out;
}

void EventFeed::let_go() {
  std::erase_if(streams_, [](const Stream& one) {
    if (!one.body->is_over() && one.holds && !one.holds()) one.body->end();
    return one.body->is_over();
  });
}

void EventFeed::look_around() {
  last_detection_ = places_.detections.since(0, 0).last;
  std::string unsaid;
  add_alarms(unsaid);
}

// Whoever comes shortly after another sees the same.
std::string EventFeed::stats_of_now(Timestamp now) {
  if (stats_.empty() || now - stats_at_ >= kStatsEach) {
    stats_ = event("stats", places_.stats());
    stats_at_ = now;
  }
  return stats_;
}

void EventFeed::add_detections(std::string& out) {
  const DetectionLog::News news = places_.detections.since(last_detection_, kDetectionsMax);
  last_detection_ = news.last;
  for (const Detection& one : news.detections) out += event("detection", places_.detection(one));
  if (news.left_out != 0) out += ": " + std::to_string(news.left_out) + " detections are left out\n\n";
}

void EventFeed::add_alarms(std::string& out) {
  std::map<AlarmKey, AlarmState> now;
  for (ActiveAlarm& alarm : places_.alarms.active()) {
    const AlarmKey key{alarm.name, alarm.subject};
    const auto before = alarms_.find(key);
    if (before == alarms_.end() || before->second.count != alarm.count) out += alarm_event(alarm, true);
    now.emplace(key, AlarmState{alarm.count, std::move(alarm)});
  }
  for (const auto& [key, before] : alarms_)
    if (!now.contains(key)) out += alarm_event(before.alarm, false);
  alarms_ = std::move(now);
}

void EventFeed::tick() {
  let_go();
  if (streams_.empty()) return;
  std::string news;
  add_detections(news);
  add_alarms(news);
  const Timestamp now = places_.core();
  if (now - stats_at_ >= kStatsEach) news += stats_of_now(now);
  if (news.empty()) return;
  for (const Stream& one : streams_) static_cast<void>(one.body->push(news));
}

void add_event_paths(Router& router, EventFeed& feed) {
  router.on("GET", "/api/v1/events", [&feed](const PathArguments& given) { return feed.open(given); });
}

}  // namespace sallyport::mgmt
