// after_bye_watch.h — raises the alarm media_after_bye while peers go on sending after their calls have
// ended: a call that is not billed, or a phone that does not understand (threats D9).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "mgmt/alarms/alarm_registry.h"
#include "policy/base/time.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {

// Any thread.
class AfterByeWatch {
 public:
  // What was on its way when the call ended is nothing unusual: a second of voice.
  static constexpr std::uint64_t kUsualPackets = 50;
  static constexpr Duration kAlarmFor = 60s;  // since the last such call of this peer

  // `alarms` must outlive it.
  explicit AfterByeWatch(AlarmRegistry& alarms) : alarms_(alarms) {}

  void on_ended(const CallRecord& end, Timestamp now);
  // Now and then.
  void tick(Timestamp now);

 private:
  AlarmRegistry& alarms_;
  std::mutex mutex_;                        // guards what follows
  std::map<std::string, Timestamp> until_;  // by peer: those of the configuration, and none
};

}  // namespace sallyport::mgmt
