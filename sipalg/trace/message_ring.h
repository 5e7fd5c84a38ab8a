// message_ring.h — the recent SIP messages of one engine, in memory of fixed size: for ladders and captures.
//
// A new message overwrites the oldest. The memory is touched only as far as it was used. One thread.
// Media keys in bodies are not kept: threats M10.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "policy/base/time.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::sip {

struct RingMessage {
  Timestamp at{};
  Direction direction = Direction::In;
  Path path;
  std::uint64_t call = 0;
  bool is_again = false;  // a retransmission, where known
  std::string_view bytes;
};

class MessageRing {
 public:
  explicit MessageRing(std::uint64_t capacity_bytes);
  ~MessageRing();

  // Longer messages than a quarter of the ring are not kept. No allocation in the steady state.
  void add(const RingMessage& message) noexcept;
  // Those of one call that are still there, the oldest first; views are good until the next add().
  void for_each(std::uint64_t call, const std::function<void(const RingMessage&)>& visit) const;
  [[nodiscard]] std::uint64_t messages() const noexcept;     // in the ring now
  [[nodiscard]] std::uint64_t overwritten() const noexcept;  // since it was made

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::sip
