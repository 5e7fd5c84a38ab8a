// unacknowledged.h — messages that were written to a connection and that the other side's TCP has not
// acknowledged yet: when the connection dies, it may never have had them. RFC 9293 §3.8; RFC 3261 §18.4
//
// Bounded: of what comes when there is no room, or was sent a second time, only the way is kept, so that its
// failure can still be told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/connection/output_queue.h"

namespace sallyport::dataplane {

class Unacknowledged {
 public:
  static constexpr std::size_t kOctetsMax = 65536, kMessagesMax = 16, kWaysMax = 64;

  // `end`: how many octets had been written to the connection with its last.
  void keep(QueuedMessage message, std::uint64_t end);
  // So many of all octets that were ever written have been acknowledged.
  void acknowledged(std::uint64_t octets) noexcept;
  [[nodiscard]] bool empty() const noexcept { return kept_.empty(); }
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }
  // In their order; without octets where only the failure can be told.
  [[nodiscard]] std::vector<QueuedMessage> take_all() noexcept;

 private:
  struct Kept {
    QueuedMessage message;
    std::uint64_t end = 0;
  };
  void keep_way(QueuedMessage message, std::uint64_t end);

  std::vector<Kept> kept_;
  std::size_t messages_ = 0, octets_ = 0;  // of those that have octets
};

}  // namespace sallyport::dataplane
