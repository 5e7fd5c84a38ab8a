// identity_watch.h — keeps the certificate of REST as its files are: looked at every few seconds, aside.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "mgmt/daemon/aside.h"
#include "mgmt/http/tls_identity.h"
#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Used on the thread that runs `loop`.
class IdentityWatch {
 public:
  static constexpr Duration kLook = 10s;

  // `log` and `loop` must outlive it.
  IdentityWatch(boost::asio::io_context& loop, EventLog& log, TlsIdentity identity)
      : log_(log), identity_(std::move(identity)), aside_(loop) {}

  [[nodiscard]] const TlsIdentity& identity() const noexcept { return identity_; }
  // A reload may say that other files are its.
  void follow(const SbcConfig& now);
  // Now and then. Files that don't fit each other leave the old certificate in use, and are told once.
  void tick(Timestamp now);

 private:
  void look();

  EventLog& log_;
  TlsIdentity identity_;
  Timestamp looked_{};
  bool is_looking_ = false;
  std::string told_;
  Aside aside_;  // last: what is under way comes to its end before the rest goes
};

}  // namespace sallyport::mgmt
