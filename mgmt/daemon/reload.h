// reload.h — puts the configuration as its files say it now in place of the one that runs: whole, or not at
// all.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/calls/call_engines.h"
#include "mgmt/config/config_changes.h"
#include "mgmt/config/load_config.h"
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
  std::vector<ConfigProblem> warnings;
};

// Nothing has changed.
struct ReloadRefusal {
  std::string why;                      // a sentence
  std::vector<ConfigProblem> problems;  // all of the configuration, when it is to blame
};

// Used by the management thread alone. Files are read and tables compiled aside, meanwhile it does what else
// is asked of it; only for the engines it waits.
class Reload {
 public:
  using Done = Result<ReloadReport, ReloadRefusal>;
  using Told = std::function<void(const Done&)>;
  // `running`: what the configuration of the day was made from.
  Reload(ReloadPlaces places, WrittenConfig running);

  // `by`: who asked, for the log. `told`: called once, perhaps before this returns. Whoever asks while the
  // files are being read may have changed them since: they are read once more, for all of them together.
  void begin(std::string_view by, Told told = {});
  // False: the last attempt to load a configuration failed.
  [[nodiscard]] bool was_successful() const noexcept { return was_successful_; }

 private:
  struct Asked {
    std::string by;
    Told told;
  };
  void begin_next();
  void end(const Done& done);
  [[nodiscard]] Done adopt(LoadedConfig loaded);
  [[nodiscard]] Result<std::vector<bool>, std::string> idle_places(const SbcConfig& running);
  void notify(const std::string& state) const;
  void tell(std::string_view by, const Done& done) const;

  ReloadPlaces places_;
  WrittenConfig written_;
  std::vector<Asked> under_way_, next_;
  bool was_successful_ = true;
};

}  // namespace sallyport::mgmt
