// alarm_registry.cpp — keeps the alarms that are up and tells the log when that changes.
#include "mgmt/alarms/alarm_registry.h"

#include <algorithm>
#include <optional>

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::optional<std::size_t> kind_index(std::string_view name) {
  const auto found = std::ranges::find(kAlarmKinds, name, &AlarmKind::name);
  if (found == kAlarmKinds.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kAlarmKinds.begin());
}

[[nodiscard]] LogLevel level_of(AlarmSeverity severity) {
  return severity <= AlarmSeverity::Major ? LogLevel::Error : LogLevel::Warning;
}

}  // namespace

std::string_view to_string(AlarmSeverity severity) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"critical", "major", "minor", "warning"};
  return kNames[static_cast<std::size_t>(severity)];
}

AlarmRegistry::AlarmRegistry(EventLog& log, WallClock clock) : log_(log), clock_(std::move(clock)) {}

bool AlarmRegistry::raise(std::string_view name, std::string_view subject, std::string_view detail) {
  const auto kind = kind_index(name);
  if (!kind) {
    log_.write(LogLevel::Warning, "alarms", "alarm_unknown", "an alarm without an entry in the table",
               {{"alarm", name}});
    return false;
  }
  const WallTime now = clock_();
  const std::lock_guard lock(mutex_);
  Key key{*kind, std::string(subject.substr(0, kDetailBytesMax))};
  // The last place is kept for the alarm that says so.
  const bool no_room = active_.size() + 1 >= kActiveMax && !active_.contains(key);
  if (no_room) key = {*kind_index("alarm_table_full"), {}};
  Entry& entry = active_[key];
  entry.detail = no_room ? name : detail.substr(0, kDetailBytesMax);
  if (++entry.count == 1) {
    entry.since = now;
    tell(key, entry, true);
  }
  return !no_room;
}

bool AlarmRegistry::clear(std::string_view name, std::string_view subject) {
  const auto kind = kind_index(name);
  if (!kind) return false;
  const std::lock_guard lock(mutex_);
  const auto found = active_.find(Key{*kind, std::string(subject.substr(0, kDetailBytesMax))});
  if (found == active_.end()) return false;
  tell(found->first, found->second, false);
  active_.erase(found);
  if (active_.size() < kActiveMax) {
    const auto full = active_.find(Key{*kind_index("alarm_table_full"), {}});
    if (full != active_.end()) {
      tell(full->first, full->second, false);
      active_.erase(full);
    }
  }
  return true;
}

void AlarmRegistry::tell(const Key& key, const Entry& entry, bool is_active) {
  const AlarmKind& kind = kAlarmKinds[key.first];
  log_.write(is_active ? level_of(kind.severity) : LogLevel::Info, "alarms",
             is_active ? "alarm_raised" : "alarm_cleared", kind.meaning,
             {{"alarm", kind.name},
              {"severity", to_string(kind.severity)},
              {"subject", key.second, FieldKind::Text},
              {"count", entry.count},
              {"detail", entry.detail, FieldKind::Text}});
}

std::vector<ActiveAlarm> AlarmRegistry::active() const {
  std::vector<ActiveAlarm> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : active_)
      out.push_back({kAlarmKinds[key.first].name, kAlarmKinds[key.first].severity, key.second, entry.since,
                     entry.count, entry.detail});
  }
  std::ranges::stable_sort(out, {}, &ActiveAlarm::severity);
  return out;
}

std::vector<AlarmCount> AlarmRegistry::counts() const {
  std::vector<AlarmCount> out;
  for (const AlarmKind& kind : kAlarmKinds) out.push_back({kind.name, kind.severity, 0});
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : active_) ++out[key.first].active;
  return out;
}

nlohmann::json alarm_json(const ActiveAlarm& alarm) {
  const auto* const kind = std::ranges::find(kAlarmKinds, alarm.name, &AlarmKind::name);
  return {{"name", alarm.name},
          {"severity", to_string(alarm.severity)},
          {"subject", escaped(alarm.subject)},
          {"since", iso_8601(alarm.since)},
          {"count", alarm.count},
          {"detail", escaped(alarm.detail)},
          {"meaning", kind->meaning}};
}

nlohmann::json alarms_json(const AlarmRegistry& alarms) {
  nlohmann::json list = nlohmann::json::array();
  for (const ActiveAlarm& alarm : alarms.active()) list.push_back(alarm_json(alarm));
  return {{"alarms", std::move(list)}};
}

}  // namespace sallyport::mgmt
