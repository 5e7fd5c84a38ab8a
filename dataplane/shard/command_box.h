// command_box.h — work that another thread wants done on a shard's thread, between two of its datagrams.
//
// The shard waits for nobody: it takes pointers out of a mailbox and rings back. Whoever asks waits, with a
// time-out, and takes turns with others who ask.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>

#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class CommandBox {
 public:
  using Command = std::function<void(Timestamp now)>;

  // `shard` wakes the shard's thread; it lives until close().
  explicit CommandBox(Doorbell& shard) : shard_(shard), mailbox_(kCapacity) {}
  ~CommandBox();
  CommandBox(const CommandBox&) = delete;
  CommandBox& operator=(const CommandBox&) = delete;

  // Any thread but the shard's. True: the command has run. False: it has not begun within `timeout` after its
  // turn came, or the box is closed; then it never will. One that has begun is waited for to its end.
  [[nodiscard]] bool run(Command command, Duration timeout);

  // The shard's thread. How many were run.
  std::size_t take_all(Timestamp now) noexcept;
  [[nodiscard]] bool has_mail() const noexcept { return !mailbox_.empty(); }

  [[nodiscard]] bool is_open() const noexcept { return answered_.is_open(); }
  // From now on nothing is put in.
  void close() noexcept;
  // When the shard's thread has ended: those who still wait are told that nothing will come.
  void refuse_all() noexcept;

 private:
  static constexpr std::size_t kCapacity = 16;  // one waits at a time; the rest were given up
  enum class State : std::uint8_t { Waiting, Running, Done, Refused, GivenUp };
  struct Entry {
    Command command;
    std::atomic<State> state{State::Waiting};
  };
  static void free(Entry* entry) noexcept;
  [[nodiscard]] bool put(Entry* entry) noexcept;
  [[nodiscard]] bool wait_for(Entry* entry, Timestamp until) noexcept;

  Doorbell& shard_;
  Mailbox<Entry*> mailbox_;
  Doorbell answered_;       // rung for each entry that is done with
  std::mutex turn_;         // of those who ask
  std::mutex put_mutex_;    // between run() and close()
  bool is_closed_ = false;  // under put_mutex_
};

}  // namespace sallyport::dataplane
