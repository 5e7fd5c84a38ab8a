// hold_queue.h — datagrams that wait on one lcore for Linux to name their next hop: a few for each
// destination, bounded in all, none for longer than a moment.
//
// Small enough (kPacketsOnHoldMax) to be searched from end to end, and that only when an answer comes.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>

#include "dataplane/dpdk/device_plan.h"
#include "dataplane/worker/messages.h"
#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class HoldQueue {
 public:
  static constexpr std::size_t kPerDestination = 8;
  // More than Linux takes to give up (net/adjacency_resolver.h), so that what waits hears what became of it.
  static constexpr Duration kLongestWait = 4500ms;

  struct Held {
    ShardOutput datagram;
    PortIndex port = PortIndex::kNone;
    IpAddress destination;
    Timestamp until;
  };

  HoldQueue() = default;
  HoldQueue(const HoldQueue&) = delete;
  HoldQueue& operator=(const HoldQueue&) = delete;
  ~HoldQueue() {
    for (Held& held : held_) rte_pktmbuf_free(held.datagram.packet);
  }

  // False: no room for this destination or in all; the caller keeps the packet.
  [[nodiscard]] bool push(Timestamp now, PortIndex port, const IpAddress& destination,
                          const ShardOutput& datagram) noexcept {
    std::size_t same = 0;
    for (const Held& held : held_) same += held.port == port && held.destination == destination ? 1 : 0;
    return same < kPerDestination && held_.push_back({datagram, port, destination, now + kLongestWait});
  }

  // Gives every packet for which take(held) says so to release(held), oldest first. `release` must not push.
  template <class Take, class Release>
  void release_if(Take&& take, Release&& release) noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      const Held held = held_[i];
      if (take(held))
        release(held);
      else
        held_[kept++] = held;
    }
    held_.truncate(kept);
  }

  [[nodiscard]] bool empty() const noexcept { return held_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return held_.size(); }

 private:
  FixedVector<Held, kPacketsOnHoldMax> held_;
};

}  // namespace sallyport::dataplane
