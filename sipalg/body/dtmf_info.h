// dtmf_info.h — one digit in the body of an INFO, as gateways write it: application/dtmf-relay
// ("Signal=5\r\nDuration=160\r\n") and application/dtmf ("5"). No RFC has them; the request is that of RFC
// 6086 §4.2.2 without an Info-Package. Events: RFC 4733 §3.2.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "media-relay/control/media_command.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr std::size_t kDtmfBodyMax = 256;  // longer: not one of these, whatever it calls itself
inline constexpr std::uint16_t kUsualDigitMs = 160;

// By Content-Type, and no Info-Package.
[[nodiscard]] bool is_dtmf(const SipMessage& info) noexcept;
// Of is_dtmf(). Nothing: it names no key, or more than one.
[[nodiscard]] std::optional<media::Digit> read_dtmf(const SipMessage& info) noexcept;
// application/dtmf-relay. The digit is a key.
[[nodiscard]] std::string_view write_dtmf_relay(std::span<char, kDtmfBodyMax> room,
                                                const media::Digit& digit) noexcept;

// The same of a body alone.
[[nodiscard]] std::optional<media::Digit> read_dtmf_relay(std::string_view body) noexcept;
[[nodiscard]] std::optional<media::Digit> read_dtmf_digit(std::string_view body) noexcept;

}  // namespace sallyport::sip
