// sdes_attribute.h — keys in a description, a=crypto: RFC 4568 §4, §5.1, §6, §9, RFC 6188 §6, RFC 7714 §14.1;
// threats M10.
//
// Strict: what is not understood in full, or would protect less than the suite says, makes a line unusable
// and no key is kept of it. One key a line. Keys lie in fixed arrays that are wiped; no text of a fault holds
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "media-relay/control/srtp_key.h"
#include "policy/base/fixed_vector.h"
#include "policy/model/profile.h"

namespace sallyport::sip {

class TextOutput;

inline constexpr std::size_t kSdesValueMax = 512;  // octets behind "a=crypto:"
inline constexpr std::size_t kSdesLinesMax = 16;   // of one m-line; those beyond are not looked at
inline constexpr std::size_t kSdesTextMax = 192;   // octets that write_sdes() adds at most

enum class SdesFault : std::uint8_t {
  None,
  Malformed,     // not as RFC 4568 §9 writes it
  UnknownSuite,  // among them those without encryption
  BadKey,        // not base64, or not as long as the suite's key and salt
  BadLifetime,   // 0, or above what RFC 3711 §9.2 allows
  BadMki,        // not 1 to 128 octets long, or a number that does not fit into them
  Unprotected,   // UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP, UNAUTHENTICATED_SRTP
  Unsupported,   // KDR, FEC, several keys, or something unknown that must be understood
  kCount
};
[[nodiscard]] std::string_view to_string(SdesFault fault) noexcept;

struct SdesAttribute {
  std::uint32_t tag = 0;
  media::WipedSrtpKey key;
  template <class Archive>
  void archive(Archive& a) {
    a(tag, *key);
  }
};

// As it is written behind "a=crypto:", without the end of the line. `out` has a key only when there is no
// fault; the tag also when there is one behind it.
[[nodiscard]] SdesFault parse_sdes(std::string_view value, SdesAttribute& out) noexcept;

// "a=crypto:...", with its end. The lifetime only where there is one.
void write_sdes(std::uint32_t tag, const media::SrtpKey& key, TextOutput& out) noexcept;

// As RFC 4568 §6.2, RFC 6188 §6 and RFC 7714 §14.1 name it.
[[nodiscard]] std::string_view sdes_name(SrtpSuite suite) noexcept;

// What the a=crypto lines of an m-line say together.
struct SdesLines {
  FixedVector<SdesAttribute, kSdesLinesMax> usable;  // in their order: the first is liked best
  std::uint16_t unusable = 0;                        // lines
  SdesFault first_fault = SdesFault::None;
  bool has_broken = false;          // a line that is wrong in itself, or would protect less than its suite
  bool has_same_tag_twice = false;  // then nobody could say which one is answered: `usable` is empty
  [[nodiscard]] bool any() const noexcept { return !usable.empty() || unusable != 0; }
};
// `lines`: those below the m-line. RFC 4568 §4: nothing is inherited from the session.
void read_sdes(std::string_view lines, SdesLines& out) noexcept;

// For an offer: the first line whose suite is among `allowed`. Null: none. RFC 4568 §5.1.2
[[nodiscard]] const SdesAttribute* choose_sdes(const SdesLines& offered,
                                               std::span<const SrtpSuite> allowed) noexcept;
// For an answer: its one line, if it takes up one of ours with its tag and its suite. Null: it does not, or
// there are more. RFC 4568 §5.1.3
[[nodiscard]] const SdesAttribute* match_sdes(const SdesLines& answered,
                                              std::span<const SdesAttribute> offered) noexcept;

}  // namespace sallyport::sip
