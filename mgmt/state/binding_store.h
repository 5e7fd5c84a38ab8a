// binding_store.h — registrations of endpoints on the disk, so that a restart finds them: what the engines
// tell of their bindings is gathered and written to node.state/registrations.db, fifty times a second at
// most.
//
// Nobody waits for it. When the disk is full or fails, what there is to write waits in memory, up to a bound,
// and there is an alarm; a damaged file is put aside as registrations.db.broken and a new one begun.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/log/event_log.h"
#include "mgmt/state/binding_file.h"
#include "policy/base/time.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::mgmt {

struct BindingStoreSettings {
  std::string folder;  // node.state
  std::size_t waiting_bytes_max = 64'000'000;
  // Another store of rows has others of its own.
  std::string file = "registrations.db";
  std::string alarm = "registrations_not_saved";
  std::string rows = "registrations";  // a word for people
};

// Used by one thread at a time: the one that starts, then the one that may wait for a disk.
class BindingStore {
 public:
  static constexpr Duration kCommitEvery = 20ms;  // what a crash may take
  static constexpr Duration kRetryMin = 1s, kRetryMax = 30s;
  static constexpr std::size_t kRowsOfCommit = 4096;  // a record of a call waits no longer than for them

  // Both must outlive it.
  BindingStore(BindingStoreSettings settings, AlarmRegistry& alarms, EventLog& log);

  // At the start: opens the file, and all that is in it. What is wrong is an alarm.
  [[nodiscard]] std::vector<BindingRow> load();
  // In place of what was to be written of that binding.
  void add(const sip::BindingEvent& event);
  // No engine took it: it goes.
  void forget(std::uint64_t number) { add({number, 0, {}}); }
  // Writes what is due; `is_last`: all that there is. How long until it wants to be asked again.
  [[nodiscard]] Duration step(Timestamp now, bool is_last = false);
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

 private:
  struct Change {
    std::uint8_t shard = 0;
    std::string bytes;
  };
  [[nodiscard]] bool commit(Timestamp now);
  [[nodiscard]] FileOutcome write_some();
  void on_broken(const std::string& why);
  void on_failed(Timestamp now, const std::string& why);
  void on_written();

  BindingStoreSettings settings_;
  AlarmRegistry& alarms_;
  EventLog& log_;
  BindingFile file_;
  std::unordered_map<std::uint64_t, Change> waiting_;  // by number
  std::size_t waiting_bytes_ = 0;
  Timestamp due_ = Timestamp::max();
  Duration retry_{};  // not zero: the last attempt failed
  std::uint64_t lost_ = 0;
};

}  // namespace sallyport::mgmt
