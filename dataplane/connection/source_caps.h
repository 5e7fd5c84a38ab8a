// source_caps.h — how many connections each source has opened to us, so that none takes them all.
//
// A source is an IPv4 address, or a /64 of IPv6: whoever has one address of it has them all.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "policy/base/address_hash.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

class SourceCaps {
 public:
  explicit SourceCaps(const HashKey& key) : counts_(0, Hash{key}) {}

  // False, and nothing changed, when it has as many as `most`.
  [[nodiscard]] bool take(PortIndex port, const IpAddress& source, std::uint32_t most);
  void give_back(PortIndex port, const IpAddress& source) noexcept;
  // As many as there are connections at most: those who have none are forgotten.
  [[nodiscard]] std::size_t sources() const noexcept { return counts_.size(); }

 private:
  struct Source {
    PortIndex port;
    IpAddress address;
    friend bool operator==(const Source&, const Source&) = default;
  };
  struct Hash {
    HashKey key;
    std::size_t operator()(const Source& source) const noexcept {
      return address_hash16(key, source.address, static_cast<std::uint16_t>(source.port));
    }
  };
  [[nodiscard]] static Source source_of(PortIndex port, const IpAddress& address) noexcept {
    return {port, address.is_v4() ? address : masked(address, 64)};
  }

  std::unordered_map<Source, std::uint32_t, Hash> counts_;
};

}  // namespace sallyport::dataplane
