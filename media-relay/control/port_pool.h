// port_pool.h — our media ports: pairs (even, odd) of each realm's addresses, taken at random, given back
// after quarantine (threats M9). RFC 3550 §11, RFC 6056.
//
// All shards take from one pool and all lcores give back, so a pair is one bit of an atomic word. The bits
// belong to an address of a port: another configuration may give its ports to other realms while streams
// still have them. A stream's two pairs lie in the same slice of 64 (pair number mod 64): whatever the number
// of lcores, one lcore owns the whole stream, before and after a restart.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::media {

inline constexpr unsigned kSlices = 64;

// Of a media port or of the RTCP port above it.
[[nodiscard]] constexpr unsigned slice_of(std::uint16_t port) noexcept { return (port >> 1) % kSlices; }
[[nodiscard]] constexpr std::size_t lcore_of(std::uint16_t port, std::size_t lcores) noexcept {
  return slice_of(port) % lcores;
}

struct StreamPorts {
  Endpoint caller, callee;  // even ports
};

class PortPool {
 public:
  // `key`: random at each start; it makes the order in which ports are taken.
  PortPool(const SbcConfig& config, const HashKey& key);
  ~PortPool();
  PortPool(const PortPool&) = delete;
  PortPool& operator=(const PortPool&) = delete;

  // Another configuration, of the same ports: who takes from now on takes from its ranges; what is taken is
  // given back as ever. There are never more streams than the first configuration had ports for. One thread
  // at a time, any.
  void adopt(const SbcConfig& next);

  // Our address for media of this realm in the family of `remote`; nothing: the realm has none.
  [[nodiscard]] std::optional<IpAddress> address_of(RealmIndex realm, bool is_v4) const noexcept;
  // A pair on each side in one slice, both or none. Any thread. Nothing: no pair is free there.
  // The addresses are ours, of address_of().
  [[nodiscard]] std::optional<StreamPorts> take(RealmIndex caller_realm, const IpAddress& caller_address,
                                                RealmIndex callee_realm,
                                                const IpAddress& callee_address) noexcept;
  // The same pairs as before a restart. False: not ours any more, or taken; nothing was taken.
  [[nodiscard]] bool take_again(RealmIndex caller_realm, RealmIndex callee_realm,
                                const StreamPorts& ports) noexcept;
  // By the relay, after quarantine, or by who took them and never opened a stream. Any thread.
  void give_back(RealmIndex realm, const Endpoint& local) noexcept;

  // A port of a pair that is taken now (one in quarantine is): a stream of some call has it, or had it
  // lately. Any thread.
  [[nodiscard]] bool is_taken(RealmIndex realm, const Endpoint& local) const noexcept;

  // Pairs of a realm: in use (quarantine counts) and in all. Any thread.
  struct Use {
    std::uint32_t taken = 0, capacity = 0;
  };
  [[nodiscard]] Use use(RealmIndex realm) const noexcept;
  // Of the realm's address that has the least room left: a call needs one of its own family.
  [[nodiscard]] Use fullest(RealmIndex realm) const noexcept;
  // Whether a pair of this range is taken at that address, whichever realm has it. Any thread.
  [[nodiscard]] bool has_taken(const IpAddress& address, const PortRange& range) const noexcept;
  // More streams than this are never open at the same time; asked before the first adopt().
  [[nodiscard]] std::uint32_t streams_max() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::media
