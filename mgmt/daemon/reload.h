// reload.h — puts the configuration as its files say it now in place of the one that runs: whole, or not at
// all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/calls/call_engines.h"
#include "mgmt/config/config_changes.h"
#include "mgmt/config/load_config.h"
#include "mgmt/daemon/unconfirmed.h"
#include "mgmt/log/event_log.h"
#include "policy/base/result.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// All must outlive the reloads.
struct ReloadPlaces {
  std::string file;
  SharedSlot<SbcConfig>& config;  // of the day
  CallEngines& engines;
  EventLog& log;
  // DataPlane::adopt.
  std::function<Result<void, std::string>(SharedValue<SbcConfig> next)> adopt;
  // The data plane has followed: what management itself keeps of a configuration, before `config` says it.
  std::function<void(const SbcConfig& before, const SbcConfig& now)> adopted = {};
  // Certificates whose files have changed are read again: a sentence for each.
  std::function<std::vector<std::string>()> refresh_certificates = {};
  // Why there can't be a reload just now, a sentence; empty: there can.
  std::function<std::string()> why_not_now = {};
  // Of the service manager; empty: none.
  std::string notify_socket = {};
  std::function<Timestamp()> monotonic = {};  // for it: CLOCK_MONOTONIC
  // Tokens of REST, with the rest of the configuration.
  std::function<void(std::vector<AccessToken> tokens)> take_tokens = {};
  AlarmRegistry* alarms = nullptr;  // null: none are raised
  UnconfirmedMark* mark = nullptr;  // null: a restart knows of nothing
  WallClock wall = {};              // null: until when is not told; for people alone
  // Does `work` where it holds nobody up, then `then` on the management thread. Empty: both at once.
  std::function<void(std::function<void()> work, std::function<void()> then)> aside = {};
};

struct ReloadReport {
  struct Table {
    std::string name;
    std::size_t lines = 0;
  };
  std::vector<ConfigChange> changes;
  std::vector<Table> tables;  // whose files say something else than before
  struct Users {
    std::string registrar;
    std::size_t users = 0;
  };
  std::vector<Users> users;               // of registrars whose files of users say something else
  std::vector<std::string> passwords;     // peers whose password files do
  std::vector<std::string> certificates;  // what became of those whose files did
  std::vector<std::string> tokens;        // names of those that are new, gone, or others
  std::vector<ConfigProblem> warnings;
  struct Probation {
    Duration left{};
    WallTime until{};  // zero: nobody knows
  };
  std::optional<Probation> probation;  // taken back then, unless it is confirmed
  bool was_taken_back = false;         // of rollback(): the files still say something else
};

// Nothing has changed.
struct ReloadRefusal {
  std::string why;                      // a sentence
  std::vector<ConfigProblem> problems;  // all of the configuration, when it is to blame
};

// Used by the management thread alone. Files are read and tables compiled aside, meanwhile it does what else
// is asked of it; only for the engines it waits.
//
// The configuration before is kept, compiled, so that it can be taken back whatever the files say by then:
// one step, and not over a restart.
//
//   state        reload            reload with time      confirm    rollback, time is up     restart
//   settled      settled, new      probation, new step   refused    settled, step is used    settled, no step
//                step
//   probation    probation goes    probation begins      settled    settled, step is used    orphaned
//                on; same step     anew; same step
//   orphaned     orphaned, step    probation, step       settled    orphaned, or refused     orphaned
//
// So the step back is always what was confirmed last, however often files are read during a probation; a
// reload that nobody asked to be confirmed (SIGHUP) neither confirms nor prolongs it. Orphaned: a start found
// the mark of a probation; it runs what the files say, there is no other, and says so until it is confirmed.
class Reload {
 public:
  using Done = Result<ReloadReport, ReloadRefusal>;
  using Told = std::function<void(const Done&)>;
  // `running`: what the configuration of the day was made from.
  Reload(ReloadPlaces places, WrittenConfig running, std::vector<AccessToken> tokens = {});

  // `by`: who asked, for the log. `told`: called once, perhaps before this returns. Whoever asks while the
  // files are being read may have changed them since: they are read once more, for all of them together.
  // `confirm_within`: it is taken back unless confirm() comes in that time.
  void begin(std::string_view by, Told told = {}, std::optional<Duration> confirm_within = {});
  // What runs stays.
  [[nodiscard]] Result<void, ReloadRefusal> confirm(std::string_view by);
  // Back to the configuration that was confirmed last, or that ran before.
  [[nodiscard]] Done rollback(std::string_view by);
  // Now and then: what was not confirmed in time is taken back.
  void tick();
  // False: the last attempt to load a configuration failed, or what it brought was taken back.
  [[nodiscard]] bool was_successful() const noexcept { return was_successful_; }
  // What runs, as its files said it.
  [[nodiscard]] const WrittenConfig& written() const noexcept { return running_.written; }
  // When what its files said was last taken, at the start or later; zero without a clock.
  [[nodiscard]] WallTime last_success() const noexcept { return last_success_; }

 private:
  struct Asked {
    std::string by;
    Told told;
    std::optional<Duration> confirm_within;
  };
  void begin_next();
  void end(Done done);
  // `next` becomes what `loaded` said, its peers and realms not yet in their places.
  [[nodiscard]] Done adopt(LoadedConfig loaded, LoadedConfig& next);
  [[nodiscard]] Done load(LoadedConfig loaded, std::optional<Duration> confirm_within);
  [[nodiscard]] Done take_back(std::string_view by);
  void begin_probation(Duration within, ReloadReport& report);
  void end_probation();
  void raise(std::string_view alarm, const std::string& detail);
  [[nodiscard]] Result<std::vector<bool>, std::string> idle_places(const SbcConfig& running);
  [[nodiscard]] Result<std::vector<sip::Path>, std::string> listeners_in_use(const SbcConfig& running);
  void notify(const std::string& state) const;
  void tell(std::string_view by, const Done& done) const;

  ReloadPlaces places_;
  LoadedConfig running_;                // as its files said it: peers and realms get their places each time
  std::optional<LoadedConfig> former_;  // the step back
  std::optional<Timestamp> confirm_until_;
  std::string orphaned_;  // what the mark of an earlier run says; empty: there was none
  std::vector<Asked> under_way_, next_;
  bool was_successful_ = true;
  WallTime last_success_{};
};

}  // namespace sallyport::mgmt
