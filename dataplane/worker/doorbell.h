// doorbell.h — wakes a thread that sleeps on an eventfd because its mailboxes were empty, and costs nothing
// more than one exchange while it is awake.
//
//   sleeper: announce_sleep(); look into every mailbox once more; if all are empty wait on fd(), in any case
//            wake_up()
//   ringer:  send to the mailbox; ring()
//
// The two exchanges of `asleep_` have one order. If the ringer's comes first, the sleeper's reads from it and
// sees the message; if it comes second, it finds true and writes to the eventfd. So no message is left lying.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace sallyport::dataplane {

class Doorbell {
 public:
  Doorbell() noexcept : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Doorbell() {
    if (fd_ >= 0) close(fd_);
  }
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // False when the process has no file descriptors left.
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

  // Any thread, after its messages have been sent; once for a batch.
  void ring() noexcept {
    if (asleep_.exchange(false, std::memory_order_acq_rel)) ring_always();
  }
  // Any thread: also when the sleeper waits for something else than mailboxes (to stop it).
  void ring_always() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the sleeper wakes anyway.
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
  }

  // The sleeper only.
  void announce_sleep() noexcept { asleep_.exchange(true, std::memory_order_acq_rel); }
  void wake_up() noexcept {
    asleep_.exchange(false, std::memory_order_acq_rel);
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t taken = read(fd_, &rings, sizeof rings);
  }
  // Readable when somebody rang: for poll, ppoll or epoll.
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  alignas(64) std::atomic<bool> asleep_{false};
  int fd_ = -1;
};

}  // namespace sallyport::dataplane
