// signal_watch.h — SIGTERM, SIGINT and SIGHUP as events of the management thread's loop (signalfd).
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace sallyport::mgmt {

// Before any thread is made, so that all inherit it: the three signals wait for a SignalWatch, and SIGPIPE
// is ignored. False when the kernel refuses.
[[nodiscard]] bool hold_signals() noexcept;

class SignalWatch {
 public:
  // `on_signal` gets each signal's number on the loop. `loop` must outlive the watch.
  SignalWatch(boost::asio::io_context& loop, std::function<void(int)> on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::mgmt
