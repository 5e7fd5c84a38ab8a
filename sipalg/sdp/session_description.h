// session_description.h — a session description as read, in views of fixed number: RFC 8866; RFC 3551, 4585,
// 3711, 5764 (profiles), RFC 3605, RFC 5761.
//
// Every view points into the text that was read. What is not named here is looked up in `lines` when it may
// cross (crossing_attributes.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"

namespace sallyport::sip {

inline constexpr std::size_t kSdpMediaMax = 16;    // m-lines; more: not acceptable
inline constexpr std::size_t kSdpFormatsMax = 32;  // of an m-line; those beyond do not cross
inline constexpr std::size_t kSdpTokenMax = 32;    // octets of media, proto, fmt and encoding names

// Words that SDP's users write in letters of either size. Of ASCII only.
[[nodiscard]] inline bool same_word(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (small(a[i]) != small(b[i])) return false;
  return true;
}

// sendrecv, sendonly, recvonly, inactive as two facts, seen from who wrote it. RFC 8866 §6.7
struct MediaDirection {
  bool sends = true, receives = true;
  friend bool operator==(const MediaDirection&, const MediaDirection&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(sends, receives);
  }
};

enum class SdpMedia : std::uint8_t { Audio, Video, Text, Application, Message, Image, Other, kCount };
enum class SdpProfile : std::uint8_t { Avp, Avpf, Savp, Savpf, TlsSavp, TlsSavpf, Udptl, Other, kCount };
// As it is written in an m-line; empty for Other.
[[nodiscard]] std::string_view to_string(SdpProfile profile) noexcept;
// RTP that is neither encrypted nor to be: what can be relayed today.
[[nodiscard]] constexpr bool is_plain_rtp(SdpProfile profile) noexcept {
  return profile == SdpProfile::Avp || profile == SdpProfile::Avpf;
}
[[nodiscard]] constexpr bool is_rtp(SdpProfile profile) noexcept { return profile < SdpProfile::Udptl; }

// c=, or the address of a=rtcp.
struct SdpConnection {
  enum class Kind : std::uint8_t {
    None,
    Address,
    Unusable,  // a name, another network, or two that differ
  };
  Kind kind = Kind::None;
  IpAddress address;
  friend bool operator==(const SdpConnection&, const SdpConnection&) = default;
};

// b=, as numbers. RFC 8866 §5.8, RFC 3890
struct SdpBandwidth {
  std::optional<std::uint32_t> as_kbit, tias_bit;
};

struct SdpFormat {
  std::string_view text;                 // as it is listed
  std::uint8_t number = 0;               // RTP profiles only: 0..127
  std::string_view encoding;             // a=rtpmap; empty: it has none
  std::uint32_t clock_rate = 0;          // of it
  std::optional<std::uint8_t> channels;  // of it
  std::string_view map;  // encoding, clock and channels where they were written as we write them; else empty
};

// What is said of an m-line but for its formats.
struct MediaFacts {
  std::string_view media_text, profile_text;
  SdpMedia media = SdpMedia::Other;
  SdpProfile profile = SdpProfile::Other;
  std::uint16_t port = 0;
  bool is_port_range = false;  // "5004/2"
  SdpConnection connection;    // its own or that of the session
  SdpBandwidth bandwidth;
  MediaDirection direction;  // its own or that of the session
  bool rtcp_mux = false;
  std::uint16_t rtcp_port = 0;    // a=rtcp; 0: it has none
  SdpConnection rtcp_connection;  // of a=rtcp
  std::uint16_t ptime_ms = 0;     // 0: not said
  std::string_view lines;         // below the m-line, with their ends
};
struct MediaDescription : MediaFacts {
  FixedVector<SdpFormat, kSdpFormatsMax> formats;
  // Nothing is known. Formats that are not there are not touched: they are most of it.
  void clear() noexcept {
    static_cast<MediaFacts&>(*this) = {};
    formats.clear();
  }
};

struct SessionDescription {
  SdpConnection connection;
  SdpBandwidth bandwidth;
  FixedVector<MediaDescription, kSdpMediaMax> media;
};

}  // namespace sallyport::sip
