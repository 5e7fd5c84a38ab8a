// sip_threats_test.cpp — hostile messages through the whole engine: the peer gets the right answer and
// nothing else happens (RFC 3261 §8.2, §18.2; threats P1 to P9, P12, P13, R6, R7).
#include <gtest/gtest.h>

#include <string>

#include "tests/support/engine_fixture.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::EngineFixture;
using tests::header_of;
using tests::MessageBuilder;
using tests::status_of;

struct Threat {
  std::string_view id;
  std::string_view what;
  std::string bytes;
  int status;  // 0: silence
};

std::string raw(std::string_view lines, std::string_view body = "") {
  return "OPTIONS sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/UDP a.test;branch=z9hG4bKt\r\nFrom: "
         "<sip:a@b.test>;tag=1\r\n"
         "To: <sip:a@b.test>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n" +
         std::string(lines) + "\r\n" + std::string(body);
}

std::vector<Threat> threats() {
  using B = MessageBuilder;
  std::string vias;
  for (int i = 0; i < 150; ++i) vias += std::string(i == 0 ? "" : ",") + "SIP/2.0/UDP a.test";
  MessageBuilder bomb("OPTIONS");
  for (int i = 0; i < 5000; ++i) bomb.line("A: b");
  return {
      {"P1", "negative length", raw("Content-Length: -1\r\n"), 400},
      {"P1", "length that wraps 32 bits", raw("Content-Length: 4294967296\r\n"), 400},
      {"P1", "length that wraps 64 bits", raw("Content-Length: 18446744073709551616\r\n"), 400},
      {"P1", "length that does not come", raw("Content-Length: 2147483649\r\n"), 400},
      {"P1", "length twice, once compact", raw("l: 0\r\nContent-Length: 0\r\n"), 400},
      {"P2", "octets behind the body", raw("Content-Length: 0\r\n", "BYE sip:a@b.test SIP/2.0\r\n\r\n"), 200},
      {"P3", "space before the colon hides nothing", B("OPTIONS").line("Require : evil").build(), 420},
      {"P3", "tab before the colon hides nothing", B("OPTIONS").line("Require\t: evil").build(), 420},
      {"P3", "folded name of an option", B("OPTIONS").line("rEqUiRe:\r\n evil").build(), 420},
      {"P3", "bare CR", B("OPTIONS").line("Subject: a\rRequire: b").build(), 400},
      {"P3", "bare LF", B("OPTIONS").line("Subject: a\nRequire: b").build(), 400},
      {"P3", "NUL", B("OPTIONS").line(std::string_view("Subject: a\0b", 12)).build(), 400},
      {"P4", "escaped NUL in the user", B("OPTIONS").to("<sip:a%00b@b.test>").build(), 200},
      {"P4", "escaped method", B("BY%45").build(), 405},
      {"P4", "headers in the Request-URI", B("OPTIONS").uri("sip:a@b.test?Route=%3Csip:c%3E").build(), 400},
      {"P5", "To twice", B("OPTIONS").line("t: <sip:c@d.test>;tag=").build(), 400},
      {"P5", "empty tag", B("OPTIONS").to("<sip:c@d.test>;tag=").build(), 400},
      {"P5", "no Call-ID", B("OPTIONS").call_id("").build(), 400},
      {"P5", "no CSeq", B("OPTIONS").cseq("").build(), 400},
      {"P5", "no Via: nobody to answer", B("OPTIONS").via("").build(), 0},
      {"P5", "CSeq of another method", B("OPTIONS").cseq("1 BYE").build(), 400},
      {"P6", "sent-by 0.0.0.0", B("OPTIONS").via("SIP/2.0/UDP 0.0.0.0:5060;branch=z9hG4bKz").build(), 200},
      {"P6", "sent-by broadcast", B("OPTIONS").via("SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKz").build(),
       200},
      {"P6", "multicast maddr",
       B("OPTIONS").via("SIP/2.0/UDP a.test;maddr=239.1.1.1;branch=z9hG4bKz").build(), 200},
      {"P6", "hundreds of Vias", B("OPTIONS").via(vias).build(), 400},
      {"P6", "no sent-by", B("OPTIONS").via("SIP/2.0/UDP ;branch=z9hG4bKz").build(), 0},
      {"P7", "CSeq beyond 31 bits", B("OPTIONS").cseq("2147483648 OPTIONS").build(), 400},
      {"P7", "Max-Forwards beyond 255", B("OPTIONS").max_forwards("256").build(), 400},
      {"P7", "Expires beyond 32 bits", B("OPTIONS").line("Expires: 4294967296").build(), 400},
      {"P7", "port beyond 65535", B("OPTIONS").uri("sip:a@b.test:65536").build(), 400},
      {"P7", "ttl beyond 255", B("OPTIONS").via("SIP/2.0/UDP a.test;ttl=256;branch=z9hG4bKz").build(), 400},
      {"P7", "code beyond 699", "SIP/2.0 4294967496 x\r\nVia: SIP/2.0/UDP a.test\r\n\r\n", 0},
      {"P8", "tag of 512", B("OPTIONS").from("<sip:a@b.test>;tag=" + std::string(512, 't')).build(), 200},
      {"P8", "tag of 513", B("OPTIONS").from("<sip:a@b.test>;tag=" + std::string(513, 't')).build(), 400},
      {"P8", "long Request-URI", B("OPTIONS").uri("sip:" + std::string(3000, 'a')).build(), 414},
      {"P8", "long method", B(std::string(65, 'M')).build(), 400},
      {"P9", "5,000 headers", bomb.build(), 400},
      {"P12", "garbage credentials", B("OPTIONS").line("Authorization: Digest ,,,=\"").build(), 200},
      {"P12", "unknown scheme", B("OPTIONS").line("Authorization: Nobody x=y, x=y").build(), 200},
      {"P13", "unknown version", B("OPTIONS").version("SIP/3.0").build(), 505},
      {"P13", "space in the URI", B("OPTIONS").uri("sip:a @b.test").build(), 400},
      {"P13", "unknown scheme in the URI", B("OPTIONS").uri("gopher://b.test").build(), 416},
      {"P13", "URI in brackets", B("OPTIONS").uri("<sip:a@b.test>").build(), 400},
  };
}

TEST(SipThreats, EachGetsItsAnswerAtItsSourceOnly) {
  for (const Threat& threat : threats()) {
    EngineFixture fixture;
    const auto answer = fixture.receive(threat.bytes);
    EXPECT_EQ(answer ? status_of(answer->bytes) : 0, threat.status) << threat.id << " " << threat.what;
    if (answer) {
      EXPECT_EQ(answer->to.address, fixture.input.remote.address) << threat.id << " " << threat.what;
    }
    // A message that is refused leaves no state (P5).
    if (threat.status == 400 && threat.what != "length that does not come") {
      EXPECT_EQ(fixture.engine().counters().transactions_active.value(), 0u)
          << threat.id << " " << threat.what;
    }
  }
}

// P3, P13: whatever comes in, each line that goes out begins with a name we wrote.
TEST(SipThreats, NothingOfTheRequestBecomesALineOfTheAnswer) {
  EngineFixture fixture;
  const auto answer = fixture.receive(MessageBuilder("OPTIONS")
                                          .from("\"x\r\n Evil: 1\" <sip:a@b.test>;tag=1;p=\"\r\n Evil: 2\"")
                                          .to("a\r\n\tb <sip:c@d.test>")
                                          .build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->bytes.find("\r\nEvil"), std::string::npos);
  EXPECT_EQ(answer->bytes.find("\r\n "), std::string::npos);
  EXPECT_EQ(answer->bytes.find("\r\n\t"), std::string::npos);
}

// P9: the cap on one name comes before the caps on all.
TEST(SipThreats, FiftyAcceptsAreRefused) {
  EngineFixture fixture;
  MessageBuilder builder("OPTIONS");
  for (int i = 0; i < 50; ++i) builder.line("Accept: a/b");
  EXPECT_EQ(status_of(fixture.receive(builder.build())->bytes), 400);
}

// R6: a stranger's choice of branches can't be aimed at one chain without the key; a full chain answers on.
TEST(SipThreats, ManyBranchesAreAllAnswered) {
  EngineFixture fixture;
  fixture.settings.transactions_max = 256;
  for (int i = 0; i < 2000; ++i) {
    const auto answer = fixture.receive(MessageBuilder("OPTIONS")
                                            .call_id("branch-" + std::to_string(i))
                                            .via("SIP/2.0/UDP a.test;branch=z9hG4bK" + std::to_string(i))
                                            .build());
    ASSERT_TRUE(answer);
    EXPECT_EQ(status_of(answer->bytes), 200);
  }
  EXPECT_LE(fixture.engine().counters().transactions_active.value(), 256u);
}

// R7: work is linear. Bytes of the worst kinds, the longest that is read at all; the test ends at once.
TEST(SipThreats, LongestHostileHeadsAreReadInLinearTime) {
  EngineFixture fixture;
  for (const std::string_view piece :
       {",", ";", "\"", "\\\"", "<", "a,", ";a=b", "%41", "\r\n ", "SIP/2.0/UDP a,", "[:"}) {
    std::string value = "a";
    while (value.size() < 3900) value += piece;
    for (const std::string_view name :
         {"Via", "From", "Contact", "Call-ID", "CSeq", "Require", "Content-Type", "X-A"}) {
      for (int i = 0; i < 50; ++i) {
        (void)fixture.receive("OPTIONS sip:a@b.test SIP/2.0\r\n" + std::string(name) + ": " + value + "\r\n" +
                              std::string(name) + ": " + value + "\r\n" + std::string(name) + ": " + value +
                              "\r\n\r\n");
      }
    }
  }
  SUCCEED();
}

// A response larger than our buffer is not sent in part.
TEST(SipThreats, AnswerIsNeverCutShort) {
  EngineFixture fixture;
  MessageBuilder builder("OPTIONS");
  for (int i = 0; i < 60; ++i) builder.line("Via: SIP/2.0/UDP a.test;branch=z9hG4bK" + std::string(200, 'b'));
  const auto answer = fixture.receive(builder.build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->bytes.substr(answer->bytes.size() - 4), "\r\n\r\n");
}

}  // namespace
}  // namespace sallyport::sip
