// sdp_writer.h — the description that the other leg sees, made of pieces of the one that came: RFC 8866 §5,
// RFC 3264 §5, §6, §8; threats I12.
//
// Nothing is copied but what crossing_attributes.h names. v=, o=, s=, c= and t= are ours.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "media-relay/control/media_command.h"
#include "sipalg/sdp/attribute_edits.h"
#include "sipalg/sdp/sdes_attribute.h"
#include "sipalg/sdp/sdp_identity.h"
#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {

// What becomes of one m-line. Not live: port 0, and nothing but the line itself.
struct FarMedia {
  bool is_live = false;
  Endpoint shown;                          // our address and port as the other leg is to see them
  SdpProfile profile = SdpProfile::Other;  // Other: as the line names it
  MediaDirection direction;
  bool rtcp_mux = false;
  std::uint8_t format_count = 0;
  std::array<std::uint8_t, kSdpFormatsMax>
      formats{};                              // positions in the m-line that came, in their new order
  media::EventFormats events{};               // telephone-event of ours, behind all others
  std::span<const SdesAttribute> crypto;      // a=crypto lines
  std::optional<std::uint32_t> crypto_tag{};  // of the only one, in place of its own
};

struct FarDescription {
  IpAddress shown;                            // of o= and of the session's c=
  FixedVector<FarMedia, kSdpMediaMax> media;  // as many as came
};

// Nothing, and `identity` as it was, when it does not fit into `room`.
[[nodiscard]] std::optional<std::string_view> write_description(std::span<char> room,
                                                                const SessionDescription& came,
                                                                const FarDescription& far,
                                                                SdpIdentity& identity,
                                                                const AttributeEdits& edits = {}) noexcept;

// Tells a changed description from the same one. Unkeyed: who makes two alike harms only his own session.
// Never 0, which stands for "none yet".
[[nodiscard]] std::uint64_t hash_of_description(std::string_view text) noexcept;

}  // namespace sallyport::sip
