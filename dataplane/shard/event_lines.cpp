// event_lines.cpp — one bell for the writer, one for each shard.
#include "dataplane/shard/event_lines.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace sallyport::dataplane {

EventLines::EventLines(std::vector<Doorbell*> shard_bells) : shard_bells_(std::move(shard_bells)) {
  for (std::size_t i = 0; i < shard_bells_.size(); ++i) lines_.push_back(std::make_unique<EventLine>(bell_));
}

bool EventLines::has_mail() const noexcept {
  return std::any_of(lines_.begin(), lines_.end(), [](const auto& line) { return line->has_mail(); });
}

bool EventLines::wait(Duration longest) noexcept {
  if (has_mail()) return true;
  bell_.announce_sleep();
  if (!has_mail()) sleep(longest);
  bell_.wake_up();
  return has_mail();
}

// Without saying that it sleeps: then only wake() and close() ring.
void EventLines::rest(Duration time) noexcept {
  sleep(time);
  bell_.wake_up();
}

void EventLines::sleep(Duration longest) noexcept {
  const timespec timeout{static_cast<time_t>(longest.count() / 1'000'000'000),
                         static_cast<long>(longest.count() % 1'000'000'000)};
  pollfd bell{bell_.fd(), POLLIN, 0};
  ppoll(&bell, 1, &timeout, nullptr);
}

void EventLines::journalled(std::size_t engine, std::uint64_t sequence) noexcept {
  lines_[engine]->set_journalled(sequence);
  const std::lock_guard lock(mutex_);
  if (!shard_bells_.empty()) shard_bells_[engine]->ring();
}

void EventLines::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    shard_bells_.clear();
  }
  for (const auto& line : lines_) line->close();
}

}  // namespace sallyport::dataplane
