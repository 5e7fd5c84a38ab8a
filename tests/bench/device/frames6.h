// frames6.h — what a load generator needs of IPv6: UDP in frames, and the answer of a neighbour who is asked
// for. RFC 8200 §3, §8.1; RFC 4861 §4.3, §4.4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "tests/bench/device/load_frames.h"

namespace sallyport::bench {

inline constexpr std::size_t kHead6Bytes = 62;  // Ethernet, IPv6, UDP

struct FrameEnds {
  Mac source_mac{}, destination_mac{};
  IpAddress source, destination;
  std::uint16_t source_port = 5060, destination_port = 5060;
};

// Ethernet, IPv4 or IPv6, UDP with right checksums around `payload`. Both addresses are of one family.
[[nodiscard]] std::vector<std::uint8_t> udp_frame(const FrameEnds& ends, std::string_view payload);
// The ones' complement sum of 16-bit words, not folded, not complemented. RFC 1071
[[nodiscard]] std::uint32_t sum_words(std::span<const std::uint8_t> bytes) noexcept;
[[nodiscard]] std::uint16_t folded_checksum(std::uint32_t sum) noexcept;

// Whom a neighbour solicitation asks for.
[[nodiscard]] std::optional<IpAddress> solicited(std::span<const std::uint8_t> frame) noexcept;
// The answer to it, of whoever has that address.
[[nodiscard]] std::vector<std::uint8_t> neighbour_answer(std::span<const std::uint8_t> solicitation,
                                                         const Mac& mac);

}  // namespace sallyport::bench
