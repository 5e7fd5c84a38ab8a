// frames6.cpp — see frames6.h.
#include "tests/bench/device/frames6.h"

#include <algorithm>
#include <cstring>

namespace sallyport::bench {
namespace {

constexpr std::size_t kEthernet = 14, kIp = 40, kUdp = 8;
constexpr std::uint8_t kUdpProtocol = 17, kIcmp6 = 58, kSolicitation = 135, kAdvertisement = 136;
constexpr std::size_t kAdvertisementBytes = 32;  // with the option that names the MAC

void put16(std::uint8_t* at, std::size_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

void put_head(std::uint8_t* frame, const FrameEnds& ends, std::uint8_t protocol, std::size_t size) noexcept {
  std::memcpy(frame, ends.destination_mac.data(), 6);
  std::memcpy(frame + 6, ends.source_mac.data(), 6);
  put16(frame + 12, 0x86dd);
  std::uint8_t* const ip = frame + kEthernet;
  ip[0] = 0x60;
  put16(ip + 4, size);
  ip[6] = protocol;
  ip[7] = 255;
  std::memcpy(ip + 8, ends.source.bytes().data(), 16);
  std::memcpy(ip + 24, ends.destination.bytes().data(), 16);
}

// With the pseudo header. RFC 8200 §8.1
std::uint16_t checksum_of(const std::uint8_t* frame, std::uint8_t protocol, std::size_t size) noexcept {
  const std::uint32_t sum = sum_words({frame + kEthernet + 8, 32}) +
                            sum_words({frame + kEthernet + kIp, size}) + static_cast<std::uint32_t>(size) +
                            protocol;
  return folded_checksum(sum);
}

}  // namespace

std::uint32_t sum_words(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  return sum;
}

std::uint16_t folded_checksum(std::uint32_t sum) noexcept {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

std::vector<std::uint8_t> udp_frame(const FrameEnds& ends, std::string_view payload) {
  if (ends.destination.is_v4())
    return udp_frame(
        FrameAddresses{ends.source_mac, ends.destination_mac, ends.source.v4_host_order(),
                       ends.destination.v4_host_order(), ends.source_port, ends.destination_port},
        payload);
  const std::size_t size = kUdp + std::min<std::size_t>(payload.size(), 65'000);
  std::vector<std::uint8_t> frame(kEthernet + kIp + size);
  put_head(frame.data(), ends, kUdpProtocol, size);
  std::uint8_t* const udp = frame.data() + kEthernet + kIp;
  put16(udp, ends.source_port);
  put16(udp + 2, ends.destination_port);
  put16(udp + 4, size);
  std::memcpy(udp + kUdp, payload.data(), size - kUdp);
  const std::uint16_t checksum = checksum_of(frame.data(), kUdpProtocol, size);
  put16(udp + 6, checksum == 0 ? 0xffff : checksum);
  return frame;
}

std::optional<IpAddress> solicited(std::span<const std::uint8_t> frame) noexcept {
  constexpr std::size_t kTarget = kEthernet + kIp + 8;
  if (frame.size() < kTarget + 16 || frame[12] != 0x86 || frame[13] != 0xdd) return std::nullopt;
  if (frame[kEthernet + 6] != kIcmp6 || frame[kEthernet + kIp] != kSolicitation) return std::nullopt;
  return IpAddress::v6_from_wire(&frame[kTarget]);
}

std::vector<std::uint8_t> neighbour_answer(std::span<const std::uint8_t> solicitation, const Mac& mac) {
  const auto target = solicited(solicitation);
  if (!target) return {};
  std::vector<std::uint8_t> frame(kEthernet + kIp + kAdvertisementBytes);
  FrameEnds ends{.source_mac = mac,
                 .source = *target,
                 .destination = IpAddress::v6_from_wire(&solicitation[kEthernet + 8])};
  std::memcpy(ends.destination_mac.data(), &solicitation[6], 6);
  put_head(frame.data(), ends, kIcmp6, kAdvertisementBytes);
  std::uint8_t* const icmp = frame.data() + kEthernet + kIp;
  icmp[0] = kAdvertisement;
  icmp[4] = 0x60;  // solicited, override
  std::memcpy(icmp + 8, target->bytes().data(), 16);
  icmp[24] = 2;  // the target's link-layer address
  icmp[25] = 1;
  std::memcpy(icmp + 26, mac.data(), 6);
  put16(icmp + 2, checksum_of(frame.data(), kIcmp6, kAdvertisementBytes));
  return frame;
}

}  // namespace sallyport::bench
