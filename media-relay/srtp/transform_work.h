// transform_work.h — what the transforms of the own engines are asked to do: encrypt in counter mode,
// authenticate, or both at once (AEAD).
//
// A transform is a class with
//   Keys                                          plain memory: key schedules, or what owns them
//   bool open(suite, session keys, direction, Keys&)    false: no memory; nothing to close then
//   void close(Keys&)
//   static void prefetch(const Keys&, is_aead)
//   void cipher(span<TransformWork>)              each with `is_live`: keystream over `text`
//   void mac(span<TransformWork>)                 each: HMAC-SHA1 of `covered` into `digest`
//   void seal(AeadWork&)                          in place; the tag into `tag`
//   bool open(AeadWork&)                          in place; false, and the text as it came: not this `tag`
#pragma once

#include <array>
#include <cstdint>

#include "media-relay/srtp/srtp_packet.h"

namespace sallyport::media {

inline constexpr std::size_t kSrtpBurst = 32;

template <class Keys>
struct TransformWork {
  const Keys* keys = nullptr;
  std::uint8_t* packet = nullptr;
  std::uint32_t text_at = 0, text_bytes = 0;
  std::uint32_t covered_bytes = 0;  // from the packet's first
  std::uint8_t key_bytes = 0;
  bool is_live = false;
  alignas(16) SrtpIv iv{};
  alignas(16) std::array<std::uint8_t, 20> digest{};
};

template <class Keys>
struct AeadWork {
  const Keys* keys = nullptr;
  std::uint8_t key_bytes = 0;
  const std::uint8_t* clear = nullptr;
  std::uint32_t clear_bytes = 0;
  std::uint8_t* text = nullptr;
  std::uint32_t text_bytes = 0;
  alignas(16) SrtpIv iv{};
  alignas(16) std::array<std::uint8_t, 16> tag{};
};

}  // namespace sallyport::media
