// adjacency.h — one lcore's memory of next hops: which MAC, and which MTU, leads to a destination of a port.
//
// Linux knows routes and neighbours; the stream thread asks it (adjacency_resolver.h). This cache asks the
// stream thread, remembers the answers, and asks again often enough to notice what has changed.
//
//   state        look_up                                            on answer
//   (none)       becomes Resolving; Hold, ask                       ignored
//   Resolving    Hold; ask again each kAskAgainAfter                NextHop: Resolved | NoRoute | NoNeighbour
//   Resolved     Send; ask each kRefreshAfter, or when stale        the same three
//   NoRoute,     Unreachable for kNegativeFor after the answer,     the same three
//   NoNeighbour  then becomes Resolving (Hold, ask); at once when stale
// `Changed` makes all entries of the port stale; what was known of them is used until the answer comes.
// A question that was lost (ring full) is asked again by time. When the table is full the entry that has
// not been used for longest makes room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/net/recency_table.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/worker/messages.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

struct NextHop {
  enum class Verdict : std::uint8_t {
    Send,         // to `mac`
    Hold,         // not known yet: keep the packet until an answer or for a moment
    NoRoute,      // drop
    NoNeighbour,  // drop
  };
  Verdict verdict = Verdict::Hold;
  bool ask = false;  // send ToStream::Resolve for this port and destination now (losing it does no harm)
  MacAddress mac{};
  std::uint16_t mtu = 0;  // of the route; 0: the port's
};

class AdjacencyCache {
 public:
  static constexpr Duration kAskAgainAfter = 250ms;
  static constexpr Duration kRefreshAfter = 5s;
  static constexpr Duration kNegativeFor = 1s;

  // Memory is taken here; `ports` is the number of configured ports.
  AdjacencyCache(std::size_t capacity, std::size_t ports, const HashKey& key);

  // Never a multicast or broadcast destination: nothing of ours is sent there.
  [[nodiscard]] NextHop look_up(Timestamp now, PortIndex port, const IpAddress& destination) noexcept;
  // NextHop, NoRoute, NoNeighbour, Changed; Packet is ignored.
  void on_message(Timestamp now, const FromStream& message) noexcept;

  // Another number when what was answered with Send may be wrong now.
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return entries_.capacity(); }

 private:
  enum class State : std::uint8_t { Resolving, Resolved, NoRoute, NoNeighbour };
  struct Entry {
    Timestamp asked_at, answered_at;
    std::uint32_t routes_version = 0;  // older than the port's: stale
    MacAddress mac{};
    std::uint16_t mtu = 0;
    State state = State::Resolving;
  };
  [[nodiscard]] NextHop start_resolving(Timestamp now, Entry& entry) noexcept;
  [[nodiscard]] static bool ask_now(Timestamp now, Entry& entry) noexcept;

  RecencyTable<Entry> entries_;
  std::vector<std::uint32_t> routes_versions_;  // by port
  std::uint32_t version_ = 0;
};

}  // namespace sallyport::dataplane
