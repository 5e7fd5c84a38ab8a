// header_template.cpp — builds and copies the headers of a flow: RFC 791, RFC 8200, RFC 768, RFC 1071.
#include "dataplane/packet/header_template.h"

#include <cstring>

#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

void store(std::uint8_t* at, std::uint16_t word) noexcept { std::memcpy(at, &word, sizeof word); }

template <std::size_t kSize>
void copy_before(std::uint8_t* to, const std::uint8_t* from) noexcept {
  std::memcpy(to - kSize, from - kSize, kSize);
}

std::uint16_t in_network_order(std::uint16_t value) noexcept { return __builtin_bswap16(value); }

}  // namespace

// The length counts twice: in the pseudo header and in the UDP header.
std::uint16_t whole_checksum(std::uint16_t to, std::span<const std::uint8_t> data) noexcept {
  InternetSum sum;
  sum.add(data);
  const auto length = static_cast<std::uint16_t>(kUdpBytes + data.size());
  const auto checksum = static_cast<std::uint16_t>(
      ~fold_to_16(std::uint64_t{to} + in_network_order(sum.folded()) + in_network_order(kProtocolUdp) +
                  2 * std::uint64_t{in_network_order(length)}));
  return checksum == 0 ? std::uint16_t{0xffff} : checksum;  // RFC 768: 0 would mean none
}

HeaderTemplate::HeaderTemplate(const PacketMeta& meta, const HeaderFields& fields) noexcept
    : size_(static_cast<std::uint8_t>(headers_size(meta, fields.vlan.has_value()))),
      is_v4_(meta.source.is_v4()) {
  PacketMeta written = meta;
  HeaderFields without = fields;
  without.identification = 0;
  std::uint8_t* const start = bytes_.data() + bytes_.size() - size_;
  write_headers({start, size_}, written, without, {});
  std::uint8_t* const ip = start + written.l3_offset;
  std::uint8_t* const udp = start + written.l4_offset;
  flow_sum_ = flow_sum(ip, udp);
  if (!is_v4_) return;
  store16(ip + 2, 0);
  store16(ip + 10, 0);
  ip_sum_ = fold_to_16(sum_of_words<kIpv4Bytes>(ip));
}

// Sizes that are known beforehand take a few instructions each. No octet more than that: what lies before the
// packet is in no cache, and a store that waits for it holds up all that follow.
void HeaderTemplate::copy(std::uint8_t* data) const noexcept {
  const std::uint8_t* const end = bytes_.data() + bytes_.size();
  switch (size_) {
    case kEthernetBytes + kIpv4Bytes + kUdpBytes:
      return copy_before<kEthernetBytes + kIpv4Bytes + kUdpBytes>(data, end);
    case kEthernetBytes + kVlanTagBytes + kIpv4Bytes + kUdpBytes:
      return copy_before<kEthernetBytes + kVlanTagBytes + kIpv4Bytes + kUdpBytes>(data, end);
    case kEthernetBytes + kIpv6Bytes + kUdpBytes:
      return copy_before<kEthernetBytes + kIpv6Bytes + kUdpBytes>(data, end);
    default:
      return copy_before<kBytesMax>(data, end);
  }
}

void HeaderTemplate::write_before(std::uint8_t* data, std::uint16_t udp_length, std::uint16_t identification,
                                  std::uint16_t checksum) const noexcept {
  copy(data);
  std::uint8_t* const udp = data - kUdpBytes;
  store(udp + 4, in_network_order(udp_length));
  store(udp + 6, checksum);
  if (!is_v4_) {
    store(udp - kIpv6Bytes + 4, in_network_order(udp_length));
    return;
  }
  std::uint8_t* const ip = udp - kIpv4Bytes;
  const std::uint16_t length = in_network_order(static_cast<std::uint16_t>(kIpv4Bytes + udp_length));
  store(ip + 2, length);
  store(ip + 4, identification);
  const std::uint16_t sum = fold_to_16(std::uint64_t{ip_sum_} + length + identification);
  store(ip + 10, static_cast<std::uint16_t>(~sum));
}

}  // namespace sallyport::dataplane
