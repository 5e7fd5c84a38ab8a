// unacknowledged.cpp — kept by where they end in the stream of octets. RFC 9293 §3.8
#include "dataplane/connection/unacknowledged.h"

#include <algorithm>
#include <utility>

namespace sallyport::dataplane {

void Unacknowledged::keep(QueuedMessage message, std::uint64_t end) {
  if (message.shard == QueuedMessage::kNobody) return;
  const std::size_t size = message.bytes.size();
  if (message.is_again || messages_ >= kMessagesMax || size > kOctetsMax - octets_)
    return keep_way(std::move(message), end);
  ++messages_;
  octets_ += size;
  kept_.push_back({std::move(message), end});
}

// A failure is told of a way, not of a message: one for each is enough.
void Unacknowledged::keep_way(QueuedMessage message, std::uint64_t end) {
  std::string().swap(message.bytes);
  const auto same = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& one) {
    return one.message.bytes.empty() && one.message.shard == message.shard &&
           one.message.path == message.path && one.message.path.peer == message.path.peer &&
           one.message.path.connection == message.path.connection;
  });
  if (same != kept_.end())
    same->end = end;
  else if (kept_.size() - messages_ < kWaysMax)
    kept_.push_back({std::move(message), end});
}

void Unacknowledged::acknowledged(std::uint64_t octets) noexcept {
  std::erase_if(kept_, [&](const Kept& one) {
    if (one.end > octets) return false;
    if (!one.message.bytes.empty()) {
      --messages_;
      octets_ -= one.message.bytes.size();
    }
    return true;
  });
  if (kept_.empty()) std::vector<Kept>().swap(kept_);
}

std::vector<QueuedMessage> Unacknowledged::take_all() noexcept {
  std::vector<QueuedMessage> all;
  all.reserve(kept_.size());
  for (Kept& one : kept_) all.push_back(std::move(one.message));
  std::vector<Kept>().swap(kept_);
  messages_ = octets_ = 0;
  return all;
}

}  // namespace sallyport::dataplane
