// outboxes.h — the stream thread's ways to the lcores: one mailbox each, and what is owed where one was full.
#pragma once

#include <cstddef>
#include <vector>

#include "dataplane/net/adjacency_resolver.h"
#include "dataplane/stream/stream_thread.h"

namespace sallyport::dataplane {

class Outboxes final : public NextHopAnswers {
 public:
  Outboxes(std::vector<StreamLcore> lcores, std::size_t ports);

  // An answer that finds no room is replaced by a Changed for its port as soon as there is room: the lcore
  // then asks again for what it uses.
  void answer(std::size_t lcore, const FromStream& message) override;
  // False when full: the packet is still the caller's.
  [[nodiscard]] bool send_packet(std::size_t lcore, const FromStream& message) noexcept;

  // Tries to send what is owed. True when nothing is owed any more.
  bool pay_debts() noexcept;
  // Wakes the lcores that were sent something since the last call.
  void ring_bells() noexcept;

 private:
  struct Outbox {
    StreamLcore lcore;
    bool sent = false;
    bool owes = false;               // some port is owed
    std::vector<bool> owes_changed;  // by port
  };
  std::vector<Outbox> outboxes_;
};

}  // namespace sallyport::dataplane
