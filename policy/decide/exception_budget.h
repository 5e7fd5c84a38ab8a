// exception_budget.h — how much ARP, neighbour discovery, ICMP, TCP and traffic of services a port hands to
// Linux.
//
// Linux and the thread that serves its tap must not be kept busy by a stranger, and a stranger must not keep
// a peer's ARP from being answered. So each configured neighbour (gateways, and the addresses of peers) has a
// bucket of its own for each kind. All others, the trusted ones apart from the strangers, are limited one by
// one and then together. The bucket of each is one of 256, chosen by a keyed hash: it bounds what one address
// can take of the common budget.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/exception_kind.h"
#include "policy/decide/prefix_map.h"
#include "policy/decide/rate_limiter.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::policy {

// Where a port's own traffic goes: its gateways, the addresses of peers in its realms, host prefixes of
// their sources. In order, each once.
[[nodiscard]] std::vector<IpAddress> neighbours_of(const SbcConfig& config, const PortConfig& port);

class ExceptionBudget {
 public:
  // `share`: lcores that have the budgets between them.
  ExceptionBudget(const SbcConfig& config, const HashKey& key, std::uint32_t share = 1);

  // False: over budget. `favoured`: the guard trusts the source, so it does not compete with strangers.
  [[nodiscard]] bool take(PortIndex port, ExceptionKind kind, const IpAddress& source, bool favoured,
                          Timestamp now) noexcept;
  // A gateway of the port, or an address of a peer that is reached by it.
  [[nodiscard]] bool is_neighbour(PortIndex port, const IpAddress& address) const noexcept {
    return ports_[to_position(port)].neighbours.find(address) != kStranger;
  }

 private:
  static constexpr std::uint16_t kStranger = 0xffff;
  static constexpr std::size_t kGroupBuckets = 256;
  static constexpr std::size_t kKinds = static_cast<std::size_t>(ExceptionKind::kCount);

  struct Shapes {
    BucketShape neighbour, one, all;
  };
  struct Group {
    std::array<TokenBucket, kGroupBuckets> each;
    TokenBucket all;
  };
  struct Buckets {
    std::vector<TokenBucket> neighbours;
    Group trusted, strangers;
  };
  struct PortBudget {
    PrefixMap<std::uint16_t> neighbours;
    std::array<Shapes, kKinds> shapes;
    std::array<Buckets, kKinds> buckets;
  };

  static PortBudget make_port(const SbcConfig& config, const PortConfig& port, std::uint32_t share);

  HashKey key_;
  std::vector<PortBudget> ports_;
};

}  // namespace sallyport::policy
