// srtp_fixture.h — packets and keys for tests of the SRTP engines.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

using Octets = std::vector<std::uint8_t>;

inline Octets hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Octets octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  return octets;
}

inline constexpr std::array kAllSuites{SrtpSuite::Aes256Gcm,           SrtpSuite::Aes128Gcm,
                                       SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32,
                                       SrtpSuite::AesCm256HmacSha1_80, SrtpSuite::AesCm256HmacSha1_32};
inline constexpr std::array kAllEngines{SrtpEngineKind::Libsrtp2, SrtpEngineKind::Multibuffer,
                                        SrtpEngineKind::Evp};

inline SrtpKey key_of(SrtpSuite suite, std::uint32_t number = 1) {
  SrtpKey key;
  key.suite = suite;
  std::mt19937 random(number);
  for (std::uint8_t& octet : key.key) octet = static_cast<std::uint8_t>(random());
  for (std::uint8_t& octet : key.salt) octet = static_cast<std::uint8_t>(random());
  return key;
}

inline Octets rtp(std::uint32_t ssrc, std::uint16_t sequence, std::size_t payload = 160) {
  Octets packet(12 + payload);
  packet[0] = 0x80;
  write_u16(packet.data() + 2, sequence);
  write_u32(packet.data() + 4, sequence * 160u);
  write_u32(packet.data() + 8, ssrc);
  for (std::size_t i = 12; i < packet.size(); ++i) packet[i] = static_cast<std::uint8_t>(i * 7 + sequence);
  return packet;
}
inline Octets rtcp(std::uint32_t ssrc, std::size_t more = 20) {
  Octets packet(8 + more);
  packet[0] = 0x80;
  packet[1] = 200;
  write_u16(packet.data() + 2, static_cast<std::uint16_t>(packet.size() / 4 - 1));
  write_u32(packet.data() + 4, ssrc);
  for (std::size_t i = 8; i < packet.size(); ++i) packet[i] = static_cast<std::uint8_t>(i * 5);
  return packet;
}

// One packet; it grows and shrinks with what the engine says.
inline SrtpResult run(SrtpEngine& engine, SrtpContextId id, SrtpDirection direction, Octets& packet,
                      bool is_rtcp = false) {
  const std::size_t length = packet.size();
  packet.resize(length + kSrtpGrowthMax, 0xee);
  SrtpJob job{.context = id,
              .packet = packet.data(),
              .length = static_cast<std::uint32_t>(length),
              .capacity = static_cast<std::uint32_t>(packet.size()),
              .is_rtcp = is_rtcp};
  if (direction == SrtpDirection::Protect)
    engine.protect({&job, 1});
  else
    engine.unprotect({&job, 1});
  packet.resize(job.length);
  return job.result;
}

// An engine with one context in each direction, under one key.
class SrtpPair {
 public:
  SrtpPair(SrtpEngineKind kind, const SrtpKey& key) : engine(make_srtp_engine(kind, 8)) {
    if (engine == nullptr) return;
    sender = engine->open(key, SrtpDirection::Protect);
    receiver = engine->open(key, SrtpDirection::Unprotect);
  }
  [[nodiscard]] SrtpResult protect(Octets& packet, bool is_rtcp = false) {
    return run(*engine, sender, SrtpDirection::Protect, packet, is_rtcp);
  }
  [[nodiscard]] SrtpResult unprotect(Octets& packet, bool is_rtcp = false) {
    return run(*engine, receiver, SrtpDirection::Unprotect, packet, is_rtcp);
  }
  [[nodiscard]] SrtpContextState state(SrtpContextId id) const {
    SrtpContextState out;
    EXPECT_TRUE(engine->save(id, out));
    return out;
  }
  std::unique_ptr<SrtpEngine> engine;
  SrtpContextId sender, receiver;
};

inline bool operator==(const SrtpContextState& a, const SrtpContextState& b) {
  return a.rtp_packets == b.rtp_packets && a.rtcp_packets == b.rtcp_packets &&
         std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end());
}

// For tests of every engine with every suite.
struct EngineAndSuite {
  SrtpEngineKind engine;
  SrtpSuite suite;
};
inline std::vector<EngineAndSuite> all_engines_and_suites() {
  std::vector<EngineAndSuite> all;
  for (const SrtpEngineKind engine : kAllEngines)
    for (const SrtpSuite suite : kAllSuites)
      if (engine != SrtpEngineKind::Multibuffer || has_multibuffer()) all.push_back({engine, suite});
  return all;
}
inline std::string name_of(const testing::TestParamInfo<EngineAndSuite>& info) {
  static constexpr std::array kNames{"Gcm256", "Gcm128", "Cm128_80", "Cm128_32", "Cm256_80", "Cm256_32"};
  return std::string(to_string(info.param.engine)) + "_" + kNames[static_cast<std::size_t>(info.param.suite)];
}

}  // namespace sallyport::media
