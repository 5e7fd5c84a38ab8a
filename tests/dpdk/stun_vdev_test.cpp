// stun_vdev_test.cpp — STUN on a SIP listener, from the wire to the wire: RFC 8489, RFC 5626 §4.4.2, §8.
#include <gtest/gtest.h>

#include "media-relay/wire/stun_message.h"
#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0;

std::string binding_request(std::string_view attributes = "") {
  using namespace std::string_view_literals;
  std::string text("\x00\x01\x00\x00\x21\x12\xa4\x42thetransact"sv);
  text += 'n';
  text[3] = static_cast<char>(attributes.size());
  return text.append(attributes);
}

std::string expected_answer(const std::string& question, const Endpoint& source) {
  const auto request = media::parse_binding_request(
      std::span(reinterpret_cast<const std::uint8_t*>(question.data()), question.size()));
  std::array<std::uint8_t, media::kStunAnswerMax> out{};
  const std::size_t size = media::write_binding_answer(request.value(), source, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

RigSettings with_registrar() {
  RigSettings settings;
  RegistrarConfig& registrar = settings.config.registrars.emplace_back();
  registrar.name = "phones";
  registrar.realm = "outside";
  return settings;
}

std::vector<Bytes> sent_for(LcoreRig& rig, const Flow& flow, const std::string& payload) {
  rig.arrive(kOutside, udp_frame(flow, payload));
  rig.turn();
  return rig.sent(kOutside);
}

Flow stranger_at(const LcoreRig& rig, std::uint16_t port = 40000) {
  Flow flow = flow_to(rig, kOutside);
  flow.source = {IpAddress::v4(0xc6120163), port};
  return flow;
}

TEST(Stun, TellsAKnownPeerWhereItIsSeenFromTheListenerThatItAsked) {
  LcoreRig rig;
  for (const bool is_v4 : {true, false}) {
    const Flow flow = flow_to(rig, kOutside, is_v4);
    const auto frames = sent_for(rig, flow, binding_request());
    ASSERT_EQ(frames.size(), 1U);
    const Arrived answer = datagram_of(frames);
    EXPECT_EQ(answer.source, flow.destination);
    EXPECT_EQ(answer.destination, flow.source);
    EXPECT_EQ(answer.payload, expected_answer(binding_request(), flow.source));
  }
}

TEST(Stun, AnswersStrangersOnlyWhereTheyMayRegisterAndAsLongAsTheyMay) {
  LcoreRig rig(with_registrar());
  EXPECT_EQ(sent_for(rig, stranger_at(rig), binding_request()).size(), 1U);
  SbcConfig without = rig.config;
  without.registrars.clear();
  rig.adopt(without);
  EXPECT_TRUE(sent_for(rig, stranger_at(rig), binding_request()).empty());
  rig.adopt(rig.config);
  EXPECT_EQ(sent_for(rig, stranger_at(rig), binding_request()).size(), 1U);
}

TEST(Stun, SaysWhichAttributesItDoesNotKnow) {
  using namespace std::string_view_literals;
  LcoreRig rig(with_registrar());
  const std::string question = binding_request("\x00\x03\x00\x04\x00\x00\x00\x06"sv);
  const Flow flow = stranger_at(rig);
  const auto frames = sent_for(rig, flow, question);
  ASSERT_EQ(frames.size(), 1U);
  const std::string answer = datagram_of(frames).payload;
  EXPECT_EQ(answer, expected_answer(question, flow.source));
  EXPECT_EQ(answer.substr(0, 2), "\x01\x11"sv);
}

TEST(Stun, DropsAndCountsWhatIsNoSoundRequest) {
  LcoreRig rig(with_registrar());
  std::string answer_like = binding_request(), short_one = binding_request();
  answer_like[0] = 1;
  short_one[3] = 4;
  EXPECT_TRUE(sent_for(rig, stranger_at(rig), answer_like).empty());
  EXPECT_TRUE(sent_for(rig, stranger_at(rig), short_one).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::BadStun), 2U);
}

TEST(Stun, CostsAStrangerTheTokensOfItsSource) {
  RigSettings settings = with_registrar();
  settings.config.security.limits.source = {{1, 1s}, 3};
  LcoreRig rig(std::move(settings));
  std::size_t answers = 0;
  for (std::uint16_t i = 0; i < 10; ++i)
    answers +=
        sent_for(rig, stranger_at(rig, static_cast<std::uint16_t>(40000 + i)), binding_request()).size();
  EXPECT_EQ(answers, 3U);
  EXPECT_EQ(rig.dropped(kOutside, DropReason::SourceRate), 7U);
}

}  // namespace
}  // namespace sallyport::dataplane
