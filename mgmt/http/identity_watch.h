// identity_watch.h — keeps the certificate of REST as its files are: looked at every few seconds, aside; and
// the alarm certificate_expires, where the watch of SIP's certificates (daemon/certificate_watch.h) does not.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/daemon/aside.h"
#include "mgmt/daemon/certificate_alarms.h"
#include "mgmt/http/tls_identity.h"
#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// All must outlive the watch.
struct IdentityWatchPlaces {
  EventLog& log;
  AlarmRegistry& alarms;
  WallClock wall;
  // Certificates that another judges; empty: there are none.
  std::function<std::vector<dataplane::CertificateExpiry>()> judged_elsewhere = {};
};

// Used on the thread that runs `loop`.
class IdentityWatch {
 public:
  static constexpr Duration kLook = 10s;

  // `loop` must outlive it.
  IdentityWatch(boost::asio::io_context& loop, IdentityWatchPlaces places, TlsIdentity identity)
      : places_(std::move(places)), identity_(std::move(identity)), aside_(loop) {}

  [[nodiscard]] const TlsIdentity& identity() const noexcept { return identity_; }
  // A reload may say that other files are its.
  void follow(const SbcConfig& now);
  // Now and then. Files that don't fit each other leave the old certificate in use, and are told once.
  void tick(Timestamp now);

 private:
  void look();
  void take(Result<LoadedIdentity, std::string> loaded);
  void judge();

  IdentityWatchPlaces places_;
  CertificateAlarms certificate_alarms_{places_.alarms};
  TlsIdentity identity_;
  Timestamp looked_{};
  bool is_looking_ = false;
  std::string told_;
  Aside aside_;  // last: what is under way comes to its end before the rest goes
};

}  // namespace sallyport::mgmt
