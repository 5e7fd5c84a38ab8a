// burst.h — the packets that one poll of one device queue brought, and what has been decided of each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/counters.h"

struct rte_mbuf;

namespace sallyport::dataplane {

inline constexpr std::size_t kBurstMax = 64;

enum class Verdict : std::uint8_t {
  Continue,  // the next stage decides
  Drop,      // counted under drop_reason; the worker frees it at the end
  Consumed,  // a stage has taken the packet away (a ring, the fragment table)
};

// Counters of one port on one lcore; written by that lcore alone.
struct PortCounters {
  std::array<Counter, 4> rx_packets, rx_bytes, tx_packets, tx_bytes;  // by PacketClass
  EnumCounters<DropReason> dropped;
};

// Owned by the worker and used again for each burst. packets[i], meta[i], verdicts[i] belong together.
struct Burst {
  std::size_t count = 0;
  std::uint16_t device = 0;  // where they came from: a number of PortTable; set by the worker
  std::array<rte_mbuf*, kBurstMax> packets{};
  std::array<PacketMeta*, kBurstMax> meta{};  // in the mbuf's private area
  std::array<Verdict, kBurstMax> verdicts{};
  std::array<DropReason, kBurstMax> drop_reasons{};

  void drop(std::size_t i, DropReason reason) noexcept {
    verdicts[i] = Verdict::Drop;
    drop_reasons[i] = reason;
  }
};

}  // namespace sallyport::dataplane
