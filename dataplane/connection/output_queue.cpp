// output_queue.cpp — gives its memory back when it is empty: most connections are idle most of the time.
#include "dataplane/connection/output_queue.h"

#include <algorithm>
#include <utility>

namespace sallyport::dataplane {

bool OutputQueue::put(QueuedMessage& message, std::size_t octets_max) {
  if (!empty() && octets_ + message.bytes.size() > octets_max) return false;
  octets_ += message.bytes.size();
  messages_.push_back(std::move(message));
  return true;
}

std::size_t OutputQueue::next_parts(std::span<iovec> parts) noexcept {
  std::size_t filled = 0;
  std::size_t skip = out_of_first_;
  for (std::size_t at = first_; at < messages_.size() && filled < parts.size(); ++at, skip = 0) {
    std::string& bytes = messages_[at].bytes;
    parts[filled++] = {bytes.data() + skip, bytes.size() - skip};
  }
  return filled;
}

void OutputQueue::written(std::size_t octets, std::vector<QueuedMessage>& out) {
  while (octets > 0 && !empty()) {
    const std::size_t left = messages_[first_].bytes.size() - out_of_first_;
    if (octets < left) {
      out_of_first_ += octets;
      return;
    }
    octets -= left;
    out.push_back(pop());
  }
}

const std::string* OutputQueue::next_plain() const noexcept {
  const std::size_t at = first_ + encrypted_;
  return at < messages_.size() ? &messages_[at].bytes : nullptr;
}

void OutputQueue::encrypted_are_out(std::vector<QueuedMessage>& out) {
  for (std::size_t left = std::exchange(encrypted_, 0); left > 0; --left) out.push_back(pop());
}

std::vector<QueuedMessage> OutputQueue::take_all() noexcept {
  messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = out_of_first_ = encrypted_ = octets_ = 0;
  return std::exchange(messages_, {});
}

QueuedMessage OutputQueue::pop() noexcept {
  constexpr std::size_t kDeadMax = 64;
  QueuedMessage popped = std::exchange(messages_[first_], {});
  octets_ -= popped.bytes.size();
  out_of_first_ = 0;
  ++first_;
  if (empty()) {
    std::vector<QueuedMessage>().swap(messages_);
    first_ = 0;
  } else if (first_ >= kDeadMax) {
    messages_.erase(messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  return popped;
}

}  // namespace sallyport::dataplane
