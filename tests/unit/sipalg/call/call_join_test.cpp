// call_join_test.cpp — attended transfer: two calls of one side become one of the other two. RFC 3891, RFC
// 5589 §7; and REFER that goes through to the other side. RFC 3515; threats D5.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "sipalg/call/given_leg.h"
#include "sipalg/call/transfer.h"
#include "tests/support/media_call.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::kDeskContact;
using tests::MediaCall;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;
using tests::shown_in;
using tests::voice;

constexpr std::string_view kCarrierContact = "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '@')
      out += "%40";
    else
      out += c;
  return out;
}

std::string tag_in(const std::string& address) { return address.substr(address.find(";tag=") + 5); }

// The carrier's caller talks to a desk of the PBX, which calls a second number of the carrier.
class CallJoinTest : public MediaCall {
 protected:
  void consult() {
    const std::string invite = MessageBuilder("INVITE")
                                   .uri("sip:+442071234567@198.18.2.1")
                                   .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bKconsult;rport")
                                   .from("<sip:desk@198.18.2.2>;tag=desktag")
                                   .to("<sip:+442071234567@198.18.2.1>")
                                   .call_id(consult_id)
                                   .contact("<sip:desk-contact@198.18.2.2:5060>")
                                   .body("application/sdp", voice("198.18.2.2", 30010))
                                   .build();
    consult_out = only(from_pbx(invite), "INVITE");
    (void)from_carrier(
        answer(consult_out, 200, "bobtag", "Contact: <sip:bob-contact@198.18.1.2:5060>\r\n", bob));
    consult_ok = only(journal(), "200");
    caller_host = "198.18.2.2";
    EXPECT_TRUE(holds(from_pbx(in_dialog("ACK", 1, consult_ok)), "ACK"));
    caller_host = "198.18.1.2";
  }
  std::string replaces(std::string_view extra = {}) const {
    return "Refer-To: <sip:+442071234567@198.18.2.1?Replaces=" + escaped(consult_ok.header("Call-ID")) +
           "%3Bto-tag%3D" + tag_in(consult_ok.header("To")) + "%3Bfrom-tag%3D" +
           tag_in(consult_ok.header("From")) + std::string(extra) + ">\r\n";
  }
  std::vector<SentMessage> refer(const std::string& line, unsigned cseq = 1) {
    return from_pbx(in_dialog("REFER", cseq, invite_out, line));
  }
  // REFER, and the new target hears of the caller's media.
  SentMessage ask() {
    const auto sent = refer(replaces());
    EXPECT_TRUE(holds(sent, "202"));
    EXPECT_TRUE(holds(sent, "NOTIFY"));
    consult_bye = only(sent, "BYE");
    EXPECT_EQ(consult_bye.header("Call-ID"), consult_id);
    const SentMessage offer = only(sent, "INVITE");
    EXPECT_EQ(offer.header("Call-ID"), consult_out.header("Call-ID"));
    EXPECT_NE(shown_in(offer.body()).port, 0);
    (void)from_pbx(answer(only(sent, "NOTIFY"), 200, ""));
    (void)from_pbx(answer(consult_bye, 200, ""));
    return offer;
  }
  const std::string bob = voice("198.18.1.2", 42000);
  std::string consult_id = "consult@198.18.2.2";
  SentMessage consult_out, consult_ok, consult_bye;
};

TEST_F(CallJoinTest, AttendedTransferJoinsTheOtherTwo) {
  talk();
  consult();
  EXPECT_EQ(calls(), 2u);
  const SentMessage to_target = ask();
  const auto answered =
      from_carrier(answer(to_target, 200, "", "Contact: <sip:bob-contact@198.18.1.2:5060>\r\n", bob));
  EXPECT_TRUE(holds(answered, "ACK"));
  const SentMessage to_caller = only(answered, "INVITE");
  EXPECT_EQ(to_caller.header("Call-ID"), ok_out.header("Call-ID"));
  const auto joined = from_carrier(answer(to_caller, 200, "", kCarrierContact, phone));
  EXPECT_EQ(only(joined, "NOTIFY").body(), "SIP/2.0 200 OK\r\n");
  EXPECT_EQ(only(joined, "BYE").header("Call-ID"), invite_out.header("Call-ID"));
  (void)from_pbx(answer(only(joined, "NOTIFY"), 200, ""));
  (void)from_pbx(answer(only(joined, "BYE"), 200, ""));
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{carrier.address, 42000}));
  (void)wait(1min);
  EXPECT_EQ(calls(), 1u);
  const auto ends = records(CallRecordType::End);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].end_reason, "transferred");
  EXPECT_EQ(ends[0].ended_by, EndedBy::Caller);
  EXPECT_EQ(ends[0].result, CallResult::Answered);
  // The names of the call that is gone go on, after a restart too; in both directions.
  restart();
  callee_tag = "bobtag";
  callee_host = "198.18.1.2";
  const SentMessage info = only(from_carrier(in_dialog("INFO", 5, consult_out)), "INFO");
  EXPECT_EQ(info.header("Call-ID"), ok_out.header("Call-ID"));
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 9, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), consult_out.header("Call-ID"));
  (void)from_carrier(answer(bye, 200, ""));
  (void)from_carrier(answer(info, 200, ""));
  (void)journal();
  (void)wait(6min);
  tell_finals();
  EXPECT_TRUE(relay.open().empty());
  EXPECT_EQ(ports_taken(), 0u);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallJoinTest, JoinsThroughARestartAtEveryStep) {
  talk();
  consult();
  restarts_after_each_step = true;
  const SentMessage to_target = ask();
  const auto answered =
      from_carrier(answer(to_target, 200, "", "Contact: <sip:bob-contact@198.18.1.2:5060>\r\n", bob));
  const auto joined = from_carrier(answer(only(answered, "INVITE"), 200, "", kCarrierContact, phone));
  EXPECT_EQ(only(joined, "BYE").header("Call-ID"), invite_out.header("Call-ID"));
  (void)from_pbx(answer(only(joined, "NOTIFY"), 200, ""));
  (void)from_pbx(answer(only(joined, "BYE"), 200, ""));
  callee_tag = "bobtag";
  callee_host = "198.18.1.2";
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", 5, consult_out)), "BYE").header("Call-ID"),
            ok_out.header("Call-ID"));
  (void)wait(6min);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(ports_taken(), 0u);
}

// Both have asked the desk by REFERs that went through, and it leaves them to each other. RFC 3515 §2.4.4
TEST_F(CallJoinTest, WhoeverHadAskedTheOneWhoJoinsThemHearsTheLastOfIt) {
  config.peers[0].profile.refer = ReferMode::Pass;
  talk();
  consult();
  constexpr std::string_view kReferTo = "Refer-To: <sip:+15550001111@198.18.1.1>\r\n";
  const SentMessage by_caller = only(from_carrier(in_dialog("REFER", 2, ok_out, kReferTo)), "REFER");
  (void)from_pbx(answer(by_caller, 202, "", kDeskContact));
  const std::string desk_tag = std::exchange(callee_tag, "bobtag");
  const std::string desk_host = std::exchange(callee_host, "198.18.1.2");
  const SentMessage by_target = only(from_carrier(in_dialog("REFER", 2, consult_out, kReferTo)), "REFER");
  (void)from_pbx(answer(by_target, 202, "", kDeskContact));
  callee_tag = desk_tag;
  callee_host = desk_host;
  const auto answered =
      from_carrier(answer(ask(), 200, "", "Contact: <sip:bob-contact@198.18.1.2:5060>\r\n", bob));
  std::set<std::string> told;
  for (const SentMessage& sent :
       from_carrier(answer(only(answered, "INVITE"), 200, "", kCarrierContact, phone)))
    if (sent.method() == "NOTIFY") told.insert(sent.header("Call-ID") + " " + sent.body());
  EXPECT_EQ(told,
            (std::set<std::string>{invite_out.header("Call-ID") + " SIP/2.0 200 OK\r\n",
                                   ok_out.header("Call-ID") + " SIP/2.0 487 Request Terminated\r\n",
                                   consult_out.header("Call-ID") + " SIP/2.0 487 Request Terminated\r\n"}));
}

TEST_F(CallJoinTest, RefusalOfTheTargetLeavesTheCallAsItWas) {
  talk();
  consult();
  const SentMessage to_target = ask();
  const auto sent = from_carrier(answer(to_target, 488, ""));
  EXPECT_EQ(only(sent, "NOTIFY").body(), "SIP/2.0 488 Not Acceptable Here\r\n");
  EXPECT_EQ(only(sent, "BYE").header("Call-ID"), consult_out.header("Call-ID"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out)), "INFO"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 3, invite_out)), "BYE"));
  (void)journal();
  (void)wait(6min);
  EXPECT_EQ(calls(), 0u);
  tell_finals();
  EXPECT_EQ(ports_taken(), 0u);
}

TEST_F(CallJoinTest, CallEndsWhileTheTargetIsAsked) {
  talk();
  consult();
  (void)ask();
  const auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  std::size_t byes = 0;
  for (const SentMessage& message : sent) byes += message.is_request() && message.method() == "BYE" ? 1u : 0u;
  EXPECT_EQ(byes, 2u);
  (void)journal();
  (void)wait(6min);
  EXPECT_EQ(calls(), 0u);
  tell_finals();
  EXPECT_TRUE(relay.open().empty());
  EXPECT_EQ(ports_taken(), 0u);
}

// RFC 3891 §3; threats D5
TEST_F(CallJoinTest, NobodyTakesAPlaceInACallThatIsNotHis) {
  talk();
  consult();
  // The caller knows all names, but is at another end of that call.
  EXPECT_TRUE(holds(from_carrier(in_dialog("REFER", 2, ok_out, replaces())), "403"));
  // Names that are none.
  EXPECT_TRUE(holds(refer("Refer-To: <sip:a@b.c?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n"), "481"));
  EXPECT_TRUE(holds(refer(replaces("1"), 2), "481"));
  EXPECT_TRUE(holds(refer(replaces("%3Bearly-only"), 3), "486"));
  // Its own call.
  const std::string own = "Refer-To: <sip:a@b.c?Replaces=" + escaped(invite_out.header("Call-ID")) +
                          "%3Bto-tag%3D" + tag_in(invite_out.header("From")) + "%3Bfrom-tag%3D" +
                          "pbxtag>\r\n";
  EXPECT_TRUE(holds(refer(own, 4), "403"));
  EXPECT_EQ(calls(), 2u);
  EXPECT_TRUE(records(CallRecordType::End).empty());
}

// The two calls live in different engines.
class CallJoinAcrossEnginesTest : public CallJoinTest {
 protected:
  CallJoinAcrossEnginesTest() {
    engines = 4;
    for (unsigned i = 0; engine_of_call(consult_id) == engine_of_call("near-call-id@198.18.1.2"); ++i)
      consult_id = "consult" + std::to_string(i) + "@198.18.2.2";
  }
  [[nodiscard]] std::size_t engine_of_call(std::string_view call_id) const {
    return shard_of_call_id(settings.token_key, call_id) % engines;
  }
  void join() {
    to_target = ask();
    const auto answered =
        from_carrier(answer(to_target, 200, "", "Contact: <sip:bob-contact@198.18.1.2:5060>\r\n", bob));
    const auto joined = from_carrier(answer(only(answered, "INVITE"), 200, "", kCarrierContact, phone));
    EXPECT_EQ(only(joined, "NOTIFY").body(), "SIP/2.0 200 OK\r\n");
    EXPECT_EQ(only(joined, "BYE").header("Call-ID"), invite_out.header("Call-ID"));
    (void)from_pbx(answer(only(joined, "NOTIFY"), 200, ""));
    (void)from_pbx(answer(only(joined, "BYE"), 200, ""));
    callee_tag = "bobtag";
    callee_host = "198.18.1.2";
  }
  // Both go on through all of them.
  void expect_restarts() {
    restarts_after_each_step = deals_anew = true;
    for (unsigned i = 0; i < 4; ++i) {
      const SentMessage there = only(from_carrier(in_dialog("INFO", 10 + i, to_target)), "INFO");
      EXPECT_EQ(there.header("Call-ID"), ok_out.header("Call-ID"));
      EXPECT_TRUE(holds(from_carrier(answer(there, 200, "")), "200"));
      const SentMessage back = only(from_carrier(in_dialog("INFO", 10 + i, ok_out)), "INFO");
      EXPECT_EQ(back.header("Call-ID"), consult_out.header("Call-ID"));
      EXPECT_TRUE(holds(from_carrier(answer(back, 200, "")), "200"));
    }
    (void)from_carrier(in_dialog("BYE", 20, to_target));
    (void)journal();
    (void)wait(6min);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(ports_taken(), 0u);
  }
  SentMessage to_target;
};

TEST_F(CallJoinAcrossEnginesTest, AttendedTransferJoinsTheOtherTwo) {
  talk();
  consult();
  EXPECT_EQ(calls(), 2u);
  join();
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{carrier.address, 42000}));
  (void)wait(1min);
  EXPECT_EQ(calls(), 1u);
  const auto ends = records(CallRecordType::End);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].end_reason, "transferred");
  const SentMessage info = only(from_carrier(in_dialog("INFO", 5, to_target)), "INFO");
  EXPECT_EQ(info.header("Call-ID"), ok_out.header("Call-ID"));
  EXPECT_TRUE(holds(from_carrier(answer(info, 200, "")), "200"));
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 9, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), consult_out.header("Call-ID"));
  (void)from_carrier(answer(bye, 200, ""));
  expect_all_given_back();
  EXPECT_EQ(records(CallRecordType::End).size(), 2u);
}

// However many engines there are after it, both sides' messages come to the one that has the call.
TEST_F(CallJoinAcrossEnginesTest, JoinedCallGoesThroughRestartsWithOtherNumbersOfEngines) {
  talk();
  consult();
  join();
  expect_restarts();
}

TEST_F(CallJoinAcrossEnginesTest, JoinsThroughRestartsWithOtherNumbersOfEngines) {
  talk();
  consult();
  restarts_after_each_step = deals_anew = true;
  join();
  expect_restarts();
}

TEST_F(CallJoinAcrossEnginesTest, RefusalOfTheOtherEngineIsTold) {
  talk();
  consult();
  const auto wrong = refer(replaces("1"));
  EXPECT_TRUE(holds(wrong, "202"));
  (void)from_pbx(answer(only(wrong, "NOTIFY"), 200, ""));
  (void)wait(1s);
  EXPECT_TRUE(records(CallRecordType::End).empty());
  const auto early = refer(replaces("%3Bearly-only"), 2);
  EXPECT_TRUE(holds(early, "202"));
  // The caller knows all names, but is at another end of that call.
  const auto foreign = from_carrier(in_dialog("REFER", 2, ok_out, replaces()));
  EXPECT_TRUE(holds(foreign, "202") || holds(foreign, "491"));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(CallJoinAcrossEnginesTest, DialogThatNobodyWaitsForAnyMoreIsEnded) {
  talk();
  consult();
  const std::uint8_t there = shard_of_call_id(settings.token_key, consult_id);
  LegLetter letter(there, LegLetter::Ask{.asker = {.call = 999,
                                                   .shard = static_cast<std::uint8_t>(there + 1),
                                                   .refer_cseq = 1,
                                                   .peer = PeerIndex(1),
                                                   .realm = RealmIndex(1),
                                                   .address = pbx.address},
                                         .name = {.call_id = consult_id,
                                                  .to_tag = tag_in(consult_ok.header("To")),
                                                  .from_tag = "desktag"}});
  const auto sent = deliver(letter);
  std::vector<std::string> ended;
  for (const SentMessage& message : sent)
    if (message.is_request()) ended.push_back(message.method() + " " + message.header("Call-ID"));
  EXPECT_EQ(ended, (std::vector<std::string>{"BYE " + consult_id, "BYE " + consult_out.header("Call-ID")}));
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 2, invite_out)), "BYE"));
  expect_all_given_back();
}

// A REFER of a profile with `refer: pass`
TEST_F(CallJoinTest, PassedOnItSaysWhomToCallAndNothingElse) {
  config.peers[1].profile.refer = ReferMode::Pass;
  talk();
  const auto sent = refer(
      "Refer-To: \"Secret\" <sip:+15550001111@pbx.inside.example;x=y?Subject=z>\r\n"
      "Referred-By: <sip:boss@pbx.inside.example>\r\n");
  const SentMessage passed = only(sent, "REFER");
  EXPECT_EQ(passed.path.remote, carrier);
  EXPECT_EQ(passed.header("Refer-To"), "<sip:+15550001111@198.18.1.1>");
  EXPECT_FALSE(passed.header("Contact").empty());
  EXPECT_EQ(passed.bytes.find("inside.example"), std::string::npos) << passed.bytes;
  const auto accepted = from_carrier(answer(passed, 202, "", kCarrierContact));
  EXPECT_FALSE(only(accepted, "202").header("Contact").empty());
  const std::string fragment = "SIP/2.0 180 Secret words\r\nContact: <sip:x@198.18.1.2>\r\n";
  std::string notify = in_dialog("NOTIFY", 2, ok_out,
                                 "Event: refer\r\nSubscription-State: active;expires=60\r\n"
                                 "Content-Type: message/sipfrag;version=2.0\r\n");
  notify.replace(notify.find("Content-Length: 0"), 17, "Content-Length: " + std::to_string(fragment.size()));
  const SentMessage told = only(from_carrier(notify + fragment), "NOTIFY");
  EXPECT_EQ(told.body(), "SIP/2.0 180 Ringing\r\n");
  EXPECT_EQ(told.header("Event"), "refer");
  EXPECT_TRUE(holds(from_pbx(answer(told, 200, "")), "200"));
  // The number of the REFER on the other leg is not told on this one. RFC 3515 §2.4.6
  const SentMessage numbered = only(
      from_carrier(in_dialog("NOTIFY", 3, ok_out,
                             "Event: refer;id=1\r\nSubscription-State: terminated;reason=noresource\r\n")),
      "NOTIFY");
  EXPECT_EQ(numbered.header("Event"), "refer");
  (void)from_pbx(answer(numbered, 200, ""));
  EXPECT_TRUE(holds(refer("Refer-To: <sip:a@b.c>\r\nRefer-To: <sip:d@b.c>\r\n", 2), "400"));
  (void)from_carrier(in_dialog("BYE", 4, ok_out));
  expect_all_given_back();
}

}  // namespace
}  // namespace sallyport::sip
