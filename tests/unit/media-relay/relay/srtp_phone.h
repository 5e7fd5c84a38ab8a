// srtp_phone.h — parties of a call with SRTP, who judge by libsrtp2 what the relay sends them.
#pragma once

#include <memory>
#include <random>

#include "media-relay/srtp/srtp_engine.h"
#include "tests/unit/media-relay/relay/relay_fixture.h"
#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {

inline SrtpKey srtp_key(std::uint32_t number, SrtpSuite suite = SrtpSuite::AesCm128HmacSha1_80) {
  SrtpKey key;
  key.suite = suite;
  std::mt19937 random(number);
  for (std::uint8_t& octet : key.key) octet = static_cast<std::uint8_t>(random());
  for (std::uint8_t& octet : key.salt) octet = static_cast<std::uint8_t>(random());
  return key;
}

class SrtpPhone {
 public:
  // Begins anew, as a phone does that makes a session of each answer.
  void use(const SrtpKey& sends, const SrtpKey& hears) {
    engine_->close(sends_);
    engine_->close(hears_);
    sends_ = engine_->open(sends, SrtpDirection::Protect);
    hears_ = engine_->open(hears, SrtpDirection::Unprotect);
  }
  // With all that was before, as RFC 3711 has it.
  void go_on_with(const SrtpKey& sends, const SrtpKey& hears) {
    const SrtpContextState sent = state(sends_), heard = state(hears_);
    use(sends, hears);
    restore(sends_, sent);
    restore(hears_, heard);
  }
  [[nodiscard]] Octets seal(Octets packet, bool is_rtcp = false) {
    EXPECT_EQ(run(SrtpDirection::Protect, packet, is_rtcp), SrtpResult::Ok);
    return packet;
  }
  // What it hears; nothing: no good packet.
  [[nodiscard]] Octets open(Octets packet, bool is_rtcp = false) {
    result = run(SrtpDirection::Unprotect, packet, is_rtcp);
    return result == SrtpResult::Ok ? packet : Octets{};
  }
  // Its counters and those of what it hears, of one source.
  void be_at(std::uint32_t ssrc, std::uint32_t roc, std::uint16_t highest) {
    SrtpContextState state;
    EXPECT_TRUE(state.sources.push_back({.ssrc = ssrc,
                                         .roc = roc,
                                         .highest = highest,
                                         .has_rtp = true,
                                         .rtp_seen = {1, 0},
                                         .rtcp_seen = {}}));
    restore(sends_, state);
  }
  SrtpResult result = SrtpResult::Ok;

 private:
  [[nodiscard]] SrtpContextState state(SrtpContextId id) const {
    SrtpContextState out;
    EXPECT_TRUE(engine_->save(id, out));
    out.rtp_packets = out.rtcp_packets = 0;
    return out;
  }
  void restore(SrtpContextId id, const SrtpContextState& state) { EXPECT_TRUE(engine_->restore(id, state)); }
  SrtpResult run(SrtpDirection direction, Octets& packet, bool is_rtcp) {
    const std::size_t length = packet.size();
    packet.resize(length + kSrtpGrowthMax);
    SrtpJob job{.context = direction == SrtpDirection::Protect ? sends_ : hears_,
                .packet = packet.data(),
                .length = static_cast<std::uint32_t>(length),
                .capacity = static_cast<std::uint32_t>(packet.size()),
                .is_rtcp = is_rtcp};
    if (direction == SrtpDirection::Protect)
      engine_->protect({&job, 1});
    else
      engine_->unprotect({&job, 1});
    packet.resize(job.length);
    return job.result;
  }
  std::unique_ptr<SrtpEngine> engine_ = make_srtp_engine(SrtpEngineKind::Libsrtp2, 64);
  SrtpContextId sends_, hears_;
};

// The caller is secured, unless a test says otherwise.
class RelaySrtpTest : public RelayTest {
 protected:
  RelaySrtpTest() { secure(0, 1); }
  // Keys `number` (its) and `number` + 1 (ours).
  void secure(std::size_t side, std::uint32_t number, SrtpSuite suite = SrtpSuite::AesCm128HmacSha1_80) {
    MediaKeys& keys = command.keys[side];
    keys.is_secured = true;
    keys.theirs = srtp_key(number, suite);
    keys.ours = srtp_key(number + 1, suite);
    ++keys.theirs_number;
    ++keys.ours_number;
    phones[side].use(keys.theirs, keys.ours);
  }
  std::string voice_of_caller(std::uint16_t sequence, std::uint32_t ssrc = 0x11111111) {
    return fate(from_caller(caller.seal(rtp({.sequence = sequence, .ssrc = ssrc}))));
  }
  // What the caller hears of it.
  Octets voice_to_caller(std::uint16_t sequence, std::uint32_t ssrc = 0x22222222) {
    const RelayResult result = from_callee(rtp({.sequence = sequence, .ssrc = ssrc}));
    if (result.kind != RelayResult::Kind::Forward) return {};
    EXPECT_TRUE(result.payload_changed);
    EXPECT_NE(relayed, rtp({.sequence = sequence, .ssrc = ssrc}));
    return caller.open(relayed);
  }
  [[nodiscard]] std::uint64_t dropped(MediaDropReason reason, RealmIndex realm = kOutside) const {
    return relay.counters(realm).dropped.value(reason);
  }
  std::array<SrtpPhone, 2> phones;
  SrtpPhone& caller = phones[0];
  SrtpPhone& callee = phones[1];
};

}  // namespace sallyport::media
