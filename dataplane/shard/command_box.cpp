// command_box.cpp — who frees an entry: the asker, or the shard when the asker has given it up.
#include "dataplane/shard/command_box.h"

#include <poll.h>

#include <algorithm>
#include <memory>

#include "dataplane/dpdk/clock.h"

namespace sallyport::dataplane {

CommandBox::~CommandBox() {
  for (Entry* entry = nullptr; mailbox_.receive(entry);) free(entry);
}

void CommandBox::free(Entry* entry) noexcept { const std::unique_ptr<Entry> owned(entry); }

bool CommandBox::run(Command command, Duration timeout) {
  const std::lock_guard turn(turn_);
  const Timestamp until = read_clock() + timeout;
  auto entry = std::make_unique<Entry>();
  entry->command = std::move(command);
  if (!put(entry.get())) return false;
  return wait_for(entry.release(), until);
}

bool CommandBox::put(Entry* entry) noexcept {
  const std::lock_guard lock(put_mutex_);
  if (is_closed_ || !mailbox_.send(entry)) return false;
  shard_.ring();
  return true;
}

bool CommandBox::wait_for(Entry* entry, Timestamp until) noexcept {
  while (true) {
    State state = entry->state.load(std::memory_order_acquire);
    if (state == State::Done || state == State::Refused) break;
    const Duration left = until - read_clock();
    if (state == State::Waiting && left <= Duration::zero() &&
        entry->state.compare_exchange_strong(state, State::GivenUp, std::memory_order_acq_rel))
      return false;
    // Once it runs it uses what the asker lent it: there is no going away.
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd answered{answered_.fd(), POLLIN, 0};
    poll(&answered, 1, state == State::Waiting ? std::max(static_cast<int>(milliseconds), 0) : -1);
    answered_.wake_up();
  }
  const std::unique_ptr<Entry> owned(entry);
  return owned->state.load(std::memory_order_relaxed) == State::Done;
}

std::size_t CommandBox::take_all(Timestamp now) noexcept {
  std::size_t done = 0;
  for (Entry* entry = nullptr; mailbox_.receive(entry);) {
    State waiting = State::Waiting;
    if (!entry->state.compare_exchange_strong(waiting, State::Running, std::memory_order_acq_rel)) {
      free(entry);  // given up
      continue;
    }
    entry->command(now);
    entry->state.store(State::Done, std::memory_order_release);  // the asker's from here on
    answered_.ring_always();
    ++done;
  }
  return done;
}

void CommandBox::close() noexcept {
  const std::lock_guard lock(put_mutex_);
  is_closed_ = true;
}

void CommandBox::refuse_all() noexcept {
  for (Entry* entry = nullptr; mailbox_.receive(entry);) {
    State waiting = State::Waiting;
    if (!entry->state.compare_exchange_strong(waiting, State::Refused, std::memory_order_acq_rel))
      free(entry);
    else
      answered_.ring_always();
  }
}

}  // namespace sallyport::dataplane
