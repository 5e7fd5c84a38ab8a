// synthetic_packet.cpp — headers with right checksums.
#include "mgmt/capture/synthetic_packet.h"

#include <cstdint>

namespace sallyport::mgmt {
namespace {

constexpr std::uint8_t kUdp = 17, kHops = 64;

void put16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

void put_address(std::string& out, const IpAddress& address, bool is_v4) {
  const auto& bytes = address.bytes();
  for (std::size_t i = is_v4 ? 12 : 0; i < bytes.size(); ++i) out += static_cast<char>(bytes[i]);
}

// RFC 1071
[[nodiscard]] std::uint64_t sum_of(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto octet = static_cast<std::uint8_t>(bytes[i]);
    sum += i % 2 == 0 ? std::uint64_t{octet} << 8 : octet;
  }
  return sum;
}

[[nodiscard]] std::uint16_t checksum(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

void replace16(std::string& out, std::size_t at, std::uint16_t value) {
  out[at] = static_cast<char>(value >> 8);
  out[at + 1] = static_cast<char>(value & 0xff);
}

[[nodiscard]] std::string ip_header(const IpAddress& from, const IpAddress& to, std::size_t behind) {
  const bool is_v4 = from.is_v4() && to.is_v4();
  std::string out;
  if (is_v4) {
    out += {0x45, 0};
    put16(out, 20 + behind);
    out += {0, 0, 0x40, 0, static_cast<char>(kHops), static_cast<char>(kUdp), 0, 0};  // don't fragment
  } else {
    out += {0x60, 0, 0, 0};
    put16(out, behind);
    out += {static_cast<char>(kUdp), static_cast<char>(kHops)};
  }
  put_address(out, from, is_v4);
  put_address(out, to, is_v4);
  if (is_v4) replace16(out, 10, checksum(sum_of(out)));
  return out;
}

}  // namespace

std::string cut_udp_packet(const Endpoint& from, const Endpoint& to, std::string_view head,
                           std::size_t length) {
  std::string out = ip_header(from.address, to.address, 8 + length);
  put16(out, from.port);
  put16(out, to.port);
  put16(out, 8 + length);
  put16(out, 0);
  return out.append(head);
}

std::string udp_packet(const Endpoint& from, const Endpoint& to, std::string_view payload) {
  payload = payload.substr(0, kSyntheticPayloadMax);
  const std::size_t length = 8 + payload.size();
  std::string out = ip_header(from.address, to.address, length);
  const std::size_t addresses = from.address.is_v4() && to.address.is_v4() ? 8 : 32;
  // The pseudo header: both addresses, the protocol and the length. RFC 768, RFC 8200 §8.1
  std::uint64_t sum = sum_of(std::string_view(out).substr(out.size() - addresses)) + kUdp + length;
  std::string udp;
  put16(udp, from.port);
  put16(udp, to.port);
  put16(udp, length);
  put16(udp, 0);
  sum += sum_of(udp) + sum_of(payload);
  const std::uint16_t checked = checksum(sum);
  replace16(udp, 6, checked == 0 ? 0xffff : checked);
  out += udp;
  return out.append(payload);
}

}  // namespace sallyport::mgmt
