// key_source.h — fresh master keys and salts, from random octets that came in once: RFC 4568 §10.2, RFC 3711
// §9.1.
//
// No I/O: the rim gives the seed at the start. After each key the state is replaced by one from which the key
// can't be computed any more.
#pragma once

#include <array>
#include <cstdint>

#include "media-relay/control/srtp_key.h"

namespace sallyport::sip {

// Random at each start, never the same twice; all zero in tests.
struct KeySeed {
  std::array<std::uint8_t, 32> octets{};
};

class KeySource {
 public:
  // `user`: another number for each of those that begin with the same seed.
  KeySource(const KeySeed& seed, std::uint64_t user) noexcept;
  ~KeySource();
  KeySource(const KeySource&) = delete;
  KeySource& operator=(const KeySource&) = delete;

  [[nodiscard]] media::WipedSrtpKey make(SrtpSuite suite) noexcept;

 private:
  static constexpr std::size_t kBytes = 64;  // of SHA-512
  using Block = std::array<std::uint8_t, kBytes>;
  void derive(std::uint8_t purpose, Block& to) noexcept;

  Block state_{};
};

}  // namespace sallyport::sip
