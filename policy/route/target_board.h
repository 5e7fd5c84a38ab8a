// target_board.h — where each peer can be reached just now: its targets with their resolved addresses,
// whether each is up, and how many calls it has. One writer for each fact, read by every engine.
//
// Names: the engine that owns the trunks publishes a peer's list whenever DNS says something new (RFC 3263).
// Health: the same engine says up or down (OPTIONS, RFC 3261 §11; failed targets set aside, RFC 3263 §4.3).
// Calls: whoever sends an INVITE counts it, for `balance: least_calls`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
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

// A list as it was published; whoever holds it may go on using it.
using BoardTargets = std::vector<SharedValue<BoardTarget>>;

// Target number `configured` of the peer as it stands on the board: with its address, if it has one.
[[nodiscard]] UnsharedValue<BoardTarget> board_target(const PeerConfig& peer, std::size_t configured);

class TargetBoard {
 public:
  // Targets by address are there at once, up; those by name when they are published.
  explicit TargetBoard(const SbcConfig& config);

  // Never null. Any thread; short and without waiting for anything but another reader or writer.
  [[nodiscard]] SharedValue<BoardTargets> targets_of(PeerIndex peer) const;
  // What a target with the same address and transport counts and is, stays.
  void publish(PeerIndex peer, const BoardTargets& targets);
  // A request to that target got no answer or could not be sent. Whoever watches over health hears of it.
  void note_failure(PeerIndex peer, const Endpoint& address, Transport transport) const noexcept;
  // A peer is up while one of its targets is: metric peer_up.
  [[nodiscard]] bool is_up(PeerIndex peer) const;
  // Another number after each publish(); never 0. Without a lock.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

 private:
  std::vector<std::unique_ptr<SharedSlot<BoardTargets>>> peers_;
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace sallyport::policy
