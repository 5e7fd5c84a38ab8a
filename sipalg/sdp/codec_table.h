// codec_table.h — what is known of codecs by name: RFC 3551 §6 (static payload types), RFC 4733; ITU-T G.113
// Appendix I (impairment, for MOS).
#pragma once

#include <cstdint>
#include <string_view>

#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {

inline constexpr std::uint8_t kNoStaticType = 0xff;

struct Codec {
  std::string_view name;
  std::uint32_t clock_rate = 8000;  // as in a=rtpmap
  std::uint8_t channels = 1;
  std::uint8_t static_type = kNoStaticType;
  std::uint32_t kbit = 0;  // of the payload at its highest rate; 0: not known (video, repair data)
  std::uint8_t ie = 0;     // equipment impairment
  std::uint8_t bpl = 25;   // robustness to loss, with concealment where that is usual
  bool is_voice = true;    // false: events, comfort noise, repair data, video
};

// Nothing: not in the table.
[[nodiscard]] const Codec* find_codec(std::string_view name, std::uint32_t clock_rate,
                                      std::uint8_t channels) noexcept;
[[nodiscard]] const Codec* find_static_codec(std::uint8_t payload_type) noexcept;

// A format with what its a=rtpmap says or, without one, the static assignment.
struct NamedFormat {
  std::string_view name;  // empty: nobody knows
  std::uint32_t clock_rate = 8000;
  std::uint8_t channels = 1;
  const Codec* codec = nullptr;
};
[[nodiscard]] NamedFormat named(const SdpFormat& format) noexcept;
[[nodiscard]] bool is_telephone_event(std::string_view name) noexcept;

}  // namespace sallyport::sip
