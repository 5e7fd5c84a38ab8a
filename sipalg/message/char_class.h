// char_class.h — the character sets of the grammar, and runs of them found sixteen octets at a time:
// RFC 3261 §25.1.
#pragma once

#include <tmmintrin.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

// Bits of kCharClasses.
inline constexpr std::uint16_t kToken = 1;       // token
inline constexpr std::uint16_t kWord = 2;        // word, for Call-ID
inline constexpr std::uint16_t kUserInfo = 4;    // user and password with ':' and '%'
inline constexpr std::uint16_t kHost = 8;        // hostname or IPv4, with '_'
inline constexpr std::uint16_t kUriParam = 16;   // paramchar with '%'
inline constexpr std::uint16_t kUriHeader = 32;  // hname, hvalue, '=' and '&', with '%'
inline constexpr std::uint16_t kUric = 64;       // any character of a URI
inline constexpr std::uint16_t kDigit = 128;
inline constexpr std::uint16_t kHex = 256;
inline constexpr std::uint16_t kSpace = 512;        // SP, HT and folding
inline constexpr std::uint16_t kGenValue = 1024;    // token or host: value of a generic-param
inline constexpr std::uint16_t kIpv6 = 2048;        // inside an IPv6 reference
inline constexpr std::uint16_t kAddrSpec = 4096;    // kUric that may stand outside angle brackets (§20)
inline constexpr std::uint16_t kPlainUser = 16384;  // kUserInfo without ':' and '%': nothing in it to look at
inline constexpr std::uint16_t kParams = 32768;     // parameters without white space and quotes
inline constexpr std::uint16_t kTelNumber = 8192;  // RFC 3966 §3: phonedigit, with letters for vanity numbers

namespace detail {
consteval std::array<std::uint16_t, 256> make_char_classes() {
  std::array<std::uint16_t, 256> classes{};
  const auto add = [&classes](std::string_view characters, unsigned bits) {
    for (const char c : characters) {
      auto& entry = classes[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint16_t>(entry | bits);
    }
  };
  constexpr std::string_view kAlpha = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kDigits = "0123456789";
  constexpr unsigned kEverywhere = kToken | kWord | kUserInfo | kHost | kUriParam | kUriHeader | kUric |
                                   kGenValue | kAddrSpec | kPlainUser | kParams;
  add(kAlpha, kEverywhere | kTelNumber);
  add(kDigits, kEverywhere | kDigit | kHex | kIpv6 | kTelNumber);
  add("abcdefABCDEF", kHex | kIpv6);
  add("-.!%*_+`'~", kToken | kGenValue | kWord | kParams);
  add("()<>:\\\"/[]?{}", kWord);
  add("[]:", kGenValue | kParams);
  add(";=", kParams);
  constexpr std::string_view kMark = "-_.!~*'()";
  constexpr unsigned kInUri = kUserInfo | kUriParam | kUriHeader | kUric | kAddrSpec;
  add(kMark, kInUri | kPlainUser);
  add("%", kInUri);
  add("&=+$,;?/", kUserInfo | kPlainUser);
  add(":", kUserInfo);
  add("[]/:&+$", kUriParam);
  add("[]/?:+$=&", kUriHeader);
  add(";/?:@&=+$,[]#", kUric);
  add("/:@&=+$[]#", kAddrSpec);  // not ';' ',' '?'
  add("-._", kHost);
  add(":.", kIpv6);
  add("+*#-.()%", kTelNumber);
  add(" \t\r\n", kSpace);
  return classes;
}
}  // namespace detail

inline constexpr std::array<std::uint16_t, 256> kCharClasses = detail::make_char_classes();

[[nodiscard]] inline bool has_class(char c, unsigned char_class) noexcept {
  return (kCharClasses[static_cast<unsigned char>(c)] & char_class) != 0;
}

// For each low half of an octet the high halves (0 to 7, a bit each) with which it is a member of the class.
// Octets above 127 are members of none.
template <unsigned kClass>
inline constexpr std::array<std::uint8_t, 16> kHighHalvesOf = [] {
  std::array<std::uint8_t, 16> table{};
  for (unsigned c = 0; c < 128; ++c)
    if ((kCharClasses[c] & kClass) != 0)
      table[c % 16] = static_cast<std::uint8_t>(table[c % 16] | 1u << (c / 16));
  return table;
}();

// Bits of those of the sixteen octets at `at` that are not in the class.
template <unsigned kClass>
[[nodiscard]] inline unsigned outsiders_at(const char* at) noexcept {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i by_low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kHighHalvesOf<kClass>.data()));
  const __m128i bit_of_high = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i halves = _mm_set1_epi8(0x0f);
  // The shuffle itself gives 0 for octets above 127.
  const __m128i allowed = _mm_shuffle_epi8(by_low, octets);
  const __m128i high = _mm_shuffle_epi8(bit_of_high, _mm_and_si128(_mm_srli_epi16(octets, 4), halves));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(allowed, high), _mm_setzero_si128())));
}

// The end of the run of members of the class that begins at `at`. Loads no octet at or behind `readable_end`.
template <unsigned kClass>
[[nodiscard]] inline const char* find_end_of(const char* at, const char* end,
                                             const char* readable_end) noexcept {
  while (at < end && readable_end - at >= 16) {
    const unsigned outsiders = outsiders_at<kClass>(at);
    if (outsiders != 0) {
      const char* found = at + std::countr_zero(outsiders);
      return found < end ? found : end;
    }
    at += 16;
  }
  if (at > end) return end;
  while (at != end && has_class(*at, kClass)) ++at;
  return at;
}

// Every octet of the text is in the class. Loads nothing behind it.
template <unsigned kClass>
[[nodiscard]] inline bool is_all_of(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (text.size() < 16) {
    while (at != end && has_class(*at, kClass)) ++at;
    return at == end;
  }
  unsigned outsiders = outsiders_at<kClass>(end - 16);
  for (; end - at > 16; at += 16) outsiders |= outsiders_at<kClass>(at);
  return outsiders == 0;
}

// The first `wanted` from `at` on, or `end`. Loads no octet at or behind `readable_end`. For the short pieces
// of a header this costs less than the call of memchr.
[[nodiscard]] inline const char* find_octet(const char* at, const char* end, const char* readable_end,
                                            char wanted) noexcept {
  while (at < end && readable_end - at >= 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(wanted))));
    if (hits != 0) {
      const char* found = at + std::countr_zero(hits);
      return found < end ? found : end;
    }
    at += 16;
  }
  if (at > end) return end;
  while (at != end && *at != wanted) ++at;
  return at;
}

}  // namespace sallyport::sip
