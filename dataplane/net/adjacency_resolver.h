// adjacency_resolver.h — the stream thread's side of next hops of one port: answers each question of the
// lcores from what Linux knows, and tells those who asked when that changes.
//
// Pure: what it wants of Linux goes through LinuxNeighbours, its answers through NextHopAnswers.
//   question    route? no -> NoRoute. Neighbour of the route known to Linux -> NextHop at once (Linux is made
//               to verify it when it is not fresh); else Linux resolves it and the question waits
//   neighbour   got or changed its MAC -> NextHop to all who asked for destinations behind it
//   event       failed -> NoNeighbour to them; deleted -> Changed to all lcores, Linux may have collected it
//   route event Changed to all lcores: they ask again for what they use
//   overflow    events were lost: Changed to all lcores, and what waits is looked up anew
// A question that Linux leaves without result is answered NoNeighbour after kPatience. More than
// kUpdatesMax destinations behind one neighbour are told by one Changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/net/netlink_message.h"
#include "dataplane/net/recency_table.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

struct RouteAnswer {
  IpAddress next_hop;     // the gateway, or the destination itself
  std::uint16_t mtu = 0;  // 0: the port's
};

class LinuxNeighbours {
 public:
  virtual ~LinuxNeighbours() = default;
  // Nothing: no route, or one that does not lead out through the port.
  [[nodiscard]] virtual std::optional<RouteAnswer> route_to(const IpAddress& destination) = 0;
  // Nothing: Linux has no entry.
  [[nodiscard]] virtual std::optional<NeighbourMessage> neighbour(const IpAddress& address) = 0;
  // Resolve or verify it; `keep`: from now on without being asked.
  virtual void use_neighbour(const IpAddress& address, bool keep) = 0;
};

class NextHopAnswers {
 public:
  virtual ~NextHopAnswers() = default;
  virtual void answer(std::size_t lcore, const FromStream& message) = 0;
};

class AdjacencyResolver {
 public:
  static constexpr Duration kPatience = 4s;  // Linux gives up after three probes, a second apart
  static constexpr std::size_t kUpdatesMax = 64;

  struct Setup {
    PortIndex port = PortIndex::kNone;
    std::size_t capacity = 4096;  // destinations, and as many neighbours
    std::size_t lcores = 1;       // at most 64
    HashKey key;
  };
  AdjacencyResolver(const Setup& setup, LinuxNeighbours& linux_side, NextHopAnswers& answers);

  // Peers of the configuration: their next hops are resolved now and kept so.
  void keep_fresh(Timestamp now, const IpAddress& destination);
  // These and no others from now on, each once.
  void keep_fresh_only(Timestamp now, const std::vector<IpAddress>& destinations);
  void on_question(Timestamp now, std::size_t lcore, const IpAddress& destination);
  void on_neighbour(Timestamp now, const NeighbourMessage& event);
  void on_routes_changed(Timestamp now);
  void on_overflow(Timestamp now);

  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  void on_deadline(Timestamp now);

 private:
  struct Destination {
    IpAddress next_hop;
    std::uint64_t lcores = 0;   // who has asked
    std::uint64_t waiting = 0;  // of these, who has no answer yet
    std::uint16_t mtu = 0;
  };
  enum class Knowledge : std::uint8_t { Unknown, Known, Missing };
  struct Neighbour {
    Knowledge knowledge = Knowledge::Unknown;
    MacAddress mac{};
    bool is_kept = false;
    std::optional<Timestamp> give_up_at;  // set while Linux resolves it
  };

  [[nodiscard]] FromStream message_of(FromStream::Kind kind, const IpAddress& destination) const;
  Neighbour& neighbour_of(Timestamp now, const IpAddress& address);
  void look_at(Timestamp now, const IpAddress& address, Neighbour& neighbour);
  void learn(const IpAddress& address, Neighbour& neighbour, Knowledge knowledge, const MacAddress& mac);
  void tell_behind(const IpAddress& address, const Neighbour& neighbour);
  void tell(const IpAddress& destination, Destination& state, const Neighbour& neighbour, std::uint64_t whom);
  void tell_changed();
  void wait_for(Timestamp now, Neighbour& neighbour);

  const Setup setup_;
  LinuxNeighbours& linux_;
  NextHopAnswers& answers_;
  RecencyTable<Destination> destinations_;
  RecencyTable<Neighbour> neighbours_;
  std::vector<IpAddress> kept_;        // destinations of keep_fresh
  std::optional<Timestamp> deadline_;  // at or before the earliest give_up_at
};

}  // namespace sallyport::dataplane
