// call_replaces_test.cpp — a new caller takes the place of somebody who talks: RFC 3891; and whom a REFER
// that goes through tells to do so: RFC 5589; threats D5.
#include <gtest/gtest.h>

#include "tests/support/media_call.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::MediaCall;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;
using tests::shown_in;
using tests::voice;

constexpr std::string_view kCarrierContact = "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n";
constexpr std::string_view kNewContact = "<sip:carol-contact@198.18.2.3:5060>";
constexpr std::string_view kLastNotify =
    "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n";

std::string tag_in(const std::string& address) { return address.substr(address.find(";tag=") + 5); }

// The carrier's caller talks to a desk; another desk of the PBX picks the call up.
class CallReplacesTest : public MediaCall {
 protected:
  // The dialog with the desk, as the desk has it.
  [[nodiscard]] std::string of_desk(std::string_view extra = {}) const {
    return "Replaces: " + invite_out.header("Call-ID") + ";to-tag=" + tag_in(invite_out.header("From")) +
           ";from-tag=pbxtag" + std::string(extra);
  }
  // The dialog with the caller, as the caller has it.
  [[nodiscard]] std::string of_caller() const {
    return "Replaces: " + ok_out.header("Call-ID") + ";to-tag=" + tag_in(ok_out.header("To")) +
           ";from-tag=callertag";
  }
  [[nodiscard]] static MessageBuilder pickup(std::string_view replaces, unsigned number = 1) {
    return MessageBuilder("INVITE")
        .uri("sip:desk@198.18.2.1")
        .via("SIP/2.0/UDP 198.18.2.3:5060;branch=z9hG4bKpickup" + std::to_string(number) + ";rport")
        .from("<sip:carol@198.18.2.3>;tag=caroltag")
        .to("<sip:desk@198.18.2.1>")
        .call_id("pickup" + std::to_string(number) + "@198.18.2.3")
        .contact(kNewContact)
        .line(replaces);
  }
  [[nodiscard]] MessageBuilder with_voice(std::string_view replaces, unsigned number = 1) const {
    return pickup(replaces, number).body("application/sdp", other_desk);
  }
  std::vector<SentMessage> from_new(std::string_view bytes) { return from(second_pbx, bytes); }
  // The ACK, and whatever else the new one says in its dialog.
  [[nodiscard]] std::string of_new(std::string_view method, unsigned cseq, const SentMessage& ok,
                                   std::string_view body = {}) {
    caller_host = "198.18.2.3";
    std::string text = in_dialog(method, cseq, ok, {}, body);
    caller_host = "198.18.1.2";
    return text;
  }
  // INVITE of the new one; the caller hears of its media and agrees; the new one is there.
  std::vector<SentMessage> pick_up() {
    const auto sent = from_new(with_voice(of_desk()).build());
    EXPECT_TRUE(holds(sent, "100"));
    EXPECT_FALSE(holds(sent, "BYE"));
    const SentMessage offer = only(sent, "INVITE");
    EXPECT_EQ(offer.header("Call-ID"), ok_out.header("Call-ID"));
    EXPECT_EQ(offer.bytes.find("198.18.2.3"), std::string::npos);
    const auto joined = from_carrier(answer(offer, 200, "", kCarrierContact, phone));
    new_ok = only(joined, "200");
    EXPECT_EQ(new_ok.path.remote, second_pbx);
    EXPECT_NE(shown_in(new_ok.body()).port, 0);
    EXPECT_FALSE(holds(joined, "ACK"));
    const SentMessage bye = only(joined, "BYE");
    EXPECT_EQ(bye.header("Call-ID"), invite_out.header("Call-ID"));
    (void)from_pbx(answer(bye, 200, ""));
    const SentMessage ack = only(from_new(of_new("ACK", 1, new_ok)), "ACK");
    EXPECT_EQ(ack.header("Call-ID"), ok_out.header("Call-ID"));
    return joined;
  }
  SentMessage new_ok;
};

TEST_F(CallReplacesTest, NewCallerTakesThePlaceOfTheOneItNames) {
  talk();
  pick_up();
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{second_pbx.address, 31000}));
  EXPECT_TRUE(records(CallRecordType::End).empty());
  const SentMessage info = only(from_new(of_new("INFO", 2, new_ok)), "INFO");
  EXPECT_EQ(info.header("Call-ID"), ok_out.header("Call-ID"));
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 9, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), "pickup1@198.18.2.3");
  (void)from_carrier(answer(info, 200, ""));
  (void)from_new(answer(bye, 200, ""));
  expect_all_given_back();
  const CallRecord record = end_record();
  ASSERT_EQ(record.transfers.size(), 1u);
  EXPECT_EQ(record.transfers[0].by, EndedBy::Callee);
  EXPECT_EQ(record.transfers[0].to, "carol");
  EXPECT_EQ(record.transfers[0].code, 200);
}

TEST_F(CallReplacesTest, GoesThroughARestartAtEveryStep) {
  talk();
  restarts_after_each_step = true;
  pick_up();
  const SentMessage bye = only(from_new(of_new("BYE", 2, new_ok)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), ok_out.header("Call-ID"));
  (void)from_carrier(answer(bye, 200, ""));
  (void)journal();
  (void)wait(6min);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(ports_taken(), 0u);
}

TEST_F(CallReplacesTest, NewCallerWithoutAnOfferHearsTheOneThatRemains) {
  talk();
  const SentMessage asked = only(from_new(pickup(of_desk()).build()), "INVITE");
  EXPECT_TRUE(asked.body().empty());
  const auto joined = from_carrier(answer(asked, 200, "", kCarrierContact, phone));
  new_ok = only(joined, "200");
  EXPECT_NE(shown_in(new_ok.body()).port, 0);
  const SentMessage ack = only(from_new(of_new("ACK", 1, new_ok, other_desk)), "ACK");
  EXPECT_EQ(ack.header("Call-ID"), ok_out.header("Call-ID"));
  EXPECT_NE(shown_in(ack.body()).port, 0);
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{second_pbx.address, 31000}));
  (void)from_pbx(answer(only(joined, "BYE"), 200, ""));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// RFC 3891 §3: what can't be done leaves the dialog as it was.
TEST_F(CallReplacesTest, RefusalOfTheOneThatRemainsLeavesTheCallAsItWas) {
  talk();
  const std::string invite = with_voice(of_desk()).build();
  const SentMessage offer = only(from_new(invite), "INVITE");
  const auto sent = from_carrier(answer(offer, 488, ""));
  const SentMessage refused = only(sent, "488");
  EXPECT_EQ(refused.path.remote, second_pbx);
  EXPECT_FALSE(holds(sent, "BYE"));
  (void)from_new(ack_of(invite, refused));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out)), "INFO"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 3, invite_out)), "BYE"));
  expect_all_given_back();
  EXPECT_EQ(end_record().transfers[0].code, 488);
}

TEST_F(CallReplacesTest, NewCallerMayChangeItsMind) {
  talk();
  const std::string invite = with_voice(of_desk()).build();
  const SentMessage offer = only(from_new(invite), "INVITE");
  (void)from_carrier(answer(offer, 100, ""));
  const auto sent = from_new(cancel_of(invite));
  EXPECT_TRUE(holds(sent, "200"));
  const SentMessage refused = only(sent, "487");
  (void)from_new(ack_of(invite, refused));
  const SentMessage cancel = only(sent, "CANCEL");
  (void)from_carrier(answer(cancel, 200, ""));
  (void)from_carrier(answer(offer, 487, ""));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out)), "INFO"));
  (void)from_pbx(in_dialog("BYE", 3, invite_out));
  expect_all_given_back();
}

// RFC 3261 §9.1: a CANCEL need not repeat Replaces, and so goes to the engine of its Call-ID.
class CallReplacesAcrossEnginesTest : public CallReplacesTest {
 protected:
  CallReplacesAcrossEnginesTest() { engines = 4; }
  [[nodiscard]] std::size_t engine_of_call(const std::string& call_id) const {
    return shard_of_call_id(settings.token_key, call_id) % engines;
  }
  // Of a new one whose Call-ID belongs to another engine than the call.
  std::string invite_from_afar() {
    unsigned number = 1;
    while (engine_of_call("pickup" + std::to_string(number) + "@198.18.2.3") ==
           engine_of_call("near-call-id@198.18.1.2"))
      ++number;
    return with_voice(of_desk(), number).build();
  }
  [[nodiscard]] static std::string bare_cancel_of(const std::string& invite) {
    std::string cancel = cancel_of(invite);
    const std::size_t at = cancel.find("\r\nReplaces:");
    return cancel.erase(at, cancel.find("\r\n", at + 2) - at);
  }
};

TEST_F(CallReplacesAcrossEnginesTest, NewCallerMayChangeItsMind) {
  talk();
  const std::string invite = invite_from_afar();
  const SentMessage offer = only(from_new(invite), "INVITE");
  (void)from_carrier(answer(offer, 100, ""));
  const std::string cancel = bare_cancel_of(invite);
  const auto sent = from_new(cancel);
  EXPECT_EQ(only(sent, "200").header("CSeq"), "1 CANCEL");
  (void)from_new(ack_of(invite, only(sent, "487")));
  EXPECT_EQ(only(from_new(cancel), "200").bytes, only(sent, "200").bytes) << "again";
  (void)from_carrier(answer(only(sent, "CANCEL"), 200, ""));
  (void)from_carrier(answer(offer, 487, ""));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out)), "INFO"));
  (void)from_pbx(in_dialog("BYE", 3, invite_out));
  expect_all_given_back();
}

TEST_F(CallReplacesAcrossEnginesTest, ACancelOfWhatNobodyHasGets481) {
  talk();
  const std::string invite = invite_from_afar();
  EXPECT_TRUE(holds(from_new(bare_cancel_of(invite)), "481"));
  const SentMessage offer = only(from_new(invite), "INVITE");
  std::string other = bare_cancel_of(invite);
  other.replace(other.find("branch=z9hG4bK"), 14, "branch=z9hG4bKx");
  EXPECT_TRUE(holds(from_new(other), "481")) << "its Call-ID and tag, and another transaction";
  (void)from_carrier(answer(offer, 488, ""));
}

TEST_F(CallReplacesTest, EndsWhenTheOneThatRemainsHangsUp) {
  talk();
  const std::string invite = with_voice(of_desk()).build();
  (void)from_new(invite);
  const auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_TRUE(holds(sent, "BYE"));
  (void)from_new(ack_of(invite, only(sent, "480")));
  expect_all_given_back();
}

TEST_F(CallReplacesTest, GoesOnWhenTheReplacedOneHangsUpBefore) {
  talk();
  const SentMessage offer = only(from_new(with_voice(of_desk()).build()), "INVITE");
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 2, invite_out)), "200"));
  const auto joined = from_carrier(answer(offer, 200, "", kCarrierContact, phone));
  EXPECT_FALSE(holds(joined, "BYE"));
  EXPECT_TRUE(holds(from_new(of_new("ACK", 1, only(joined, "200"))), "ACK"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// Its answer found no room to be kept among those that are given at once, and was lost: it got 500. RFC 3261
// §17.2.2
TEST_F(CallReplacesTest, ByeOfTheReplacedOneThatComesAgainIsAnsweredAgain) {
  settings.transactions_max = 24;
  talk();
  (void)from_new(with_voice(of_desk()).build());
  for (int i = 0; i < 40; ++i)
    (void)from_pbx(MessageBuilder("OPTIONS")
                       .uri("sip:198.18.2.1")
                       .call_id("ping" + std::to_string(i))
                       .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bKping" + std::to_string(i))
                       .build());
  const std::string bye = in_dialog("BYE", 2, invite_out);
  EXPECT_TRUE(holds(from_pbx(bye), "200"));
  EXPECT_TRUE(holds(from_pbx(bye), "200"));
}

// RFC 3891 §3
TEST_F(CallReplacesTest, WhatNamesNoDialogIsRefused) {
  talk();
  EXPECT_TRUE(holds(from_new(with_voice("Replaces: x;to-tag=1;from-tag=2").build()), "481"));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk("x"), 2).build()), "481"));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk(";early-only"), 3).build()), "486"));
  EXPECT_TRUE(holds(from_new(with_voice("Replaces: junk", 4).build()), "400"));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk(), 5).line(of_desk()).build()), "400"));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk(), 6).line("Join: a;to-tag=1;from-tag=2").build()), "400"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out, of_desk() + "\r\n")), "400"));
  EXPECT_EQ(calls(), 1u);
  // What has just ended.
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk(), 7).build()), "603"));
}

// A call that rings is picked up elsewhere. RFC 3891 §3
TEST_F(CallReplacesTest, NewCallerPicksUpACallThatRings) {
  (void)ring();
  (void)from_pbx(answer(invite_out, 180, "pbxtag", tests::kDeskContact));
  const auto sent = from_new(with_voice(of_desk(";early-only")).build());
  new_ok = only(sent, "200");
  EXPECT_EQ(new_ok.path.remote, second_pbx);
  EXPECT_NE(shown_in(new_ok.body()).port, 0);
  const SentMessage cancel = only(sent, "CANCEL");
  EXPECT_EQ(cancel.path.remote, pbx);
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.path.remote, carrier);
  EXPECT_NE(shown_in(ok_out.body()).port, 0);
  EXPECT_FALSE(holds(from_new(of_new("ACK", 1, new_ok)), "ACK"));
  EXPECT_FALSE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  (void)from_pbx(answer(cancel, 200, ""));
  EXPECT_TRUE(holds(from_pbx(answer(invite_out, 487, "pbxtag")), "ACK"));
  EXPECT_TRUE(wait(20s).empty());
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{second_pbx.address, 31000}));
  restart();
  const SentMessage info = only(from_new(of_new("INFO", 2, new_ok)), "INFO");
  EXPECT_EQ(info.path.remote, carrier);
  (void)from_carrier(answer(info, 200, ""));
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), "pickup1@198.18.2.3");
  (void)from_new(answer(bye, 200, ""));
  expect_all_given_back();
  const CallRecord record = end_record();
  EXPECT_EQ(record.result, CallResult::Answered);
  ASSERT_EQ(record.transfers.size(), 1u);
  EXPECT_EQ(record.transfers[0].code, 200);
}

TEST_F(CallReplacesTest, PickupGoesThroughARestartAtEveryStep) {
  (void)ring();
  restarts_after_each_step = true;
  (void)from_pbx(answer(invite_out, 180, "pbxtag", tests::kDeskContact));
  const auto sent = from_new(with_voice(of_desk()).build());
  new_ok = only(sent, "200");
  const SentMessage cancel = only(sent, "CANCEL");
  ok_out = only(wait(1s), "200");
  (void)from_new(of_new("ACK", 1, new_ok));
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  (void)from_pbx(answer(cancel, 200, ""));
  (void)from_pbx(answer(invite_out, 487, "pbxtag"));
  const SentMessage bye = only(from_new(of_new("BYE", 2, new_ok)), "BYE");
  EXPECT_EQ(bye.path.remote, carrier);
  (void)from_carrier(answer(bye, 200, ""));
  (void)wait(6min);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(ports_taken(), 0u);
}

TEST_F(CallReplacesTest, WhatCannotBePickedUpRingsOn) {
  config.realms[0].trust = RealmTrust::Trusted;
  (void)ring();
  (void)from_pbx(answer(invite_out, 180, "pbxtag", tests::kDeskContact));
  // Nobody can take the place of who calls us before we have answered. RFC 3891 §3
  const SentMessage rings = only(from_pbx(answer(invite_out, 180, "pbxtag", tests::kDeskContact)), "180");
  const std::string of_caller_early = "Replaces: " + rings.header("Call-ID") +
                                      ";to-tag=" + tag_in(rings.header("To")) + ";from-tag=callertag";
  EXPECT_TRUE(holds(from_new(with_voice(of_caller_early).build()), "481"));
  EXPECT_TRUE(holds(from_new(pickup(of_desk(), 2).build()), "488"));
  std::string fax = other_desk;
  fax.replace(fax.find("RTP/AVP 8 101"), 13, "RTP/AVP 3 101");
  fax.replace(fax.find("8 PCMA"), 6, "3 GSM4");
  EXPECT_TRUE(holds(from_new(pickup(of_desk(), 3).body("application/sdp", fax).build()), "488"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", tests::kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  (void)stream();
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// Threats D5
TEST_F(CallReplacesTest, NobodyOfAnotherTrustDomainTakesAPlace) {
  talk();
  const std::string stolen = MessageBuilder("INVITE")
                                 .uri("sip:+15551234567@198.18.1.1")
                                 .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKthief;rport")
                                 .from("<sip:thief@198.18.1.2>;tag=thieftag")
                                 .to("<sip:+15551234567@198.18.1.1>")
                                 .call_id("thief@198.18.1.2")
                                 .contact("<sip:thief@198.18.1.2:5060>")
                                 .line(of_desk())
                                 .body("application/sdp", phone)
                                 .build();
  EXPECT_TRUE(holds(from_carrier(stolen), "403"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
  EXPECT_EQ(end_record().detections, std::vector<std::string>{"forged_request"});
}

TEST_F(CallReplacesTest, CallerOfTheSamePeerTakesThePlaceOfTheCaller) {
  config.realms[1].trust = RealmTrust::Untrusted;
  talk();
  const std::string moved = MessageBuilder("INVITE")
                                .uri("sip:+15551234567@198.18.1.1")
                                .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKmoved;rport")
                                .from("<sip:alice-near@198.18.1.2>;tag=movedtag")
                                .to("<sip:+15551234567@198.18.1.1>")
                                .call_id("moved@198.18.1.2")
                                .contact("<sip:alice-moved@198.18.1.2:5060>")
                                .line(of_caller())
                                .body("application/sdp", voice("198.18.1.2", 44000))
                                .build();
  const SentMessage offer = only(from_carrier(moved), "INVITE");
  EXPECT_EQ(offer.header("Call-ID"), invite_out.header("Call-ID"));
  const auto joined = from_pbx(answer(offer, 200, "", tests::kDeskContact, desk));
  EXPECT_EQ(only(joined, "BYE").header("Call-ID"), ok_out.header("Call-ID"));
  const SentMessage ok = only(joined, "200");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok)), "ACK"));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{carrier.address, 44000}));
  (void)from_carrier(answer(only(joined, "BYE"), 200, ""));
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 2, invite_out)), "BYE"));
  expect_all_given_back();
}

TEST_F(CallReplacesTest, ProfileThatRefusesTransfersKnowsNothingOfIt) {
  config.peers[1].profile.refer = ReferMode::Refuse;
  talk();
  EXPECT_EQ(invite_out.header("Supported").find("replaces"), std::string::npos);
  EXPECT_TRUE(holds(from_new(with_voice(of_desk()).build()), "403"));
  EXPECT_TRUE(holds(from_new(with_voice(of_desk(), 2).line("Require: replaces").build()), "420"));
}

TEST_F(CallReplacesTest, IsAnExtensionThatWeHave) {
  talk();
  EXPECT_NE(invite_out.header("Supported").find("replaces"), std::string::npos);
  EXPECT_TRUE(holds(from_new(with_voice(of_desk()).line("Require: replaces").build()), "INVITE"));
}

// Whatever its Call-ID is, the INVITE comes to the engine that has the dialog, and so does the ACK of a
// failure.
TEST_F(CallReplacesTest, FindsTheDialogInWhicheverEngineItIs) {
  engines = 4;
  talk();
  for (unsigned number = 2; number < 8; ++number) {
    const std::string invite = with_voice(of_desk(";early-only"), number).build();
    (void)from_new(ack_of(invite, only(from_new(invite), "486")));
    EXPECT_TRUE(wait(5s).empty());
    const std::string second = with_voice(of_desk(), 100 + number).build();
    const auto sent = from_carrier(answer(only(from_new(second), "INVITE"), 488, ""));
    (void)from_new(ack_of(second, only(sent, "488")));
    EXPECT_TRUE(wait(5s).empty());
  }
  deals_anew = true;
  restarts_after_each_step = true;
  pick_up();
  const SentMessage info = only(from_new(of_new("INFO", 2, new_ok)), "INFO");
  EXPECT_TRUE(holds(from_carrier(answer(info, 200, "")), "200"));
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", 9, ok_out)), "BYE").header("Call-ID"), "pickup1@198.18.2.3");
}

// What a REFER began stays with who asked: in its place another one knows nothing of it, and the call goes
// on; it had been ended. RFC 6665 §4.1.3, RFC 5057 §5.1
TEST_F(CallReplacesTest, NewOneHearsNothingOfWhatItHasNotAskedFor) {
  config.peers[1].profile.refer = ReferMode::Pass;
  talk();
  const SentMessage passed = only(
      from_pbx(in_dialog("REFER", 2, invite_out, "Refer-To: <sip:+15550001111@198.18.2.1>\r\n")), "REFER");
  (void)from_carrier(answer(passed, 202, "", kCarrierContact));
  EXPECT_FALSE(holds(pick_up(), "NOTIFY"));
  const auto sent = from_carrier(in_dialog("NOTIFY", 5, ok_out, kLastNotify));
  EXPECT_TRUE(holds(sent, "481"));
  EXPECT_FALSE(holds(sent, "NOTIFY"));
  EXPECT_FALSE(holds(sent, "BYE"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 6, ok_out)), "INFO"));
}

// The caller has asked the desk, by a REFER that went through; a new one takes the desk's place.
class CallReplacesBearerTest : public CallReplacesTest {
 protected:
  CallReplacesBearerTest() { config.peers[0].profile.refer = ReferMode::Pass; }
  SentMessage ask(unsigned cseq = 2) {
    return only(from_carrier(in_dialog("REFER", cseq, ok_out, "Refer-To: <sip:+15550001111@198.18.1.1>\r\n")),
                "REFER");
  }
  void expect_the_last_of_it(const std::vector<SentMessage>& sent) {
    const SentMessage last = only(sent, "NOTIFY");
    EXPECT_EQ(last.path.remote, carrier);
    EXPECT_EQ(last.header("Call-ID"), ok_out.header("Call-ID"));
    EXPECT_EQ(last.header("Event"), "refer");
    EXPECT_EQ(last.header("Subscription-State"), "terminated;reason=noresource");
    EXPECT_EQ(last.header("Content-Type"), "message/sipfrag;version=2.0");
    EXPECT_EQ(last.body(), "SIP/2.0 487 Request Terminated\r\n");
    EXPECT_TRUE(from_carrier(answer(last, 200, "")).empty());
  }
};

// Nobody told what became of it, until its time was over. RFC 3515 §2.4.4, §2.4.7
TEST_F(CallReplacesBearerTest, WhoeverAskedHearsTheLastOfIt) {
  talk();
  (void)from_pbx(answer(ask(), 202, "", tests::kDeskContact));
  const SentMessage trying =
      only(from_pbx(in_dialog("NOTIFY", 2, invite_out,
                              "Event: refer\r\nSubscription-State: active;expires=60\r\n")),
           "NOTIFY");
  (void)from_carrier(answer(trying, 200, ""));
  expect_the_last_of_it(pick_up());
  EXPECT_TRUE(wait(40s).empty());
  EXPECT_TRUE(holds(from_pbx(in_dialog("NOTIFY", 3, invite_out, kLastNotify)), "481")) << "it has left";
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 3, ok_out)), "INFO")) << "the call goes on";
}

TEST_F(CallReplacesBearerTest, WhoeverAskedHearsTheLastOfItThroughRestarts) {
  talk();
  restarts_after_each_step = true;
  (void)from_pbx(answer(ask(), 202, "", tests::kDeskContact));
  expect_the_last_of_it(pick_up());
}

TEST_F(CallReplacesBearerTest, WhoeverHasHeardTheLastOfItHearsNoMore) {
  talk();
  (void)from_pbx(answer(ask(), 202, "", tests::kDeskContact));
  const SentMessage last = only(from_pbx(in_dialog("NOTIFY", 2, invite_out, kLastNotify)), "NOTIFY");
  (void)from_carrier(answer(last, 200, ""));
  EXPECT_TRUE(holds(from_pbx(in_dialog("NOTIFY", 3, invite_out, kLastNotify)), "481"));
  EXPECT_FALSE(holds(pick_up(), "NOTIFY"));
}

// One of two is refused: of the other one the last is still to come.
TEST_F(CallReplacesBearerTest, ARefusedReferHasNoResult) {
  talk();
  (void)from_pbx(answer(ask(), 603, ""));
  EXPECT_TRUE(holds(from_pbx(in_dialog("NOTIFY", 2, invite_out, kLastNotify)), "481"));
  (void)from_pbx(answer(ask(3), 202, "", tests::kDeskContact, {}));
  (void)from_pbx(answer(ask(4), 603, ""));
  expect_the_last_of_it(pick_up());
}

// RFC 4488 §4
TEST_F(CallReplacesBearerTest, WhoeverWantedNoResultHearsNone) {
  talk();
  (void)from_pbx(answer(ask(), 202, "", std::string(tests::kDeskContact) + "Refer-Sub: false\r\n"));
  EXPECT_FALSE(holds(pick_up(), "NOTIFY"));
}

// Its answer is all that comes of it. RFC 3261 §15.1.2
TEST_F(CallReplacesBearerTest, AReferWithoutAnswerGetsOneAndNoNotify) {
  talk();
  (void)ask();
  const auto joined = pick_up();
  EXPECT_EQ(only(joined, "487").header("CSeq"), "2 REFER");
  EXPECT_FALSE(holds(joined, "NOTIFY"));
}

// The other side of a passed REFER has no dialog by the names that the REFER came with; those that it is told
// are good here, and hide whose they were. RFC 5589 §7
TEST_F(CallReplacesTest, PassedReferTellsNamesThatOnlyWeKnow) {
  config.peers[1].profile.refer = ReferMode::Pass;
  config.realms[1].trust = RealmTrust::Untrusted;
  talk();
  const SentMessage first_out = invite_out, first_ok = ok_out;
  const std::string tag = tag_in(invite_out.header("From"));
  const SentMessage passed = only(
      from_pbx(in_dialog("REFER", 2, invite_out,
                         "Refer-To: <sip:+442071234567@198.18.2.1?Replaces=" + invite_out.header("Call-ID") +
                             "%3Bto-tag%3D" + tag + "%3Bfrom-tag%3Dpbxtag>\r\n")),
      "REFER");
  const std::string refer_to = passed.header("Refer-To");
  EXPECT_EQ(refer_to.find("pbxtag"), std::string::npos);
  EXPECT_EQ(refer_to.find(tag), std::string::npos);
  std::string told = refer_to.substr(refer_to.find("?Replaces=") + 10);
  told.pop_back();
  for (std::size_t at = told.find("%3B"); at != std::string::npos; at = told.find("%3B"))
    told.replace(at, 3, ";");
  for (std::size_t at = told.find("%3D"); at != std::string::npos; at = told.find("%3D"))
    told.replace(at, 3, "=");
  const std::string invite = MessageBuilder("INVITE")
                                 .uri("sip:+442071234567@198.18.1.1")
                                 .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKtold;rport")
                                 .from("<sip:alice-near@198.18.1.2>;tag=toldtag")
                                 .to("<sip:+442071234567@198.18.1.1>")
                                 .call_id("told@198.18.1.2")
                                 .contact("<sip:alice-contact@198.18.1.2:5060>")
                                 .line("Replaces: " + told)
                                 .body("application/sdp", phone)
                                 .build();
  const SentMessage offer = only(from_carrier(invite), "INVITE");
  EXPECT_EQ(offer.header("Call-ID"), first_ok.header("Call-ID"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("REFER", 3, first_out,
                                       "Refer-To: <sip:a@b.c?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n")),
                    "481"));
}

}  // namespace
}  // namespace sallyport::sip
