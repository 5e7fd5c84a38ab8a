// media_targets.cpp — RFC 1122 §3.2.1.3, RFC 919 (broadcast), RFC 4291 §2.5, RFC 6890 (addresses that are no
// hosts), RFC 6052 §2.1, RFC 3056 (IPv4 addresses within IPv6 ones).
#include "sipalg/media/media_targets.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

// Another address that a translator or tunnel on the way would make of this one.
std::optional<IpAddress> embedded_v4(const IpAddress& address) noexcept {
  const auto& bytes = address.bytes();
  const auto starts_with = [&bytes](std::initializer_list<std::uint8_t> prefix) {
    return std::equal(prefix.begin(), prefix.end(), bytes.begin());
  };
  if (address.is_v4()) return std::nullopt;
  if (starts_with({0x20, 0x02})) return IpAddress::v4_from_wire(bytes.data() + 2);  // 6to4
  if (starts_with({0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}) ||
      starts_with({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))  // NAT64; IPv4-compatible
    return IpAddress::v4_from_wire(bytes.data() + 12);
  return std::nullopt;
}

bool is_no_host(const IpAddress& address) noexcept {
  if (address.is_unspecified() || address.is_loopback() || address.is_link_local() || address.is_multicast())
    return true;
  if (!address.is_v4()) return false;
  const std::uint32_t first = address.v4_host_order() >> 24;
  return first == 0 || first >= 240;  // "this network", reserved and limited broadcast
}

}  // namespace

MediaTargets::MediaTargets(const SbcConfig& config) {
  for (const PortConfig& port : config.ports)
    for (const Prefix& prefix : port.addresses) {
      refused_.push_back(prefix.address);
      if (!prefix.address.is_v4()) {
        if (prefix.length < 127) refused_.push_back(prefix.network());  // RFC 4291 §2.6.1
        continue;
      }
      if (prefix.length > 30) continue;
      const std::uint32_t hosts = prefix.length == 0 ? ~0u : (1u << (32 - prefix.length)) - 1;
      const std::uint32_t network = prefix.address.v4_host_order() & ~hosts;
      refused_.push_back(IpAddress::v4(network));
      refused_.push_back(IpAddress::v4(network | hosts));
    }
  for (const RealmConfig& realm : config.realms) {
    refused_.insert(refused_.end(), realm.media.addresses.begin(), realm.media.addresses.end());
    for (const ListenerConfig& listener : realm.listen)
      refused_.insert(refused_.end(), listener.addresses.begin(), listener.addresses.end());
    if (realm.advertise.ipv4) refused_.push_back(*realm.advertise.ipv4);
    if (realm.advertise.ipv6) refused_.push_back(*realm.advertise.ipv6);
    advertised_.push_back(realm.advertise);
  }
  std::ranges::sort(refused_);
}

bool MediaTargets::is_allowed(const Endpoint& target) const noexcept {
  return target.port >= kMediaPortMin && is_host(target.address);
}

bool MediaTargets::is_host(const IpAddress& address) const noexcept {
  if (is_no_host(address) || std::ranges::binary_search(refused_, address)) return false;
  const auto inner = embedded_v4(address);
  return !inner || (!is_no_host(*inner) && !std::ranges::binary_search(refused_, *inner));
}

std::optional<Endpoint> MediaTargets::own_stream(RealmIndex realm, const Endpoint& target,
                                                 const media::PortPool& ports) const noexcept {
  if (to_position(realm) >= advertised_.size()) return std::nullopt;
  const AdvertiseConfig& advertised = advertised_[to_position(realm)];
  const bool is_v4 = target.address.is_v4();
  Endpoint own = target;
  if ((is_v4 ? advertised.ipv4 : advertised.ipv6) == target.address)
    own.address = ports.address_of(realm, is_v4).value_or(target.address);
  return ports.is_taken(realm, own) ? std::optional(own) : std::nullopt;
}

}  // namespace sallyport::sip
