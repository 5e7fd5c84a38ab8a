// target_board.h — where each peer can be reached just now: its targets with their resolved addresses,
// whether each is up, and how many calls it has. One writer for each fact, read by every engine.
//
// Names: the engine that owns the trunks publishes a peer's list whenever DNS says something new (RFC 3263).
// A reload changes which targets there are at all; until that engine follows it, what it publishes is void.
// Health: the same engine says up or down (OPTIONS, RFC 3261 §11; failed targets set aside, RFC 3263 §4.3).
// Calls: whoever sends an INVITE counts it, for `balance: least_calls`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/shared_value.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/model/transport.h"

namespace sallyport::policy {

// Every version of one target shares it: a call that began before DNS gave the target another weight is
// counted off where those after it are counted.
template <class T>
using TargetFact = SharedFact<T>;

// One address that a target stands for. Immutable but for the facts.
struct BoardTarget {
  std::uint16_t configured = 0;  // position in PeerConfig::targets
  Endpoint address;
  Transport transport = Transport::Udp;
  std::string host;  // for Request-URI and To: the domain as configured, else the address with its port
  std::uint16_t priority = 0;  // of the SRV record; the lower the earlier. RFC 2782
  std::uint16_t srv_weight = 0;
  std::uint32_t weight = 1;  // PeerTarget::weight
  mutable TargetFact<bool> is_up{true};
  mutable TargetFact<std::uint32_t> calls{0};
  mutable TargetFact<std::uint32_t> failures{0};       // requests that met silence, or no way there
  mutable TargetFact<std::int64_t> aside_until_ns{0};  // a 503 with Retry-After: target_order.h
};

// Two versions of one target: they have their facts in common.
[[nodiscard]] inline bool is_same_target(const BoardTarget& a, const BoardTarget& b) noexcept {
  return a.is_up.is_shared_with(b.is_up);
}

// A list as it was published; whoever holds it may go on using it.
using BoardTargets = std::vector<SharedValue<BoardTarget>>;

// Target number `configured` of the peer as it stands on the board: with its address, if it has one.
[[nodiscard]] UnsharedValue<BoardTarget> board_target(const PeerConfig& peer, std::size_t configured);

class TargetBoard {
 public:
  // Targets by address are there at once, up; those by name when they are published.
  explicit TargetBoard(const SbcConfig& config);
  ~TargetBoard();

  // Another configuration, peers in the same places (at most as many as there were places for at first). A
  // target that stays keeps its facts and, when it is known by name, the addresses that DNS gave it; a
  // retired peer has none any more, and another peer in its place begins anew. One thread at a time; others
  // may read and publish.
  void adopt(const SbcConfig& next);
  // The number of the configuration that the board follows: another one after each adopt().
  [[nodiscard]] std::uint64_t edition() const noexcept { return edition_.load(std::memory_order_acquire); }

  // Never null; empty where there is no such peer. Hold it while you go through it: the next list may come
  // at any time. Any thread; short and without waiting for anything but another reader or writer.
  [[nodiscard]] SharedValue<BoardTargets> targets_of(PeerIndex peer) const;
  // What a target with the same address and transport counts and is, stays. With an edition: nothing happens
  // when the board follows another configuration by now than the list was made for.
  void publish(PeerIndex peer, const BoardTargets& targets, std::optional<std::uint64_t> edition = {});
  // A request to that target got no answer or could not be sent. Whoever watches over health hears of it.
  void note_failure(PeerIndex peer, const Endpoint& address, Transport transport) const noexcept;
  // A peer is up while one of its targets is: metric peer_up.
  [[nodiscard]] bool is_up(PeerIndex peer) const;
  // Another number after each publish() and adopt(); never 0. Without a lock.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

 private:
  struct Seat;  // of one peer

  std::vector<std::unique_ptr<Seat>> seats_;  // by PeerIndex
  const SharedValue<BoardTargets> nothing_;
  std::atomic<std::uint64_t> version_{1}, edition_{1};
};

}  // namespace sallyport::policy
