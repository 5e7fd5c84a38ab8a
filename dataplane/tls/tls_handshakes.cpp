// tls_handshakes.cpp — one queue in, one queue out, and threads that the kernel runs after all others.
#include "dataplane/tls/tls_handshakes.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "dataplane/net/unique_fd.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kEarlyPlainMax = 64 * 1024;
// A flood of handshakes takes what signalling and media leave. Only the calling thread's niceness.
constexpr int kNiceness = 5;

class HandshakeThreads final : public TlsHandshakes {
 public:
  HandshakeThreads(unsigned threads, std::size_t waiting_max)
      : waiting_max_(waiting_max), event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }
  HandshakeThreads(const HandshakeThreads&) = delete;
  HandshakeThreads& operator=(const HandshakeThreads&) = delete;
  ~HandshakeThreads() override {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  bool submit(HandshakeStep& step) override {
    {
      const std::lock_guard lock(mutex_);
      if (inside_ >= waiting_max_) return false;
      ++inside_;
      waiting_.push_back(std::move(step));
    }
    wake_.notify_one();
    return true;
  }

  std::optional<HandshakeStep> take_done() override {
    const std::lock_guard lock(mutex_);
    if (done_.empty()) return std::nullopt;
    HandshakeStep step = std::move(done_.front());
    done_.pop_front();
    --inside_;
    if (done_.empty()) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t taken = ::read(event_.get(), &count, sizeof count);
    }
    return step;
  }

  int fd() const noexcept override { return event_.get(); }
  std::size_t waiting() const noexcept override {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  [[nodiscard]] bool is_open() const noexcept { return event_.get() >= 0; }

 private:
  void run() {
    static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness));
    while (std::optional<HandshakeStep> step = next()) {
      step->session->take(step->from_wire);
      step->from_wire.clear();
      step->state = step->session->advance(step->early_plain, kEarlyPlainMax);
      finish(std::move(*step));
    }
  }

  std::optional<HandshakeStep> next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    if (is_stopping_) return std::nullopt;
    std::optional<HandshakeStep> step(std::move(waiting_.front()));
    waiting_.pop_front();
    return step;
  }

  void finish(HandshakeStep&& step) {
    const std::lock_guard lock(mutex_);
    done_.push_back(std::move(step));
    if (done_.size() != 1) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
  }

  const std::size_t waiting_max_;  // of steps that were submitted and not taken back
  UniqueFd event_;
  mutable std::mutex mutex_;  // guards what follows, up to the threads
  std::condition_variable wake_;
  std::deque<HandshakeStep> waiting_, done_;
  std::size_t inside_ = 0;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<TlsHandshakes> TlsHandshakes::start(unsigned threads, std::size_t waiting_max) {
  auto made = std::make_unique<HandshakeThreads>(threads, waiting_max);
  if (!made->is_open()) return nullptr;
  return made;
}

}  // namespace sallyport::dataplane
