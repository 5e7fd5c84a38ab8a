// turn_taker.h — a part of the stream thread that waits for file descriptors of its own: connections, name
// servers. It has an epoll instance; the stream thread waits for that among its own.
#pragma once

#include <optional>

#include "policy/base/time.h"

namespace sallyport::dataplane {

class TurnTaker {
 public:
  virtual ~TurnTaker() = default;
  // Readable when there is something to do.
  [[nodiscard]] virtual int fd() const noexcept = 0;
  // A bounded amount of what is to do: file descriptors, mailboxes, timers. True: call again at once.
  virtual bool run_once(Timestamp now) = 0;
  // Mail from other threads waits (looked at between announcing sleep and sleeping).
  [[nodiscard]] virtual bool has_mail() const noexcept = 0;
  [[nodiscard]] virtual std::optional<Timestamp> next_deadline() const noexcept = 0;
  // The end is near: finish what is under way, begin nothing. Turns go on until has_stopped() or time is up.
  virtual void begin_stop(Timestamp now) { static_cast<void>(now); }
  [[nodiscard]] virtual bool has_stopped() const noexcept { return true; }
};

}  // namespace sallyport::dataplane
