// stun_message.h — STUN binding requests and their answers: RFC 8489 §5, §6.3, §14; on a SIP port RFC 5626
// §8.
//
// What an endpoint behind a NAT asks to keep its binding there alive, and to notice when it is another.
// Nobody is authenticated by it: credentials in a request are neither asked for nor looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media-relay/wire/rtp_header.h"
#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"

namespace sallyport::media {

inline constexpr std::size_t kStunHeaderBytes = 20;
inline constexpr std::uint32_t kStunCookie = 0x2112a442;
// Of attributes that it should understand and does not, an answer names the first few.
inline constexpr std::size_t kStunUnknownMax = 16;
// Header, the longer of address and error with names, fingerprint.
inline constexpr std::size_t kStunAnswerMax = kStunHeaderBytes + 8 + 4 + 2 * kStunUnknownMax + 8;

// Whether it can be nothing else; neither SIP nor RTP begins so. RFC 8489 §5, RFC 7983 §7
[[nodiscard]] inline bool is_stun(std::span<const std::uint8_t> datagram) noexcept {
  return datagram.size() >= kStunHeaderBytes && (datagram[0] & 0xc0) == 0 &&
         read_u32(datagram.data() + 4) == kStunCookie;
}

struct StunRequest {
  std::array<std::uint8_t, 12> transaction{};
  bool has_fingerprint = false;
  FixedVector<std::uint16_t, kStunUnknownMax> unknown;  // attributes
};

// Nothing: another message than a binding request, lengths that do not fit, or a wrong fingerprint. It is not
// answered then. RFC 8489 §6.3
[[nodiscard]] std::optional<StunRequest> parse_binding_request(
    std::span<const std::uint8_t> datagram) noexcept;

// Tells `source` where it is seen, or which attributes are unknown here. How many octets of `out` were
// written.
std::size_t write_binding_answer(const StunRequest& request, const Endpoint& source,
                                 std::span<std::uint8_t, kStunAnswerMax> out) noexcept;

// CRC-32 of ITU-T V.42 over `message`, as FINGERPRINT carries it. RFC 8489 §14.7
[[nodiscard]] std::uint32_t stun_fingerprint(std::span<const std::uint8_t> message) noexcept;

}  // namespace sallyport::media
