// checksum.h — the Internet checksum: RFC 1071; pseudo headers: RFC 768, RFC 9293 §3.1, RFC 8200 §8.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

// One's complement sum of octets that come in pieces, in order; a piece may have an odd number of octets.
class InternetSum {
 public:
  void add(std::span<const std::uint8_t> bytes) noexcept;
  // The pseudo header of UDP, TCP or ICMPv6. Only first.
  void add_pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                         std::uint32_t length) noexcept;
  // In host byte order; 0xffff when the checksum was part of the sum and right.
  [[nodiscard]] std::uint16_t folded() const noexcept;
  // What belongs into a checksum field that was summed as zero.
  [[nodiscard]] std::uint16_t checksum() const noexcept { return static_cast<std::uint16_t>(~folded()); }

 private:
  std::uint64_t sum_ = 0;  // of big-endian 16-bit words
  bool odd_ = false;       // the next octet is the lower half of a word
};

// Of an IPv4 header as it lies there: true when its checksum is right.
[[nodiscard]] bool is_sum_right(std::span<const std::uint8_t> header) noexcept;

// The same number may be written as 0 and as 0xffff.
[[nodiscard]] constexpr bool is_same_sum(std::uint16_t a, std::uint16_t b) noexcept {
  return a % 0xffff == b % 0xffff;
}

}  // namespace sallyport::dataplane
