// record_keeping.h — from the engines' events to CDR files, alarms and the log: the writer of records on its
// thread, wired to the event stream of the data plane.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "dataplane/data_plane.h"
#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/records/record_thread.h"
#include "mgmt/records/record_writer.h"
#include "mgmt/state/binding_store.h"
#include "mgmt/state/block_store.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// All must outlive the keeping of records.
struct RecordPlaces {
  Disk& disk;
  AlarmRegistry& alarms;
  EventLog& log;
  WallClock wall;
  CoreClock core;
  // A call's `end` as it is written; on the thread of the records.
  std::function<void(const CallRecord& end)> ended = {};
  BindingStore* bindings = nullptr;  // null: nobody registers here
  BlockStore* blocks = nullptr;      // null: nothing is blocked
  // What looked like an attack; on the thread of the records, on which nobody waits.
  std::function<void(const sip::DetectionEvent&, Timestamp at)> detected = {};
  // A realm's name today, on that thread; empty: as the configuration of the start says.
  std::function<std::string(RealmIndex)> realm_name = {};
};

class RecordKeeping {
 public:
  // `events` must outlive it.
  RecordKeeping(const SbcConfig& config, const RecordPlaces& places, dataplane::EventStream& events);

  // Takes up what the last run left; `restored` are the calls that came back. Then starts the thread. The
  // error is a sentence.
  [[nodiscard]] Result<ReplayReport, std::string> begin(const std::set<std::uint64_t>& restored);
  // Now and then on the management thread: raises the alarm of a disk that hangs.
  void watch() { writer_.watch(); }
  // When no engine adds anything any more: writes all that there is.
  void stop();
  [[nodiscard]] std::uint64_t queue() const noexcept { return writer_.queue(); }
  [[nodiscard]] std::uint64_t media_reports_late() const noexcept { return writer_.reports_late(); }

 private:
  dataplane::EventStream& events_;
  EventLog& log_;
  RecordWriter writer_;
  std::unique_ptr<RecordThread> thread_;
};

}  // namespace sallyport::mgmt
