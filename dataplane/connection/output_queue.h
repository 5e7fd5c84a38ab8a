// output_queue.h — messages that wait to leave by a connection, in their order, bounded in octets.
//
// A message stays here until the last of its octets is out, so that one which did not leave is known.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/base/time.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::dataplane {

struct QueuedMessage {
  static constexpr std::size_t kNobody = SIZE_MAX;
  std::size_t shard = kNobody;  // who hears when it can't leave
  sip::Path path;
  std::string bytes;
  Timestamp given_at{};   // by its engine
  bool is_again = false;  // went by another connection already, which died
};

class OutputQueue {
 public:
  // False: no room, and the message is still the caller's. An empty queue takes any message.
  [[nodiscard]] bool put(QueuedMessage& message, std::size_t octets_max);
  [[nodiscard]] bool empty() const noexcept { return first_ == messages_.size(); }
  [[nodiscard]] std::size_t octets() const noexcept { return octets_; }

  // In clear: the parts that come next; how many were filled.
  [[nodiscard]] std::size_t next_parts(std::span<iovec> parts) noexcept;
  // That many octets of them are out. The messages that are out with them are appended to `out`.
  void written(std::size_t octets, std::vector<QueuedMessage>& out);
  // Of the first message, this many are out.
  [[nodiscard]] std::size_t out_of_first() const noexcept { return out_of_first_; }

  // Under TLS: the next message that was not encrypted yet, or null.
  [[nodiscard]] const std::string* next_plain() const noexcept;
  void encrypted() noexcept { ++encrypted_; }
  // All that was encrypted is out: appended to `out`.
  void encrypted_are_out(std::vector<QueuedMessage>& out);

  // What did not leave, whole or in part.
  [[nodiscard]] std::vector<QueuedMessage> take_all() noexcept;

 private:
  [[nodiscard]] QueuedMessage pop() noexcept;

  std::vector<QueuedMessage> messages_;  // those before first_ are out
  std::size_t first_ = 0;
  std::size_t out_of_first_ = 0;  // octets
  std::size_t encrypted_ = 0;     // messages, from first_
  std::size_t octets_ = 0;
};

}  // namespace sallyport::dataplane
