// source_owner.h — which lcore is in charge of an address: it sees all that comes from there, and sends all
// that goes there. So neither can overtake itself. Chosen by a keyed hash of the address's prefix, because a
// prefix has a bucket too (stages/guard_stage.h).
#pragma once

#include <cstddef>
#include <span>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/model/security.h"

namespace sallyport::dataplane {

class SourceOwner {
 public:
  SourceOwner() = default;  // one lcore
  SourceOwner(const PrefixLimit& prefix, const HashKey& key, std::size_t lcores) noexcept
      : prefix_(prefix), key_(key), lcores_(lcores) {}

  [[nodiscard]] std::size_t of(const IpAddress& address) const noexcept {
    if (lcores_ <= 1) return 0;
    const unsigned length = address.is_v4() ? prefix_.ipv4_length + 96u : prefix_.ipv6_length;
    const IpAddress prefix = masked(address, length);
    return keyed_hash(key_, std::as_bytes(std::span(prefix.bytes()))) % lcores_;
  }

 private:
  PrefixLimit prefix_;
  HashKey key_;
  std::size_t lcores_ = 1;
};

}  // namespace sallyport::dataplane
