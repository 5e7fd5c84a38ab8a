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
#include <mutex>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/model/transport.h"

namespace sallyport::policy {

// One address that a target stands for. Immutable but for the atomics.
struct BoardTarget {
  std::uint16_t configured = 0;  // position in PeerConfig::targets
  Endpoint address;
  Transport transport = Transport::Udp;
  std::string host;  // for Request-URI and To: the domain as configured, else the address with its port
  std::uint16_t priority = 0;  // of the SRV record; the lower the earlier. RFC 2782
  std::uint16_t srv_weight = 0;
  std::uint32_t weight = 1;  // PeerTarget::weight
  mutable std::atomic<bool> is_up{true};
  mutable std::atomic<std::uint32_t> calls{0};
};

// A list as it was published; whoever holds it may go on using it.
using BoardTargets = std::vector<std::shared_ptr<const BoardTarget>>;

class TargetBoard {
 public:
  // Targets by address are there at once, up; those by name when they are published.
  explicit TargetBoard(const SbcConfig& config);

  // Never null. Any thread; short and without waiting for anything but another reader or writer.
  [[nodiscard]] std::shared_ptr<const BoardTargets> targets_of(PeerIndex peer) const;
  // What a target with the same address and transport counts and is, stays.
  void publish(PeerIndex peer, const BoardTargets& targets);
  // A peer is up while one of its targets is: metric peer_up.
  [[nodiscard]] bool is_up(PeerIndex peer) const;

 private:
  struct Entry {
    mutable std::mutex mutex;
    std::shared_ptr<const BoardTargets> targets;
  };
  std::vector<std::unique_ptr<Entry>> peers_;
};

}  // namespace sallyport::policy
