// certificate_alarms.h — the alarm certificate_expires of certificates that somebody looks at now and then.
#pragma once

#include <set>
#include <span>
#include <string>

#include "dataplane/data_plane.h"
#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

// Used by one thread.
class CertificateAlarms {
 public:
  // `alarms` must outlive it.
  explicit CertificateAlarms(AlarmRegistry& alarms) : alarms_(alarms) {}

  // Up is the alarm of each that ends within its warn_before, or has ended; that of one that is not among
  // `certificates` any more is over.
  void judge(std::span<const dataplane::CertificateExpiry> certificates, WallTime now);
  // Another judges them from now on: what is up stays.
  void leave() noexcept { up_.clear(); }

 private:
  void judge_one(const dataplane::CertificateExpiry& certificate, WallTime now);

  AlarmRegistry& alarms_;
  std::set<std::string> up_;  // names
};

}  // namespace sallyport::mgmt
