// header_template.h — all headers of one outgoing flow, built once: Ethernet, 802.1Q, IPv4 (RFC 791) or IPv6
// (RFC 8200), UDP (RFC 768). A packet's headers are a copy of it with lengths, identification and checksums
// filled in, from sums made beforehand (RFC 1071, RFC 1624).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/header_writer.h"
#include "dataplane/packet/packet_meta.h"

namespace sallyport::dataplane {

// One's complement sum of 16-bit words as they lie in memory: the byte-swapped sum of RFC 1071 §2 (B).
[[nodiscard]] constexpr std::uint16_t fold_to_16(std::uint64_t sum) noexcept {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>((sum >> 16) + (sum & 0xffff));
}

// Of a multiple of four octets.
template <std::size_t kSize>
[[nodiscard]] inline std::uint64_t sum_of_words(const std::uint8_t* at) noexcept {
  static_assert(std::endian::native == std::endian::little && kSize % 4 == 0);
  std::array<std::uint32_t, kSize / 4> words;
  std::memcpy(words.data(), at, kSize);
  std::uint64_t sum = 0;
  for (const std::uint32_t word : words) sum += word;
  return sum;
}

// Of both addresses as the pseudo header has them; `ip` as below.
[[nodiscard]] inline std::uint16_t address_sum(const std::uint8_t* ip) noexcept {
  return fold_to_16(ip[0] >> 4 == 4 ? sum_of_words<8>(ip + 12) : sum_of_words<32>(ip + 8));
}
// Of what a NAT changes: both addresses as the pseudo header has them (no length, no protocol) and both
// ports. `ip` is an IPv4 header without options or a bare IPv6 header, `udp` the UDP header, as they lie
// there.
[[nodiscard]] inline std::uint16_t flow_sum(const std::uint8_t* ip, const std::uint8_t* udp) noexcept {
  return fold_to_16(address_sum(ip) + sum_of_words<4>(udp));
}

class HeaderTemplate {
 public:
  static constexpr std::size_t kBytesMax = 14 + 4 + 40 + 8;

  HeaderTemplate() = default;
  // Of `meta`: addresses and ports (source = our side). Of `fields`: all but the identification.
  HeaderTemplate(const PacketMeta& meta, const HeaderFields& fields) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_v4() const noexcept { return is_v4_; }
  // Octets of IP header and UDP header together.
  [[nodiscard]] std::size_t ip_and_udp_size() const noexcept { return is_v4_ ? 28U : 48U; }
  [[nodiscard]] std::uint16_t sum() const noexcept { return flow_sum_; }

  // Writes the size() octets in front of `data`. `udp_length`: header and data; `checksum`: as it is to lie
  // there.
  void write_before(std::uint8_t* data, std::uint16_t udp_length, std::uint16_t identification,
                    std::uint16_t checksum) const noexcept;

 private:
  void copy(std::uint8_t* data) const noexcept;

  std::uint16_t flow_sum_ = 0, ip_sum_ = 0;  // the latter without length and identification
  std::uint8_t size_ = 0;
  bool is_v4_ = true;
  std::array<std::uint8_t, kBytesMax> bytes_{};  // the headers are the last size_ of them
};

// The UDP checksum of a datagram whose addresses and ports change from those that sum up to `from` into those
// that sum up to `to`. All as they lie in memory; `checksum` is not 0. A checksum that was wrong is as wrong
// afterwards: whoever gets the packet still sees that it was damaged on its way to us. RFC 1624 §3 eqn. 3
[[nodiscard]] constexpr std::uint16_t moved_checksum(std::uint16_t checksum, std::uint16_t from,
                                                     std::uint16_t to) noexcept {
  const std::uint32_t sum =
      std::uint32_t{static_cast<std::uint16_t>(~checksum)} + static_cast<std::uint16_t>(~from) + to;
  const std::uint16_t moved = static_cast<std::uint16_t>(~fold_to_16(sum));
  return moved == 0 ? std::uint16_t{0xffff} : moved;  // RFC 768: 0 would mean none
}

// The UDP checksum of `data`, `to` as above.
[[nodiscard]] std::uint16_t whole_checksum(std::uint16_t to, std::span<const std::uint8_t> data) noexcept;
// `checksum`, as it lies there, covers only the pseudo header of IP header `ip`: the sender left the rest to
// a device. `udp_length`: header and data.
[[nodiscard]] inline bool is_half_done(std::uint16_t checksum, const std::uint8_t* ip,
                                       std::uint16_t udp_length) noexcept {
  constexpr std::uint16_t kProtocol = __builtin_bswap16(17);
  return is_same_sum(checksum,
                     fold_to_16(std::uint64_t{address_sum(ip)} + kProtocol + __builtin_bswap16(udp_length)));
}

}  // namespace sallyport::dataplane
