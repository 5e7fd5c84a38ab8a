// signal_watch.cpp — reads a signalfd.
#include "mgmt/cli/signal_watch.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <csignal>

namespace sallyport::mgmt {
namespace {

using ErrorCode = boost::system::error_code;

[[nodiscard]] sigset_t watched_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

struct SignalWatch::State : std::enable_shared_from_this<SignalWatch::State> {
  State(boost::asio::io_context& loop, std::function<void(int)> handler)
      : descriptor(loop), on_signal(std::move(handler)) {
    const sigset_t set = watched_signals();
    descriptor.assign(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  void wait_next() {
    descriptor.async_wait(
        boost::asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](ErrorCode error) {
          if (error) return;
          signalfd_siginfo what{};
          while (::read(self->descriptor.native_handle(), &what, sizeof what) == sizeof what)
            self->on_signal(static_cast<int>(what.ssi_signo));
          self->wait_next();
        });
  }

  boost::asio::posix::stream_descriptor descriptor;
  std::function<void(int)> on_signal;
};

bool hold_signals() noexcept {
  const sigset_t set = watched_signals();
  return std::signal(SIGPIPE, SIG_IGN) != SIG_ERR && ::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0;
}

SignalWatch::SignalWatch(boost::asio::io_context& loop, std::function<void(int)> on_signal)
    : state_(std::make_shared<State>(loop, std::move(on_signal))) {
  state_->wait_next();
}

SignalWatch::~SignalWatch() {
  ErrorCode ignored;
  state_->descriptor.close(ignored);
}

}  // namespace sallyport::mgmt
