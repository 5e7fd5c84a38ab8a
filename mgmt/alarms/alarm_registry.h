// alarm_registry.h — the conditions that somebody should look at: which there are, since when, how often.
//
// The names are a closed set with a severity each, so that what is told to a pager never depends on what a
// stranger sends. One name may be up for several subjects (a peer, a file, an engine).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/log/event_log.h"
#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

enum class AlarmSeverity : std::uint8_t { Critical, Major, Minor, Warning };

struct AlarmKind {
  std::string_view name;
  AlarmSeverity severity;
  std::string_view meaning;  // a sentence for people
};

inline constexpr std::array kAlarmKinds{
    AlarmKind{"alarm_table_full", AlarmSeverity::Major, "more alarms than fit are up at once"},
    AlarmKind{"blocked_room_low", AlarmSeverity::Warning,
              "the room for blocked prefixes is nearly taken; beyond it nobody is blocked"},
    AlarmKind{"blocks_not_saved", AlarmSeverity::Major, "blocks can't be written; a restart forgets them"},
    AlarmKind{"call_table_full", AlarmSeverity::Major, "as many calls as capacity allows are up"},
    AlarmKind{"cdr_lost", AlarmSeverity::Critical, "call records were lost"},
    AlarmKind{"cdr_write_failed", AlarmSeverity::Critical, "a CDR file can't be written; records wait"},
    AlarmKind{"certificate_expires", AlarmSeverity::Major, "a certificate has expired or soon will"},
    AlarmKind{"config_rolled_back", AlarmSeverity::Warning,
              "the configuration was taken back; the files say something else than what runs"},
    AlarmKind{"config_unconfirmed", AlarmSeverity::Warning,
              "the configuration that runs was not confirmed (sallyport confirm, sallyport rollback)"},
    AlarmKind{"detection_block", AlarmSeverity::Warning, "a source was blocked"},
    AlarmKind{"dialog_table_full", AlarmSeverity::Major, "as many dialogs as capacity allows are up"},
    AlarmKind{"dns_failed", AlarmSeverity::Major, "a peer's name can't be resolved"},
    AlarmKind{"emergency_call_silent", AlarmSeverity::Major, "no media comes in an emergency call"},
    AlarmKind{"journal_failed", AlarmSeverity::Critical,
              "the journal can't be written; a crash loses records"},
    AlarmKind{"journal_slow", AlarmSeverity::Major, "the disk of the journal needs more than 100 ms"},
    AlarmKind{"media_after_bye", AlarmSeverity::Warning, "media went on after the end of a call"},
    AlarmKind{"media_ports_low", AlarmSeverity::Major, "a realm has few media ports left"},
    AlarmKind{"message_pool_full", AlarmSeverity::Major, "no room for another SIP message"},
    AlarmKind{"peer_down", AlarmSeverity::Major, "a peer does not answer"},
    AlarmKind{"peer_over_budget", AlarmSeverity::Major,
              "more datagrams come in a peer's name than its limits of calls can need; what is beyond is "
              "dropped"},
    AlarmKind{"record_queue_full", AlarmSeverity::Critical, "an engine could not hand over a record"},
    AlarmKind{"registration_failed", AlarmSeverity::Major, "a peer does not take our registration"},
    AlarmKind{"registrations_not_saved", AlarmSeverity::Major,
              "registrations can't be written; a restart forgets them"},
    AlarmKind{"restore_failed", AlarmSeverity::Major, "saved calls could not be restored"},
    AlarmKind{"timer_wheel_full", AlarmSeverity::Major, "no room for another timer"},
    AlarmKind{"transaction_table_full", AlarmSeverity::Major,
              "as many transactions as capacity allows are up"},
};

struct ActiveAlarm {
  std::string_view name;
  AlarmSeverity severity = AlarmSeverity::Warning;
  std::string subject;  // empty: the node
  WallTime since{};
  std::uint64_t count = 0;  // how often it was raised since then
  std::string detail;       // of the last time
};

struct AlarmCount {
  std::string_view name;
  AlarmSeverity severity = AlarmSeverity::Warning;
  std::uint64_t active = 0;
};

// Every function may be called from any thread; none waits for a disk once the log has its writer.
class AlarmRegistry {
 public:
  static constexpr std::size_t kActiveMax = 256;
  static constexpr std::size_t kDetailBytesMax = 256;

  // `log` must outlive it.
  AlarmRegistry(EventLog& log, WallClock clock);

  // False: no such name, or no room; both are told in the log.
  bool raise(std::string_view name, std::string_view subject, std::string_view detail);
  // False: it was not up.
  bool clear(std::string_view name, std::string_view subject);

  [[nodiscard]] std::vector<ActiveAlarm> active() const;  // the worst first, then by name and subject
  // One for each name, those that are not up too.
  [[nodiscard]] std::vector<AlarmCount> counts() const;

 private:
  struct Entry {
    WallTime since{};
    std::uint64_t count = 0;
    std::string detail;
  };
  using Key = std::pair<std::size_t, std::string>;  // index into kAlarmKinds, subject

  void tell(const Key& key, const Entry& entry, bool is_active);  // under mutex_

  EventLog& log_;
  WallClock clock_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, Entry> active_;
};

[[nodiscard]] std::string_view to_string(AlarmSeverity severity) noexcept;
[[nodiscard]] nlohmann::json alarm_json(const ActiveAlarm& alarm);
// {"alarms":[{"name","severity","subject","since","count","detail","meaning"}]}: for `show alarms --json` and
// GET /api/v1/alarms.
[[nodiscard]] nlohmann::json alarms_json(const AlarmRegistry& alarms);

}  // namespace sallyport::mgmt
