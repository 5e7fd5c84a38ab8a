// media_srtp_test.cpp — keys in offers and answers, leg by leg, and what the relay is told of them: RFC 4568
// §5, RFC 8643, RFC 3264 §6, §8; threats M10.
#include <gtest/gtest.h>

#include "policy/base/archive.h"
#include "sipalg/sdp/sdes_attribute.h"
#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using media::MediaKeys;
using media::StreamSide;
using tests::MediaFixture;
using tests::sdp_of;

constexpr std::string_view kCaller = "192.0.2.10", kCallee = "192.0.2.20";

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// "a=crypto:TAG SUITE inline:KEY" whose key is made of `letter`.
std::string crypto(unsigned tag, SrtpSuite suite, char letter, std::string_view rest = "") {
  const media::SrtpSuiteFacts facts = media::facts_of(suite);
  const std::size_t octets = std::size_t{facts.key_bytes} + facts.salt_bytes;
  std::string key((octets * 8 + 5) / 6, letter);
  if (octets % 3 != 0) key.back() = 'A';  // no bits that nobody reads
  key.resize((octets + 2) / 3 * 4, '=');
  return "a=crypto:" + std::to_string(tag) + " " + std::string(sdes_name(suite)) + " inline:" + key +
         std::string(rest) + "\r\n";
}
constexpr SrtpSuite kCm80 = SrtpSuite::AesCm128HmacSha1_80, kCm32 = SrtpSuite::AesCm128HmacSha1_32,
                    kGcm = SrtpSuite::Aes128Gcm;

std::string voice(std::string_view profile, std::string_view lines = "", std::string_view host = kCaller) {
  return sdp_of(host, "m=audio " + std::string(host == kCaller ? "4000" : "6000") + " " +
                          std::string(profile) + " 8\r\n" + std::string(lines));
}
std::string reply(std::string_view profile, std::string_view lines = "") {
  return voice(profile, lines, kCallee);
}

SdesLines keys_in(const std::string& sdp) {
  SdesLines lines;
  read_sdes(sdp, lines);
  EXPECT_EQ(lines.unusable, 0u) << sdp;
  return lines;
}

media::SrtpKey key_in(const std::string& sdp, std::size_t at) {
  const SdesLines lines = keys_in(sdp);
  return at < lines.usable.size() ? *lines.usable[at].key : media::SrtpKey();
}

media::SrtpKey key_of(const std::string& line) {
  SdesAttribute attribute;
  EXPECT_EQ(parse_sdes(std::string_view(line).substr(9, line.size() - 11), attribute), SdesFault::None);
  return *attribute.key;
}

class MediaSrtp : public testing::Test {
 protected:
  MediaFixture call;

  void modes(SrtpMode caller, SrtpMode callee) {
    call.profiles[0].srtp.mode = caller;
    call.profiles[1].srtp.mode = callee;
  }
  [[nodiscard]] const MediaKeys& caller() const { return call.order(0).keys[0]; }
  [[nodiscard]] const MediaKeys& callee() const { return call.order(0).keys[1]; }
  // An offer over SAVP to a plain callee, and its answer.
  void set_up_half() {
    modes(SrtpMode::Optional, SrtpMode::None);
    ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
    ASSERT_EQ(call.answer(reply("RTP/AVP")).refusal, 0);
  }
  // SAVP on both legs, CM80.
  void set_up_whole() {
    modes(SrtpMode::Required, SrtpMode::Required);
    ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
    ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(3, kCm80, 'C'))).refusal, 0);
  }
};

TEST_F(MediaSrtp, ASecuredCallerIsRelayedToAPlainCallee) {
  modes(SrtpMode::Optional, SrtpMode::None);
  const auto offer = call.offer(voice("RTP/SAVP", crypto(7, kCm80, 'B')));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, " RTP/AVP 8\r\n")) << offer.sdp;
  EXPECT_FALSE(holds(offer.sdp, "crypto"));
  EXPECT_TRUE(caller().is_secured);
  EXPECT_EQ(caller().theirs, key_of(crypto(7, kCm80, 'B')));
  EXPECT_EQ(caller().theirs_number, 1);
  EXPECT_EQ(caller().ours_number, 1) << "early media needs it";
  EXPECT_FALSE(callee().is_secured);
  const auto answer = call.answer(reply("RTP/AVP"));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_TRUE(holds(answer.sdp, " RTP/SAVP 8\r\n")) << answer.sdp;
  const SdesLines shown = keys_in(answer.sdp);
  ASSERT_EQ(shown.usable.size(), 1u);
  EXPECT_EQ(shown.usable[0].tag, 7u);
  EXPECT_EQ(*shown.usable[0].key, caller().ours);
  EXPECT_NE(caller().ours, caller().theirs);
  EXPECT_EQ(call.kinds(), "OU");
}

TEST_F(MediaSrtp, APlainCallerIsRelayedToASecuredCallee) {
  modes(SrtpMode::None, SrtpMode::Required);
  const auto offer = call.offer(voice("RTP/AVP"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, " RTP/SAVP 8\r\n")) << offer.sdp;
  const SdesLines shown = keys_in(offer.sdp);
  ASSERT_EQ(shown.usable.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(shown.usable[i].tag, i + 1);
    EXPECT_EQ(shown.usable[i].key->suite, call.profiles[1].srtp.suites[i]);
  }
  EXPECT_TRUE(callee().is_secured);
  EXPECT_EQ(callee().theirs_number, 0) << "what comes before the answer can't be checked";
  EXPECT_EQ(callee().ours_number, 0);
  const auto answer = call.answer(reply("RTP/SAVP", crypto(2, kGcm, 'C')));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_TRUE(holds(answer.sdp, " RTP/AVP 8\r\n"));
  EXPECT_FALSE(holds(answer.sdp, "crypto"));
  EXPECT_FALSE(caller().is_secured);
  EXPECT_EQ(callee().ours, *shown.usable[1].key);
  EXPECT_EQ(callee().theirs, key_of(crypto(2, kGcm, 'C')));
  EXPECT_EQ(callee().theirs_number, 1);
  EXPECT_EQ(callee().ours_number, 1);
}

TEST_F(MediaSrtp, TwoSecuredLegsHaveKeysOfTheirOwn) {
  set_up_whole();
  EXPECT_TRUE(caller().is_secured && callee().is_secured);
  EXPECT_NE(caller().ours, callee().ours);
  EXPECT_NE(caller().ours, callee().theirs);
  EXPECT_EQ(callee().theirs, key_of(crypto(3, kCm80, 'C')));
}

// ---- rows of the table in side_crypto.h ----

enum class Usable : bool { No, Yes };
struct OfferRow {
  const char* what;
  SrtpMode mode;
  const char* profile;
  Usable has_key;
  std::uint16_t refusal;
  bool is_secured;
};
class OfferOfALeg : public testing::TestWithParam<OfferRow> {};

TEST_P(OfferOfALeg, IsTakenByItsProfile) {
  MediaFixture call;
  call.profiles[0].srtp.mode = GetParam().mode;
  call.profiles[1].srtp.mode = SrtpMode::None;
  const std::string key =
      GetParam().has_key == Usable::Yes ? crypto(1, kCm80, 'B') : crypto(1, kCm80, 'B', " UNENCRYPTED_SRTP");
  const auto offer = call.offer(voice(GetParam().profile, key));
  EXPECT_EQ(offer.refusal, GetParam().refusal);
  if (offer.refusal != 0) {
    EXPECT_EQ(call.taken(), 0u);
    return;
  }
  EXPECT_EQ(call.order(0).keys[0].is_secured, GetParam().is_secured);
  EXPECT_FALSE(holds(offer.sdp, "SAVP") || holds(offer.sdp, "crypto"));
  const auto answer = call.answer(reply("RTP/AVP"));
  EXPECT_TRUE(holds(answer.sdp, " " + std::string(GetParam().profile) + " 8\r\n")) << answer.sdp;
  EXPECT_EQ(holds(answer.sdp, "a=crypto:1 "), GetParam().is_secured);
}

constexpr SrtpMode kNone = SrtpMode::None, kOptional = SrtpMode::Optional, kRequired = SrtpMode::Required;
const OfferRow kOffers[] = {
    {"savp_none", kNone, "RTP/SAVP", Usable::Yes, 488, false},
    {"savp_optional", kOptional, "RTP/SAVP", Usable::Yes, 0, true},
    {"savp_required", kRequired, "RTP/SAVP", Usable::Yes, 0, true},
    {"savpf_optional", kOptional, "RTP/SAVPF", Usable::Yes, 0, true},
    {"savp_none_bad", kNone, "RTP/SAVP", Usable::No, 488, false},
    {"savp_optional_bad", kOptional, "RTP/SAVP", Usable::No, 488, false},
    {"savp_required_bad", kRequired, "RTP/SAVP", Usable::No, 488, false},
    {"avp_none", kNone, "RTP/AVP", Usable::Yes, 0, false},
    {"avp_optional", kOptional, "RTP/AVP", Usable::Yes, 0, true},
    {"avpf_optional", kOptional, "RTP/AVPF", Usable::Yes, 0, true},
    {"avp_required", kRequired, "RTP/AVP", Usable::Yes, 0, true},
    {"avp_none_bad", kNone, "RTP/AVP", Usable::No, 0, false},
    {"avp_optional_bad", kOptional, "RTP/AVP", Usable::No, 488, false},
    {"avp_required_bad", kRequired, "RTP/AVP", Usable::No, 488, false},
    {"dtls_optional", kOptional, "UDP/TLS/RTP/SAVP", Usable::Yes, 488, false},
    {"dtls_feedback", kOptional, "UDP/TLS/RTP/SAVPF", Usable::Yes, 488, false},
};
INSTANTIATE_TEST_SUITE_P(Each, OfferOfALeg, testing::ValuesIn(kOffers),
                         [](const auto& row) { return row.param.what; });

struct ForwardRow {
  const char* what;
  SrtpMode mode;
  bool is_near_secured, is_over_tls;
  const char* profile;  // empty: 488
  bool has_keys;
};
class OfferToALeg : public testing::TestWithParam<ForwardRow> {};

TEST_P(OfferToALeg, IsMadeByItsProfile) {
  MediaFixture call;
  call.profiles[1].srtp.mode = GetParam().mode;
  call.is_over_tls[1] = GetParam().is_over_tls;
  const auto offer =
      call.offer(GetParam().is_near_secured ? voice("RTP/SAVPF", crypto(1, kCm80, 'B')) : voice("RTP/AVPF"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, std::string(" ") + GetParam().profile + " 8\r\n")) << offer.sdp;
  EXPECT_EQ(keys_in(offer.sdp).usable.size(), GetParam().has_keys ? 3u : 0u);
}

const ForwardRow kForwards[] = {
    {"none", kNone, false, false, "RTP/AVPF", false},
    {"none_of_secured", kNone, true, true, "RTP/AVPF", false},
    {"optional", kOptional, false, false, "RTP/AVPF", false},
    {"optional_of_secured", kOptional, true, false, "RTP/AVPF", true},
    {"optional_over_tls", kOptional, false, true, "RTP/AVPF", true},
    {"required", kRequired, false, false, "RTP/SAVPF", true},
    {"required_of_secured", kRequired, true, true, "RTP/SAVPF", true},
};
INSTANTIATE_TEST_SUITE_P(Each, OfferToALeg, testing::ValuesIn(kForwards),
                         [](const auto& row) { return row.param.what; });

struct AnswerRow {
  const char* what;
  SrtpMode mode;
  const char* profile;
  std::string lines;
  std::uint16_t refusal;
  bool is_secured;
};
class AnswerOfALeg : public testing::TestWithParam<AnswerRow> {};

TEST_P(AnswerOfALeg, MustFitWhatWasOffered) {
  MediaFixture call;
  call.profiles[1].srtp.mode = GetParam().mode;
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
  const std::string before = call.kinds();
  const auto answer = call.answer(reply(GetParam().profile, GetParam().lines));
  EXPECT_EQ(answer.refusal, GetParam().refusal);
  if (answer.refusal != 0) {
    EXPECT_EQ(call.kinds(), before);
    EXPECT_TRUE(call.session.pending);
    return;
  }
  EXPECT_EQ(call.order(0).keys[1].is_secured, GetParam().is_secured);
  EXPECT_TRUE(holds(answer.sdp, " RTP/SAVP 8\r\na=crypto:1 ")) << answer.sdp;
}

const AnswerRow kAnswers[] = {
    {"savp", kRequired, "RTP/SAVP", crypto(3, kCm80, 'C'), 0, true},
    {"savpf", kRequired, "RTP/SAVPF", crypto(3, kCm80, 'C'), 0, true},
    {"savp_answered_as_avp_with_key", kRequired, "RTP/AVP", crypto(3, kCm80, 'C'), 488, false},
    {"savp_without_key", kRequired, "RTP/SAVP", "", 488, false},
    {"savp_answered_plain", kRequired, "RTP/AVP", "", 488, false},
    {"savp_other_tag", kRequired, "RTP/SAVP", crypto(2, kCm80, 'C'), 488, false},
    {"savp_unknown_tag", kRequired, "RTP/SAVP", crypto(4, kCm80, 'C'), 488, false},
    {"savp_other_suite", kRequired, "RTP/SAVP", crypto(3, kCm32, 'C'), 488, false},
    {"savp_two_keys", kRequired, "RTP/SAVP", crypto(3, kCm80, 'C') + crypto(2, kGcm, 'C'), 488, false},
    {"savp_tag_twice", kRequired, "RTP/SAVP", crypto(3, kCm80, 'C') + crypto(3, kCm80, 'D'), 488, false},
    {"savp_unprotected", kRequired, "RTP/SAVP", crypto(3, kCm80, 'C', " UNENCRYPTED_SRTCP"), 488, false},
    {"savp_dtls", kRequired, "UDP/TLS/RTP/SAVP", crypto(3, kCm80, 'C'), 488, false},
    {"best_effort", kOptional, "RTP/AVP", crypto(3, kCm80, 'C'), 0, true},
    {"best_effort_as_savp", kOptional, "RTP/SAVP", crypto(3, kCm80, 'C'), 0, true},
    {"best_effort_plain", kOptional, "RTP/AVP", "", 0, false},
    {"best_effort_savp_without_key", kOptional, "RTP/SAVP", "", 488, false},
    {"best_effort_other_suite", kOptional, "RTP/AVP", crypto(3, kCm32, 'C'), 488, false},
    {"best_effort_unprotected", kOptional, "RTP/AVP", crypto(3, kCm80, 'C', " UNENCRYPTED_SRTP"), 488, false},
    {"plain", kNone, "RTP/AVP", "", 0, false},
    {"plain_with_a_key_of_its_own", kNone, "RTP/AVP", crypto(1, kCm80, 'C'), 0, false},
    {"plain_as_savp", kNone, "RTP/SAVP", crypto(1, kCm80, 'C'), 488, false},
};
INSTANTIATE_TEST_SUITE_P(Each, AnswerOfALeg, testing::ValuesIn(kAnswers),
                         [](const auto& row) { return row.param.what; });

// ---- what a profile allows ----

TEST_F(MediaSrtp, KeysOverTlsAloneAreNotTakenOverAnythingElse) {
  for (ProfileConfig& profile : call.profiles) profile.srtp.sdes_only_over_tls = true;
  EXPECT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 488);
  call.is_over_tls[0] = true;
  const auto offer = call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B')));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_FALSE(holds(offer.sdp, "crypto")) << "the callee's leg is not TLS";
}

TEST_F(MediaSrtp, WhereEncryptionIsRequiredAndKeysHaveNoWayACallIsRefused) {
  modes(SrtpMode::Optional, SrtpMode::Required);
  call.profiles[1].srtp.sdes_only_over_tls = true;
  EXPECT_EQ(call.offer(voice("RTP/AVP")).refusal, 488);
  call.profiles[1].srtp = {.mode = SrtpMode::Required, .keying = {SrtpKeying::Dtls}};
  EXPECT_EQ(call.offer(voice("RTP/AVP")).refusal, 488);
  EXPECT_EQ(call.taken(), 0u);
}

TEST_F(MediaSrtp, TheOfferersOrderCountsAmongAllowedSuites) {
  modes(SrtpMode::Optional, SrtpMode::None);
  (void)call.offer(voice("RTP/SAVP", crypto(1, kCm32, 'B') + crypto(2, kCm80, 'C') + crypto(3, kGcm, 'D')));
  EXPECT_EQ(caller().theirs.suite, kCm80);
  EXPECT_EQ(caller().ours.suite, kCm80);
}

TEST_F(MediaSrtp, TheirLifetimeAndMkiCountAndOursHaveNone) {
  modes(SrtpMode::Optional, SrtpMode::None);
  (void)call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B', "|2^20|5:4")));
  EXPECT_EQ(caller().theirs.packets_max, 1u << 20);
  EXPECT_EQ(caller().theirs.mki_bytes, 4);
  EXPECT_EQ(caller().ours.mki_bytes, 0);
  EXPECT_EQ(caller().ours.packets_max, 0u);
}

TEST_F(MediaSrtp, TagAndMkiAreNoOverrun) {
  MediaFixture plain;
  (void)plain.offer(voice("RTP/AVP"));
  modes(SrtpMode::Optional, SrtpMode::None);
  (void)call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B', "|5:128")));
  const auto rate = [](const media::MediaSideSettings& side) { return side.bytes_per_second; };
  EXPECT_EQ(rate(call.callee()), rate(plain.callee()));
  EXPECT_GE(rate(call.caller()), rate(plain.caller()) + 50 * 138);
}

TEST_F(MediaSrtp, ARefusedLineLeavesTheOthers) {
  modes(SrtpMode::Optional, SrtpMode::None);
  const auto offer = call.offer(sdp_of(kCaller,
                                       "m=audio 4000 RTP/SAVP 8\r\na=crypto:1 NULL inline:abc\r\n"
                                       "m=audio 4002 RTP/AVP 8\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "m=audio 0 RTP/SAVP 8\r\nm=audio ")) << offer.sdp;
  EXPECT_EQ(call.open_streams(), 1u);
}

TEST_F(MediaSrtp, NoKeyCrossesFromLegToLeg) {
  modes(SrtpMode::Required, SrtpMode::Required);
  const std::string near = crypto(1, kCm80, 'B'), far = crypto(3, kCm80, 'C');
  EXPECT_FALSE(holds(call.offer(voice("RTP/SAVP", near)).sdp, std::string(20, 'B')));
  EXPECT_FALSE(holds(call.answer(reply("RTP/SAVP", far)).sdp, std::string(20, 'C')));
}

// ---- again ----

TEST_F(MediaSrtp, TheSameOfferAgainKeepsAllKeys) {
  set_up_whole();
  const MediaKeys near = caller(), far = callee();
  const auto offer = call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B') + "a=sendonly\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  const SdesLines shown = keys_in(offer.sdp);
  ASSERT_EQ(shown.usable.size(), 3u);
  EXPECT_EQ(*shown.usable[2].key, far.ours);
  const auto answer = call.answer(reply("RTP/SAVP", crypto(3, kCm80, 'C') + "a=recvonly\r\n"));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_EQ(key_in(answer.sdp, 0), near.ours);
  EXPECT_EQ(caller().ours_number, near.ours_number);
  EXPECT_EQ(caller().theirs_number, near.theirs_number);
  EXPECT_EQ(callee().ours_number, far.ours_number);
  EXPECT_EQ(callee().theirs_number, far.theirs_number);
}

TEST_F(MediaSrtp, ADescriptionWithTheSameKeysHasTheSameVersion) {
  set_up_whole();
  const std::uint64_t version = call.identities[1].version;
  (void)call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B')));
  EXPECT_EQ(call.identities[1].version, version);
}

TEST_F(MediaSrtp, ANewKeyOfASideHasANewNumber) {
  set_up_whole();
  const MediaKeys near = caller(), far = callee();
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'D'))).refusal, 0);
  EXPECT_EQ(caller().theirs_number, 1) << "not before the answer";
  ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(3, kCm80, 'E'))).refusal, 0);
  EXPECT_EQ(caller().theirs_number, 2);
  EXPECT_EQ(caller().theirs, key_of(crypto(1, kCm80, 'D')));
  EXPECT_EQ(callee().theirs_number, 2);
  EXPECT_EQ(caller().ours, near.ours);
  EXPECT_EQ(callee().ours, far.ours);
  EXPECT_EQ(callee().ours_number, far.ours_number);
}

TEST_F(MediaSrtp, AnotherSuiteMeansAnotherKeyOfOurs) {
  set_up_whole();
  const MediaKeys near = caller(), far = callee();
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kGcm, 'B'))).refusal, 0);
  ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(2, kGcm, 'C'))).refusal, 0);
  EXPECT_EQ(caller().ours_number, 2);
  EXPECT_NE(caller().ours, near.ours);
  EXPECT_EQ(callee().ours_number, 2);
  EXPECT_NE(callee().ours, far.ours);
}

TEST_F(MediaSrtp, ARefusedReofferLeavesTheFormerKeys) {
  set_up_whole();
  const MediaKeys near = caller(), far = callee();
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'D'))).refusal, 0);
  ASSERT_EQ(call.preview(reply("RTP/SAVP", crypto(3, kCm80, 'E'))).refusal, 0);
  EXPECT_NE(caller().theirs_number, near.theirs_number);
  call.drop();
  EXPECT_EQ(caller().theirs, near.theirs);
  EXPECT_EQ(caller().theirs_number, near.theirs_number);
  EXPECT_EQ(callee().theirs, far.theirs);
  EXPECT_EQ(callee().ours, far.ours);
}

TEST_F(MediaSrtp, AnOfferOfTheCalleeIsMadeToASecuredCallerUnderItsOwnProfile) {
  set_up_half();
  const MediaKeys near = caller();
  const auto offer = call.offer_back(reply("RTP/AVP"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, " RTP/SAVP 8\r\n")) << "it asked for nothing less: " << offer.sdp;
  const SdesLines shown = keys_in(offer.sdp);
  ASSERT_EQ(shown.usable.size(), 3u);
  EXPECT_EQ(*shown.usable[0].key, near.ours);
  EXPECT_EQ(shown.usable[0].tag, 1u);
  EXPECT_EQ(call.answer_back(voice("RTP/AVP")).refusal, 488) << "no way back to plain";
  ASSERT_EQ(call.answer_back(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
  EXPECT_EQ(caller().ours_number, near.ours_number);
  EXPECT_EQ(caller().theirs_number, near.theirs_number);
}

TEST_F(MediaSrtp, ASideThatMustBeSecuredCanNotBecomePlain) {
  set_up_whole();
  EXPECT_EQ(call.offer(voice("RTP/AVP")).refusal, 488);
  EXPECT_EQ(call.offer_back(reply("RTP/AVP")).refusal, 488);
  EXPECT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm32, 'B'))).refusal, 488);
  EXPECT_EQ(call.kinds(), "OU");
}

// RFC 3711 §9.1: packets that are counted from 0 again need another key.
TEST_F(MediaSrtp, WhoWasPlainForAWhileGetsAnotherKey) {
  set_up_half();
  const MediaKeys near = caller();
  ASSERT_EQ(call.offer(voice("RTP/AVP")).refusal, 0);
  ASSERT_EQ(call.answer(reply("RTP/AVP")).refusal, 0);
  EXPECT_FALSE(caller().is_secured);
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
  ASSERT_EQ(call.answer(reply("RTP/AVP")).refusal, 0);
  EXPECT_TRUE(caller().is_secured);
  EXPECT_NE(caller().ours, near.ours);
  EXPECT_NE(caller().ours_number, near.ours_number);
}

TEST_F(MediaSrtp, AStreamWithNewPortsHasNewKeys) {
  set_up_half();
  const MediaKeys near = caller();
  ASSERT_EQ(call.offer(sdp_of(kCaller, "m=audio 0 RTP/SAVP 8\r\n")).refusal, 0);
  ASSERT_EQ(call.answer(sdp_of(kCallee, "m=audio 0 RTP/AVP 8\r\n")).refusal, 0);
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
  EXPECT_NE(call.order(1).keys[0].ours, near.ours);
}

// ---- forks, early answers, delayed offers ----

TEST_F(MediaSrtp, EachForksAnswerHasAKeyOfItsOwn) {
  modes(SrtpMode::None, SrtpMode::Optional);
  call.is_over_tls[1] = true;
  ASSERT_EQ(call.offer(voice("RTP/AVP")).refusal, 0);
  ASSERT_EQ(call.preview(reply("RTP/AVP", crypto(3, kCm80, 'C'))).refusal, 0);
  EXPECT_EQ(callee().theirs, key_of(crypto(3, kCm80, 'C')));
  const MediaKeys first = callee();
  ASSERT_EQ(call.preview(reply("RTP/AVP")).refusal, 0);
  EXPECT_FALSE(callee().is_secured);
  ASSERT_EQ(call.answer(reply("RTP/AVP", crypto(3, kCm80, 'D'))).refusal, 0);
  EXPECT_TRUE(callee().is_secured);
  EXPECT_EQ(callee().theirs, key_of(crypto(3, kCm80, 'D')));
  EXPECT_NE(callee().theirs_number, first.theirs_number);
  EXPECT_EQ(callee().ours, first.ours) << "there was one offer";
}

// RFC 3261 §13.2.2.4, RFC 4568 §7.1.4
TEST_F(MediaSrtp, WhatOneForkOfferedLeavesTheKeysThatTheOthersWereOffered) {
  modes(SrtpMode::None, SrtpMode::Required);
  const auto invite = call.offer(voice("RTP/AVP"));
  ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(2, kGcm, 'C'))).refusal, 0);
  ASSERT_EQ(call.offer_back(reply("RTP/SAVP", crypto(9, kCm80, 'D'))).refusal, 0);
  const auto update = call.answer_back(voice("RTP/AVP"));
  ASSERT_EQ(update.refusal, 0);
  EXPECT_EQ(keys_in(update.sdp).usable.size(), 1u);
  EXPECT_TRUE(holds(update.sdp, "a=crypto:9 ")) << update.sdp;
  EXPECT_EQ(callee().ours, key_in(invite.sdp, 2));
  const auto again = call.offer(voice("RTP/AVP"));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(key_in(again.sdp, i), key_in(invite.sdp, i)) << again.sdp;
  ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(2, kGcm, 'E'))).refusal, 0);
  EXPECT_EQ(callee().ours, key_in(invite.sdp, 1));
}

TEST_F(MediaSrtp, AnAnswerLikeItsPreviewChangesNoKey) {
  modes(SrtpMode::None, SrtpMode::Required);
  ASSERT_EQ(call.offer(voice("RTP/AVP")).refusal, 0);
  ASSERT_EQ(call.preview(reply("RTP/SAVP", crypto(3, kCm80, 'C'))).refusal, 0);
  const MediaKeys early = callee();
  ASSERT_EQ(call.answer(reply("RTP/SAVP", crypto(3, kCm80, 'C'))).refusal, 0);
  EXPECT_EQ(callee().theirs_number, early.theirs_number);
  EXPECT_EQ(callee().ours_number, early.ours_number);
}

TEST_F(MediaSrtp, TheSameOfferToAnotherTargetShowsTheSameKeys) {
  modes(SrtpMode::None, SrtpMode::Required);
  const auto first = call.offer(voice("RTP/AVP"));
  EXPECT_EQ(call.offer(voice("RTP/AVP")).sdp, first.sdp);
}

TEST_F(MediaSrtp, AnOfferInTheAnswerIsJudgedByTheCalleesProfile) {
  modes(SrtpMode::Required, SrtpMode::Optional);
  const auto offer = call.offer_back(reply("RTP/AVP"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, " RTP/SAVP 8\r\n"));
  ASSERT_EQ(call.answer_back(voice("RTP/SAVP", crypto(2, kGcm, 'B'))).refusal, 0);
  EXPECT_EQ(caller().theirs, key_of(crypto(2, kGcm, 'B')));
  EXPECT_FALSE(callee().is_secured);
}

// ---- what stays ----

media::SrtpProgress progress(std::uint32_t roc) {
  media::SrtpProgress come;
  (void)come.sources.push_back({.ssrc = 7, .roc = roc, .rtcp_index = 5, .highest = 9, .has_rtp = true});
  return come;
}

TEST_F(MediaSrtp, ARestartGoesOnWithKeysAndProgress) {
  set_up_whole();
  media::MediaNotice notice;
  notice.key = {77, 1};
  notice.srtp_theirs = {progress(1), progress(2)};
  notice.srtp_ours = {progress(3), progress(4)};
  ASSERT_TRUE(note_learned(call.session, notice));
  const MediaKeys near = caller(), far = callee();
  std::string bytes;
  ArchiveWriter(bytes, Timestamp{})(call.session);
  call.session = {};
  ArchiveReader reader(bytes, Timestamp{});
  reader(call.session);
  ASSERT_TRUE(reader.done());
  call.restart();
  ASSERT_TRUE(call.negotiator->reopen(call.session, call.context()));
  EXPECT_EQ(call.kinds(), "O");
  EXPECT_EQ(caller().theirs, near.theirs);
  EXPECT_EQ(caller().ours, near.ours);
  EXPECT_EQ(callee().theirs, far.theirs);
  EXPECT_EQ(callee().ours, far.ours);
  EXPECT_EQ(caller().theirs_number, near.theirs_number);
  EXPECT_EQ(caller().theirs_before, progress(1));
  EXPECT_EQ(callee().theirs_before, progress(2));
  EXPECT_EQ(caller().ours_before, progress(3));
  EXPECT_EQ(callee().ours_before, progress(4));
  const auto again = call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B')));
  EXPECT_EQ(key_in(again.sdp, 2), far.ours);
}

TEST_F(MediaSrtp, ANewKeyHasNoProgress) {
  set_up_whole();
  media::MediaNotice notice;
  notice.key = {77, 1};
  notice.srtp_theirs = notice.srtp_ours = {progress(1), progress(1)};
  (void)note_learned(call.session, notice);
  (void)call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'D')));
  (void)call.answer(reply("RTP/SAVP", crypto(3, kCm80, 'C')));
  EXPECT_EQ(caller().theirs_before, media::SrtpProgress());
  EXPECT_EQ(caller().ours_before, progress(1));
  EXPECT_EQ(callee().theirs_before, progress(1));
}

TEST_F(MediaSrtp, RecordsNameTheSuiteOfEachSideAndNoKey) {
  set_up_half();
  std::vector<MediaRecord> records;
  call.negotiator->describe(call.session, records);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].crypto, "AES_CM_128_HMAC_SHA1_80");
  EXPECT_EQ(records[1].crypto, "none");
}

TEST_F(MediaSrtp, AStreamThatIsClosedHasNoKeyInItsOrder) {
  set_up_whole();
  (void)call.close();
  EXPECT_FALSE(caller().is_secured || callee().is_secured);
  EXPECT_EQ(caller().ours, media::SrtpKey());
}

TEST_F(MediaSrtp, FaxTakesThePlaceOfSecuredVoice) {
  set_up_half();
  const auto offer = call.offer(sdp_of(kCaller, "m=image 4000 udptl t38\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_FALSE(holds(offer.sdp, "crypto"));
  ASSERT_EQ(call.answer(sdp_of(kCallee, "m=image 6000 udptl t38\r\n")).refusal, 0);
  EXPECT_FALSE(call.order(1).keys[0].is_secured);
  ASSERT_EQ(call.offer(voice("RTP/SAVP", crypto(1, kCm80, 'B'))).refusal, 0);
  ASSERT_EQ(call.answer(reply("RTP/AVP")).refusal, 0);
  EXPECT_TRUE(call.order(2).keys[0].is_secured);
}

}  // namespace
}  // namespace sallyport::sip
