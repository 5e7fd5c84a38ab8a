// telephone_event.h — the payload of an event packet on the wire: RFC 4733 §2.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

inline constexpr std::size_t kEventBytes = 4;

struct TelephoneEvent {
  std::uint8_t code = 0;
  bool is_end = false;
  std::uint16_t duration = 0;  // in units of the clock
};

// Of an RTP packet that check_rtp() found nothing wrong with. Nothing: it is too short.
[[nodiscard]] inline std::optional<TelephoneEvent> read_event(std::span<const std::uint8_t> packet) noexcept {
  std::size_t at = kRtpHeaderBytes + (packet[0] & 0x0fu) * 4u;
  if ((packet[0] & 0x10) != 0) at += 4 + read_u16(packet.data() + at + 2) * 4u;  // RFC 3550 §5.3.1
  const std::size_t padding = (packet[0] & 0x20) != 0 ? packet.back() : 0u;
  if (packet.size() < at + padding + kEventBytes) return std::nullopt;
  return TelephoneEvent{packet[at], (packet[at + 1] & 0x80) != 0, read_u16(packet.data() + at + 2)};
}

inline void write_event(std::uint8_t* to, const TelephoneEvent& event) noexcept {
  constexpr std::uint8_t kVolume = 10;  // -10 dBm0. RFC 4733 §2.3.5
  to[0] = event.code;
  to[1] = static_cast<std::uint8_t>((event.is_end ? 0x80 : 0) | kVolume);
  write_u16(to + 2, event.duration);
}

}  // namespace sallyport::media
