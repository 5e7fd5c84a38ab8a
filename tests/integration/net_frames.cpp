// net_frames.cpp — builds and reads a few kinds of frames.
#include "tests/integration/net_frames.h"

#include <algorithm>
#include <cstring>

namespace sallyport::dataplane {
namespace {

constexpr MacAddress kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

void add(Frame& frame, std::initializer_list<int> octets) {
  for (const int octet : octets) frame.push_back(static_cast<std::uint8_t>(octet));
}
void add(Frame& frame, const MacAddress& mac) { frame.insert(frame.end(), mac.begin(), mac.end()); }
void add(Frame& frame, const IpAddress& address) {
  const auto& bytes = address.bytes();
  frame.insert(frame.end(), bytes.begin() + (address.is_v4() ? 12 : 0), bytes.end());
}
void add_u16(Frame& frame, std::size_t value) {
  add(frame, {static_cast<int>(value >> 8 & 0xff), static_cast<int>(value & 0xff)});
}

Frame ethernet(const MacAddress& to, const MacAddress& from, std::size_t type) {
  Frame frame;
  add(frame, to);
  add(frame, from);
  add_u16(frame, type);
  return frame;
}

// RFC 1071 over `bytes`, which `start` is added to.
std::uint16_t checksum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0) {
  std::uint32_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void put_u16(Frame& frame, std::size_t at, std::uint16_t value) {
  frame[at] = static_cast<std::uint8_t>(value >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(value);
}

void add_ipv4(Frame& frame, int protocol, const Host& from, const Host& to, std::size_t payload) {
  const std::size_t at = frame.size();
  add(frame, {0x45, 0});
  add_u16(frame, 20 + payload);
  add(frame, {0, 1, 0, 0, 64, protocol, 0, 0});
  add(frame, from.address);
  add(frame, to.address);
  put_u16(frame, at + 10, checksum(std::span(frame).subspan(at, 20)));
}

Frame icmpv6(const Host& from, const MacAddress& to_mac, const IpAddress& to, const Frame& message) {
  Frame frame = ethernet(to_mac, from.mac, 0x86dd);
  add(frame, {0x60, 0, 0, 0});
  add_u16(frame, message.size());
  add(frame, {58, 255});
  add(frame, from.address);
  add(frame, to);
  const std::size_t at = frame.size();
  frame.insert(frame.end(), message.begin(), message.end());
  // The pseudo header: both addresses, length, next header (RFC 8200 §8.1).
  Frame covered(frame.begin() + 22, frame.end());
  put_u16(frame, at + 2, checksum(covered, static_cast<std::uint32_t>(message.size() + 58)));
  return frame;
}

}  // namespace

Frame arp_request(const Host& from, const IpAddress& wanted) {
  Frame frame = ethernet(kBroadcast, from.mac, 0x0806);
  add(frame, {0, 1, 8, 0, 6, 4, 0, 1});
  add(frame, from.mac);
  add(frame, from.address);
  add(frame, MacAddress{});
  add(frame, wanted);
  return frame;
}

Frame arp_reply(const Host& from, const Host& to) {
  Frame frame = ethernet(to.mac, from.mac, 0x0806);
  add(frame, {0, 1, 8, 0, 6, 4, 0, 2});
  add(frame, from.mac);
  add(frame, from.address);
  add(frame, to.mac);
  add(frame, to.address);
  return frame;
}

Frame ping(const Host& from, const Host& to, std::size_t payload_bytes) {
  Frame message;
  add(message, {to.address.is_v4() ? 8 : 128, 0, 0, 0, 0, 7, 0, 1});
  message.insert(message.end(), payload_bytes, 0x55);
  if (!to.address.is_v4()) return icmpv6(from, to.mac, to.address, message);
  put_u16(message, 2, checksum(message));
  Frame frame = ethernet(to.mac, from.mac, 0x0800);
  add_ipv4(frame, 1, from, to, message.size());
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

Frame udp(const Host& from, const Host& to, std::uint16_t port) {
  Frame frame = ethernet(to.mac, from.mac, 0x0800);
  add_ipv4(frame, 17, from, to, 12);
  add_u16(frame, 40000);
  add_u16(frame, port);
  add(frame, {0, 12, 0, 0, 'h', 'e', 'y', '!'});  // no checksum
  return frame;
}

Frame neighbour_solicitation(const Host& from, const IpAddress& wanted) {
  Frame message;
  add(message, {135, 0, 0, 0, 0, 0, 0, 0});
  add(message, wanted);
  add(message, {1, 1});
  add(message, from.mac);
  auto group = IpAddress::parse("ff02::1:ff00:0")->bytes();
  std::copy(wanted.bytes().begin() + 13, wanted.bytes().end(), group.begin() + 13);
  const MacAddress group_mac{0x33, 0x33, 0xff, group[13], group[14], group[15]};
  return icmpv6(from, group_mac, IpAddress::v6(group), message);
}

std::optional<ArpSeen> arp_in(std::span<const std::uint8_t> frame) {
  if (frame.size() < 42 || frame[12] != 0x08 || frame[13] != 0x06) return std::nullopt;
  ArpSeen seen;
  seen.operation = frame[21];
  std::copy_n(frame.begin() + 22, 6, seen.sender_mac.begin());
  seen.sender = IpAddress::v4_from_wire(frame.data() + 28);
  seen.target = IpAddress::v4_from_wire(frame.data() + 38);
  return seen;
}

int icmp_type_in(std::span<const std::uint8_t> frame) {
  if (frame.size() < 35) return -1;
  if (frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 1) return frame[34];
  if (frame.size() >= 55 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 58) return frame[54];
  return -1;
}

}  // namespace sallyport::dataplane
