// srtp_key.h — what one direction of a secured stream is keyed with, as SDES or DTLS gives it, and the
// measures of the suites: RFC 3711 §8.2, §9.2, RFC 6188 §3, RFC 7714 §12, RFC 4568 §6.2.
//
// Never printed, never in a record. A value that is done with is wiped by whoever holds it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "policy/base/fixed_vector.h"
#include "policy/model/profile.h"

namespace sallyport::media {

inline constexpr std::size_t kSrtpKeyBytesMax = 32;
inline constexpr std::size_t kSrtpSaltBytesMax = 14;
inline constexpr std::size_t kSrtpMkiBytesMax = 128;                       // RFC 4568 §6.1
inline constexpr std::uint64_t kSrtpPacketsMax = std::uint64_t{1} << 48;   // RFC 3711 §9.2
inline constexpr std::uint64_t kSrtcpPacketsMax = std::uint64_t{1} << 31;  // RFC 3711 §9.2
inline constexpr std::size_t kSrtpGrowthMax = 16 + 4 + kSrtpMkiBytesMax;   // octets that SRTCP adds at most
// Sources that a context knows in full, and those of which it keeps only how far they came. More than both
// are refused: to forget one would let its packets be played again, or its key stream be used twice.
inline constexpr std::size_t kSrtpSourcesFull = 3;
inline constexpr std::size_t kSrtpSourcesRetired = 11;
inline constexpr std::size_t kSrtpSourcesMax = kSrtpSourcesFull + kSrtpSourcesRetired;

// Octets that a compiler must not find useless to overwrite.
inline void wipe_octets(void* at, std::size_t count) noexcept {
  std::memset(at, 0, count);
  __asm__ volatile("" : : "r"(at) : "memory");
}

struct SrtpSuiteFacts {
  bool is_aead = false;
  std::uint8_t key_bytes = 0;
  std::uint8_t salt_bytes = 0;
  std::uint8_t rtp_tag_bytes = 0;
  std::uint8_t rtcp_tag_bytes = 0;  // 10 with the 32-bit suites too: RFC 4568 §6.2.2, RFC 3711 §5.2
};
[[nodiscard]] constexpr SrtpSuiteFacts facts_of(SrtpSuite suite) noexcept {
  switch (suite) {
    case SrtpSuite::Aes256Gcm:
      return {true, 32, 12, 16, 16};
    case SrtpSuite::Aes128Gcm:
      return {true, 16, 12, 16, 16};
    case SrtpSuite::AesCm128HmacSha1_80:
      return {false, 16, 14, 10, 10};
    case SrtpSuite::AesCm128HmacSha1_32:
      return {false, 16, 14, 4, 10};
    case SrtpSuite::AesCm256HmacSha1_80:
      return {false, 32, 14, 10, 10};
    case SrtpSuite::AesCm256HmacSha1_32:
      return {false, 32, 14, 4, 10};
  }
  return {};
}

// A master key with its salt.
struct SrtpKey {
  SrtpSuite suite = SrtpSuite::AesCm128HmacSha1_80;
  std::uint8_t mki_bytes = 0;  // at the end of each packet; 0: none
  std::uint64_t mki = 0;       // its number, in so many octets
  // Packets of either kind that it may be used for; 0: as many as RFC 3711 §9.2 allows.
  std::uint64_t packets_max = 0;
  std::array<std::uint8_t, kSrtpKeyBytesMax> key{};
  std::array<std::uint8_t, kSrtpSaltBytesMax> salt{};

  void wipe() noexcept { wipe_octets(this, sizeof *this); }
  // For a snapshot that is sealed; see mgmt/state/seal.h.
  template <class Archive>
  void archive(Archive& a) {
    a(suite, mki_bytes, mki, packets_max, key, salt);
    if constexpr (Archive::kReads)
      if (suite > SrtpSuite::AesCm256HmacSha1_32 || mki_bytes > kSrtpMkiBytesMax) a.fail();
  }
  // Not in constant time: of keys that both came from the party that is asked about.
  friend bool operator==(const SrtpKey&, const SrtpKey&) = default;
};
static_assert(std::is_trivially_copyable_v<SrtpKey>);

// How far all sources of a context came, for a restart: what the next packet's index is guessed from.
// RFC 3711 §3.3.1, §3.4
struct SrtpProgress {
  struct Source {
    std::uint32_t ssrc = 0, roc = 0;
    std::uint32_t rtcp_index = 0;  // the highest; 0: it has sent no report
    std::uint16_t highest = 0;     // sequence number
    bool has_rtp = false;
    template <class Archive>
    void archive(Archive& a) {
      a(ssrc, roc, rtcp_index, highest, has_rtp);
    }
    friend bool operator==(const Source&, const Source&) = default;
  };
  FixedVector<Source, kSrtpSourcesMax> sources{};  // the last one that was used first
  template <class Archive>
  void archive(Archive& a) {
    a(sources);
  }
  friend bool operator==(const SrtpProgress& a, const SrtpProgress& b) noexcept {
    return std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end());
  }
};

// A key in a local variable: gone when it goes.
class WipedSrtpKey {
 public:
  WipedSrtpKey() = default;
  explicit WipedSrtpKey(const SrtpKey& key) noexcept : key_(key) {}
  WipedSrtpKey(const WipedSrtpKey&) = default;
  WipedSrtpKey& operator=(const WipedSrtpKey&) = default;
  ~WipedSrtpKey() { key_.wipe(); }
  [[nodiscard]] SrtpKey& operator*() noexcept { return key_; }
  [[nodiscard]] const SrtpKey& operator*() const noexcept { return key_; }
  [[nodiscard]] SrtpKey* operator->() noexcept { return &key_; }
  [[nodiscard]] const SrtpKey* operator->() const noexcept { return &key_; }

 private:
  SrtpKey key_;
};

}  // namespace sallyport::media
