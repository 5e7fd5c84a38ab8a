// stun_message_test.cpp — binding requests and their answers: RFC 8489, with the examples of RFC 5769.
#include "media-relay/wire/stun_message.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sallyport::media {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::string_view kHeader = "0001 0000 2112a442 b7e7a701bc34d686fa87dfae";

Octets octets_of(std::string_view hexadecimal) {
  Octets octets;
  std::string digits;
  for (const char c : hexadecimal) {
    if (c == ' ') continue;
    digits += c;
    if (digits.size() < 2) continue;
    octets.push_back(static_cast<std::uint8_t>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return octets;
}

// A binding request with these attributes.
Octets request_with(std::string_view attributes = "") {
  Octets octets = octets_of(kHeader);
  const Octets more = octets_of(attributes);
  octets.insert(octets.end(), more.begin(), more.end());
  write_u16(octets.data() + 2, static_cast<std::uint16_t>(more.size()));
  return octets;
}

Octets with_fingerprint(Octets octets) {
  write_u16(octets.data() + 2, static_cast<std::uint16_t>(octets.size() - kStunHeaderBytes + 8));
  const std::uint32_t fingerprint = stun_fingerprint(octets);
  const Octets attribute = octets_of("8028 0004 00000000");
  octets.insert(octets.end(), attribute.begin(), attribute.end());
  write_u32(octets.data() + octets.size() - 4, fingerprint);
  return octets;
}

Octets answer_to(const Octets& octets, std::string_view source = "192.0.2.1:32853") {
  const auto request = parse_binding_request(octets);
  if (!request) return {};
  std::array<std::uint8_t, kStunAnswerMax> out{};
  const std::size_t size = write_binding_answer(*request, *parse_endpoint(source, 0), out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

// RFC 5769 §2.1
const Octets kExample = octets_of(
    "0001 0058 2112a442 b7e7a701bc34d686fa87dfae"
    "8022 0010 5354554e207465737420636c69656e74"
    "0024 0004 6e0001ff"
    "8029 0008 932ff9b151263b36"
    "0006 0009 6576746a3a68367659202020"
    "0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "8028 0004 e57a3bcf");

TEST(StunMessage, TakesTheExampleOfTheRfcAndItsFingerprint) {
  ASSERT_TRUE(is_stun(kExample));
  const auto request = parse_binding_request(kExample);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->has_fingerprint);
  ASSERT_EQ(request->unknown.size(), 1U) << "PRIORITY is for ICE";
  EXPECT_EQ(request->unknown[0], 0x0024);
}

// RFC 5769 §2.2, §2.3
TEST(StunMessage, TellsTheSourceWhereItIsSeen) {
  EXPECT_EQ(answer_to(request_with()),
            octets_of("0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001a147e112a643"));
  EXPECT_EQ(answer_to(request_with(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
            octets_of("0101 0018 2112a442 b7e7a701bc34d686fa87dfae"
                      "0020 0014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"));
}

// RFC 8489 §14.7
TEST(StunMessage, AnswersWithAFingerprintWhereTheRequestHadOne) {
  const Octets plain = answer_to(request_with()), marked = answer_to(with_fingerprint(request_with()));
  ASSERT_EQ(marked.size(), plain.size() + 8);
  Octets expected = plain;
  expected[3] = static_cast<std::uint8_t>(expected[3] + 8);
  EXPECT_EQ(read_u32(marked.data() + marked.size() - 4), stun_fingerprint(expected));
  Octets wrong = with_fingerprint(request_with());
  wrong.back() ^= 1;
  EXPECT_TRUE(answer_to(wrong).empty());
  wrong = with_fingerprint(request_with());
  wrong[9] ^= 1;
  EXPECT_TRUE(answer_to(wrong).empty());
}

TEST(StunMessage, TakesAFingerprintOnlyAsTheLastAttribute) {
  Octets octets = with_fingerprint(request_with());
  const Octets more = octets_of("8022 0000");
  octets.insert(octets.end(), more.begin(), more.end());
  write_u16(octets.data() + 2, static_cast<std::uint16_t>(octets.size() - kStunHeaderBytes));
  EXPECT_TRUE(answer_to(octets).empty());
  EXPECT_TRUE(answer_to(request_with("8028 0000")).empty());
}

// RFC 8489 §6.3.1
TEST(StunMessage, NamesAttributesThatItShouldUnderstandAndDoesNot) {
  EXPECT_EQ(answer_to(request_with("0003 0004 00000006  8003 0000  0024 0004 00000001")),
            octets_of("0111 0010 2112a442 b7e7a701bc34d686fa87dfae"
                      "0009 0004 00000414  000a 0004 00030024"));
  EXPECT_EQ(answer_to(request_with("0025 0000")), octets_of("0111 0010 2112a442 b7e7a701bc34d686fa87dfae"
                                                            "0009 0004 00000414  000a 0002 00250000"));
}

TEST(StunMessage, NamesOnlyTheFirstFewOfManyUnknownAttributes) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "7fff 0000";
  const Octets answer = answer_to(with_fingerprint(request_with(many)));
  EXPECT_EQ(answer.size(), kStunAnswerMax);
}

TEST(StunMessage, IgnoresCredentialsAndWhatComesBehindThem) {
  const Octets answer = answer_to(
      request_with("0006 0001 61000000  0008 0014 0000000000000000000000000000000000000000  7001 0000"));
  EXPECT_EQ(answer[0], 0x01);
  EXPECT_EQ(answer[1], 0x01);
}

TEST(StunMessage, AnswersNothingThatIsNoSoundRequest) {
  EXPECT_FALSE(parse_binding_request({}));
  EXPECT_FALSE(parse_binding_request(request_with("0006 0002 6100"))) << "padding is missing";
  EXPECT_FALSE(parse_binding_request(request_with("0006 0005 61000000"))) << "longer than the message";
  EXPECT_FALSE(parse_binding_request(request_with("0006 ffff"))) << "much longer";
  EXPECT_FALSE(parse_binding_request(request_with("0006"))) << "half a header";
  Octets octets = request_with();
  octets[3] = 4;
  EXPECT_FALSE(parse_binding_request(octets)) << "a length that is another";
  for (const int type : {0x0011, 0x0101, 0x0111, 0x0003, 0x3fff}) {
    octets = request_with();
    write_u16(octets.data(), static_cast<std::uint16_t>(type));
    EXPECT_TRUE(is_stun(octets));
    EXPECT_FALSE(parse_binding_request(octets)) << type;
  }
}

TEST(StunMessage, IsNeitherSipNorRtp) {
  Octets octets = request_with();
  octets[7] ^= 1;
  EXPECT_FALSE(is_stun(octets)) << "RFC 3489 knew no cookie";
  octets = request_with();
  octets[0] = 0x80;
  EXPECT_FALSE(is_stun(octets));
  octets.resize(kStunHeaderBytes - 1);
  EXPECT_FALSE(is_stun(octets));
}

}  // namespace
}  // namespace sallyport::media
