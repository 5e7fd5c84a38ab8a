// octet_copy.h — copies of the short pieces that messages and descriptions are put together of; and whether a
// piece holds control octets (RFC 3261 §7.3.1, threats P3).
//
// Most pieces are short, and a call of memcpy costs more than they do: two loads that overlap.
#pragma once

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sallyport::sip {

// Octets of a word that are below 0x20 or 0x7f; zero when there is none.
template <class Word>
[[nodiscard]] inline Word controls_in(Word word) noexcept {
  constexpr Word kOnes = static_cast<Word>(0x0101010101010101u);
  const Word deletes = word ^ kOnes * 0x7f;
  return (((word - kOnes * 0x20) & ~word) | ((deletes - kOnes) & ~deletes)) & (kOnes * 0x80);
}
// The same of sixteen octets: a lane of ones for each.
[[nodiscard]] inline __m128i controls_in_block(__m128i octets) noexcept {
  return _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(0x1f)), octets),
                      _mm_cmpeq_epi8(octets, _mm_set1_epi8(0x7f)));
}

// Copies, and says whether none of it is a control octet. `kChecked` false leaves out what is asked of
// foreign text only.
template <bool kChecked>
class Copier {
 public:
  Copier(char* to, const char* from, std::size_t size) noexcept {
    if (size >= 16) {
      blocks(to, from, size);
    } else if (size >= 8) {
      both_ends<std::uint64_t>(to, from, size);
    } else if (size >= 4) {
      both_ends<std::uint32_t>(to, from, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) {
        const auto octet = static_cast<unsigned char>(to[i] = from[i]);
        if (kChecked && (octet < 0x20 || octet == 0x7f)) controls_ = 1;
      }
    }
  }
  [[nodiscard]] bool is_plain() const noexcept { return controls_ == 0; }

 private:
  template <class Word>
  void both_ends(char* to, const char* from, std::size_t size) noexcept {
    Word first, last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
    if constexpr (kChecked) controls_ = controls_in(first) | controls_in(last);
  }

  void blocks(char* to, const char* from, std::size_t size) noexcept {
    __m128i controls = _mm_setzero_si128();
    const auto block = [&](std::size_t at) {
      const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), octets);
      if constexpr (kChecked) controls = _mm_or_si128(controls, controls_in_block(octets));
    };
    for (std::size_t at = 0; at + 16 < size; at += 16) block(at);
    block(size - 16);
    if constexpr (kChecked) controls_ = static_cast<unsigned>(_mm_movemask_epi8(controls));
  }

  std::uint64_t controls_ = 0;
};

// No control octet at all: nearly all text.
[[nodiscard]] inline bool is_plain(std::string_view text) noexcept {
  const char* const at = text.data();
  const std::size_t size = text.size();
  const auto both_ends = [at, size]<class Word>(Word) {
    Word first, last;
    std::memcpy(&first, at, sizeof first);
    std::memcpy(&last, at + size - sizeof last, sizeof last);
    return (controls_in(first) | controls_in(last)) == 0;
  };
  if (size >= 16) {
    const auto block = [at](std::size_t i) {
      return controls_in_block(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i)));
    };
    __m128i controls = block(size - 16);
    for (std::size_t i = 0; i + 16 < size; i += 16) controls = _mm_or_si128(controls, block(i));
    return _mm_movemask_epi8(controls) == 0;
  }
  if (size >= 8) return both_ends(std::uint64_t{});
  if (size >= 4) return both_ends(std::uint32_t{});
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

// The two pieces do not overlap.
inline void copy_octets(char* to, const char* from, std::size_t size) noexcept {
  (void)Copier<false>(to, from, size);
}

}  // namespace sallyport::sip
