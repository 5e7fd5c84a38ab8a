// call_dtmf_test.cpp — digits of a call between a side that has them in RTP and one that has them in INFO:
// RFC 4733, RFC 6086.
#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

using media::MediaCommand;
using media::MediaNotice;
using media::StreamSide;

constexpr std::string_view kRelayBody = "Signal=5\r\nDuration=250\r\n";

// The carrier has its digits in RTP, the PBX in INFO.
class CallDtmf : public MediaCall {
 protected:
  CallDtmf() {
    config.peers[1].profile.media.dtmf = DtmfMode::Info;
    std::string plain = desk;
    for (const std::string_view line :
         {" 101", "a=rtpmap:101 telephone-event/8000\r\n", "a=fmtp:101 0-15\r\n"})
      plain.erase(plain.find(line), line.size());
    desk_without = plain;
  }
  void talk_without() {
    ring();
    EXPECT_EQ(invite_out.body().find("telephone-event"), std::string::npos) << invite_out.body();
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk_without));
    ok_out = only(journal(), "200");
    EXPECT_NE(ok_out.body().find("telephone-event"), std::string::npos) << ok_out.body();
    EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  }
  std::string info(const SentMessage& dialog, std::string_view type, std::string_view body,
                   std::string_view extra = {}) {
    std::string text = in_dialog("INFO", cseq_++, dialog, extra, body);
    constexpr std::string_view kSdpType = "application/sdp";
    if (const std::size_t place = text.find(kSdpType); place != std::string::npos)
      text.replace(place, kSdpType.size(), type);
    return text;
  }
  std::vector<SentMessage> digit_of_pbx(std::string_view type, std::string_view body,
                                        std::string_view extra = {}) {
    return from_pbx(info(invite_out, type, body, extra));
  }
  // The relay has heard a digit of the carrier.
  std::vector<SentMessage> hear(std::uint8_t event, std::uint16_t ms = 100) {
    MediaNotice heard = notice(MediaNotice::Kind::Digit, StreamSide::Caller);
    heard.digit = {event, ms};
    return tell(heard);
  }
  std::vector<media::Digit> digits_ordered() const {
    std::vector<media::Digit> digits;
    for (const MediaCommand& order : orders)
      if (order.kind == MediaCommand::Kind::SendDigit) {
        EXPECT_EQ(order.digit_to, StreamSide::Caller);
        digits.push_back(order.digit);
      }
    return digits;
  }
  std::string desk_without;

 private:
  unsigned cseq_ = 2;
};

TEST_F(CallDtmf, AnInfoWithADigitIsAnsweredHereAndSentAsAnEvent) {
  talk_without();
  const auto sent = digit_of_pbx("application/dtmf-relay", kRelayBody);
  EXPECT_EQ(only(sent, "200").path.remote, pbx);
  EXPECT_FALSE(holds(sent, "INFO"));
  (void)digit_of_pbx("Application/DTMF", "#");
  EXPECT_EQ(digits_ordered(), (std::vector<media::Digit>{{5, 250}, {11, 160}}));
}

TEST_F(CallDtmf, AnInfoThatComesAgainIsNoSecondDigit) {
  talk_without();
  const std::string bytes = info(invite_out, "application/dtmf-relay", kRelayBody);
  EXPECT_TRUE(holds(from_pbx(bytes), "200"));
  EXPECT_TRUE(holds(from_pbx(bytes), "200"));
  EXPECT_EQ(digits_ordered().size(), 1u);
}

// Its answer found no room to be kept among those that are given at once, and was lost. RFC 3261 §17.2.2
TEST_F(CallDtmf, AnInfoThatComesAgainIsAnsweredAgainHoweverMuchIsAnsweredAtOnce) {
  settings.transactions_max = 24;
  talk_without();
  for (int i = 0; i < 40; ++i)
    (void)from_carrier(MessageBuilder("OPTIONS")
                           .uri("sip:198.18.1.1")
                           .call_id("ping" + std::to_string(i))
                           .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKping" + std::to_string(i))
                           .build());
  const std::string digit = info(invite_out, "application/dtmf-relay", kRelayBody);
  EXPECT_TRUE(holds(from_pbx(digit), "200"));
  EXPECT_TRUE(holds(from_pbx(digit), "200"));
  EXPECT_EQ(digits_ordered().size(), 1u);
}

TEST_F(CallDtmf, AnInfoThatNamesNoKeyOrTwoIsRefused) {
  talk_without();
  for (const std::string& body :
       {std::string("Signal=\r\n"), std::string("rubbish"), std::string("Signal=5\r\nSignal=6\r\n"),
        "Signal=5\r\n" + std::string(32768, 'A')})
    EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", body), "400")) << body.substr(0, 30);
  EXPECT_TRUE(digits_ordered().empty());
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody), "200"));
}

TEST_F(CallDtmf, OtherInfosPassAsBefore) {
  talk_without();
  EXPECT_TRUE(holds(digit_of_pbx("application/json", "{}"), "INFO"));
  EXPECT_TRUE(holds(digit_of_pbx("", ""), "INFO"));
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody, "Info-Package: dtmf\r\n"), "INFO"));
  EXPECT_TRUE(holds(from_carrier(info(ok_out, "application/dtmf-relay", kRelayBody)), "INFO"));
  EXPECT_TRUE(digits_ordered().empty());
}

TEST_F(CallDtmf, PassesADigitOnWhereTheOtherSideTakesNoEvents) {
  std::string plain = phone;
  for (const std::string_view line : {" 101", "a=rtpmap:101 telephone-event/8000\r\n", "a=fmtp:101 0-15\r\n"})
    plain.erase(plain.find(line), line.size());
  ring(invite().body("application/sdp", plain));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk_without));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  const SentMessage passed = only(digit_of_pbx("application/dtmf-relay", kRelayBody), "INFO");
  EXPECT_EQ(passed.body(), kRelayBody);
  EXPECT_EQ(passed.path.remote, carrier);
}

TEST_F(CallDtmf, PassesADigitOnBetweenTwoSidesWithInfo) {
  config.peers[0].profile.media.dtmf = DtmfMode::Info;
  ring();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk_without));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody), "INFO"));
  EXPECT_TRUE(holds(from_carrier(info(ok_out, "application/dtmf-relay", kRelayBody)), "INFO"));
}

TEST_F(CallDtmf, TakesADigitForASideWhoseMethodsLeaveInfoOut) {
  config.peers[0].profile.methods = {"INVITE", "ACK", "CANCEL", "BYE"};
  talk_without();
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody), "200"));
  EXPECT_TRUE(holds(digit_of_pbx("application/json", "{}"), "405"));
}

TEST_F(CallDtmf, TakesNoMoreDigitsThanCanBeSentInTime) {
  talk_without();
  unsigned taken = 0, refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto sent = digit_of_pbx("application/dtmf-relay", "Signal=1\r\nDuration=40\r\n");
    taken += holds(sent, "200") ? 1 : 0;
    refused += holds(sent, "500") ? 1 : 0;
  }
  EXPECT_EQ(taken, 29u);
  EXPECT_EQ(refused, 71u);
  EXPECT_EQ(digits_ordered().size(), taken);
  (void)wait(2s);
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody), "200"));
  EXPECT_EQ(relay.open().size(), 1u);
}

TEST_F(CallDtmf, ADigitThatTheRelayHeardBecomesAnInfo) {
  talk_without();
  const SentMessage info = only(hear(10, 180), "INFO");
  EXPECT_EQ(info.path.remote, pbx);
  EXPECT_EQ(info.header("Content-Type"), "application/dtmf-relay");
  EXPECT_EQ(info.body(), "Signal=*\r\nDuration=180\r\n");
  EXPECT_EQ(info.header("CSeq"), "2 INFO");
  EXPECT_TRUE(from_pbx(answer(info, 200, "pbxtag")).empty());
  EXPECT_EQ(only(hear(3), "INFO").header("CSeq"), "3 INFO");
}

TEST_F(CallDtmf, DigitsAreToldOneAfterTheOther) {
  talk_without();
  SentMessage info = only(hear(0), "INFO");
  for (std::uint8_t event = 1; event <= 16; ++event) EXPECT_TRUE(hear(event).empty());
  for (std::uint8_t event = 1; event <= 16; ++event) {
    info = only(from_pbx(answer(info, event % 2 == 0 ? 200 : 415, "pbxtag")), "INFO");
    EXPECT_EQ(info.body().substr(0, 8), std::string("Signal=") + "0123456789*#ABCD!"[event]);
  }
  EXPECT_TRUE(from_pbx(answer(info, 200, "pbxtag")).empty());
}

TEST_F(CallDtmf, DigitsThatNobodyAnswersForAreBounded) {
  talk_without();
  const SentMessage first = only(hear(0), "INFO");
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(hear(1).empty());
  SentMessage info = first;
  unsigned told = 0;
  for (;;) {
    const auto sent = from_pbx(answer(info, 200, "pbxtag"));
    if (sent.empty()) break;
    info = only(sent, "INFO");
    ++told;
  }
  EXPECT_EQ(told, 32u);
}

TEST_F(CallDtmf, ASilentSideLosesItsDigitAndGetsTheNext) {
  talk_without();
  (void)only(hear(1), "INFO");
  EXPECT_TRUE(hear(2).empty());
  const SentMessage next = only(wait(33s), "INFO");
  EXPECT_EQ(calls(), 1u);
  (void)next;
}

// RFC 5057 §5.1
TEST_F(CallDtmf, ASideThatKnowsNothingOfTheDialogHasLostTheCall) {
  talk_without();
  const SentMessage info = only(hear(1), "INFO");
  EXPECT_TRUE(holds(from_pbx(answer(info, 481, "pbxtag")), "BYE"));
}

TEST_F(CallDtmf, NothingIsToldToASideThatHasNoInfo) {
  talk_without();
  MediaNotice heard = notice(MediaNotice::Kind::Digit, StreamSide::Callee);
  heard.digit = {1, 100};
  EXPECT_TRUE(tell(heard).empty());
  heard.side = StreamSide::Caller;
  heard.digit = {17, 100};
  EXPECT_TRUE(tell(heard).empty());
  heard.key.stream = 99;
  heard.digit = {1, 100};
  EXPECT_TRUE(tell(heard).empty());
}

TEST_F(CallDtmf, DigitsGoToAnEarlyDialogOfTheCallee) {
  ring();
  (void)from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, desk_without));
  EXPECT_EQ(only(hear(4), "INFO").body(), "Signal=4\r\nDuration=100\r\n");
}

TEST_F(CallDtmf, WaitingDigitsLiveThroughARestart) {
  talk_without();
  const SentMessage info = only(hear(1), "INFO");
  EXPECT_TRUE(hear(2).empty());
  restart();
  EXPECT_EQ(only(from_pbx(answer(info, 200, "pbxtag")), "INFO").body(), "Signal=2\r\nDuration=100\r\n");
  EXPECT_TRUE(holds(digit_of_pbx("application/dtmf-relay", kRelayBody), "200"));
  EXPECT_EQ(digits_ordered().size(), 1u);
}

TEST_F(CallDtmf, AllIsGivenBackWhenTheCallEndsWithDigitsOnTheirWay) {
  talk_without();
  const SentMessage info = only(hear(1), "INFO");
  (void)hear(2);
  (void)digit_of_pbx("application/dtmf-relay", kRelayBody);
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 20, ok_out)), "BYE");
  EXPECT_FALSE(holds(from_pbx(answer(info, 200, "pbxtag")), "INFO"));
  (void)from_pbx(answer(bye, 200, "pbxtag"));
  expect_all_given_back();
}

}  // namespace
}  // namespace sallyport::tests
