// call_session_id_test.cpp — a session has one name on both legs: RFC 7989 §5 to §7, §11; RFC 7329.
#include <gtest/gtest.h>

#include "sipalg/call/session_ids.h"
#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";
const std::string kAlice = "ab30317f1a784dc48ff824d0d3715d86", kBob = "47755a9de7794ba387653f2099600ef2",
                  kNil(32, '0');

class CallSessionIdTest : public ::testing::Test, public tests::CallFixture {
 protected:
  void set_up(const std::string& asked, const std::string& answered) {
    tests::MessageBuilder request = invite();
    if (!asked.empty()) request.line("Session-ID: " + asked);
    invite_out = only(from_carrier(request.build()), "INVITE");
    (void)from_pbx(
        answer(invite_out, 200, "pbxtag",
               std::string(kContact) + (answered.empty() ? "" : "Session-ID: " + answered + "\r\n"), kSdp));
    ok_out = only(journal(), "200");
    ack_out = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  }
  SentMessage ack_out;
};

TEST_F(CallSessionIdTest, PairCrossesAsItIs) {
  set_up(kAlice + ";remote=" + kNil, kBob + ";remote=" + kAlice);
  EXPECT_EQ(invite_out.header("Session-ID"), kAlice + ";remote=" + kNil);
  EXPECT_EQ(ok_out.header("Session-ID"), kBob + ";remote=" + kAlice);
  EXPECT_EQ(ack_out.header("Session-ID"), kAlice + ";remote=" + kBob);
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE");
  EXPECT_EQ(bye.header("Session-ID"), kBob + ";remote=" + kAlice);
  EXPECT_EQ(only(journal(), "200").header("Session-ID"), kAlice + ";remote=" + kBob);
}

// RFC 7989 §7
TEST_F(CallSessionIdTest, WeSpeakForSidesThatSayNothing) {
  set_up("", "");
  const std::string caller = invite_out.header("Session-ID").substr(0, 32);
  const std::string callee = ok_out.header("Session-ID").substr(0, 32);
  EXPECT_TRUE(parse_session_id(caller));
  EXPECT_TRUE(parse_session_id(callee));
  EXPECT_NE(caller, callee);
  EXPECT_EQ(invite_out.header("Session-ID"), caller + ";remote=" + kNil);
  EXPECT_EQ(ok_out.header("Session-ID"), callee + ";remote=" + caller);
  EXPECT_EQ(ack_out.header("Session-ID"), caller + ";remote=" + callee);
}

TEST_F(CallSessionIdTest, NamesAreOthersForEachCall) {
  set_up("", "");
  const std::string first = invite_out.header("Session-ID");
  const SentMessage second =
      only(from_carrier(
               invite().call_id("another").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKother").build()),
           "INVITE");
  EXPECT_NE(second.header("Session-ID"), first);
}

TEST_F(CallSessionIdTest, SideMayTakeANewName) {
  set_up(kAlice + ";remote=" + kNil, kBob + ";remote=" + kAlice);
  const std::string next(32, 'e');
  const SentMessage info = only(
      from_carrier(in_dialog("INFO", 2, ok_out, "Session-ID: " + next + ";remote=" + kBob + "\r\n")), "INFO");
  EXPECT_EQ(info.header("Session-ID"), next + ";remote=" + kBob);
  const auto sent = from_pbx(answer(info, 200, ""));
  EXPECT_EQ(only(sent, "200").header("Session-ID"), kBob + ";remote=" + next);
}

// RFC 7329: one value for all.
TEST_F(CallSessionIdTest, SingleValueOfTheForerunnerStaysOneValue) {
  set_up(kAlice, kAlice);
  EXPECT_EQ(invite_out.header("Session-ID"), kAlice);
  EXPECT_EQ(ok_out.header("Session-ID"), kAlice);
  EXPECT_EQ(ack_out.header("Session-ID"), kAlice);
}

TEST_F(CallSessionIdTest, RefusalOfOurOwnNamesNobodyOnTheOtherSide) {
  const SentMessage out =
      only(from_carrier(invite().line("Session-ID: " + kAlice + ";remote=" + kNil).build()), "INVITE");
  const auto sent = from_carrier(cancel_of(invite().build()));
  EXPECT_EQ(only(sent, "487").header("Session-ID"), kNil + ";remote=" + kAlice);
  (void)out;
}

TEST_F(CallSessionIdTest, WhatIsNoUuidIsAsIfItWereNotThere) {
  for (const std::string& value :
       {std::string("near.example.com"), kAlice.substr(1), kAlice + "0", "AB30317F" + kAlice.substr(8),
        kAlice + ";remote=near", kAlice + ";remote=" + kNil + ";remote=" + kBob, kAlice + ", " + kBob,
        kNil}) {
    tests::CallFixture f;
    const SentMessage out = only(f.from_carrier(f.invite().line("Session-ID: " + value).build()), "INVITE");
    const auto said = parse_session_id(out.header("Session-ID"));
    ASSERT_TRUE(said) << value;
    EXPECT_EQ(out.bytes.find(kAlice.substr(10)), std::string::npos) << value;
    EXPECT_NE(out.header("Session-ID").substr(0, 32), kNil) << value;
  }
}

TEST_F(CallSessionIdTest, HeaderFieldTwiceIsNoName) {
  const SentMessage out = only(
      from_carrier(invite().line("Session-ID: " + kAlice).line("Session-ID: " + kBob).build()), "INVITE");
  EXPECT_EQ(out.bytes.find(kAlice), std::string::npos);
  EXPECT_EQ(out.bytes.find("Session-ID", out.bytes.find("Session-ID") + 1), std::string::npos);
}

TEST_F(CallSessionIdTest, PassedByConfigurationOrSetByARuleItStandsThereOnce) {
  for (PeerConfig& peer : config.peers) peer.profile.headers_pass = {"Session-ID"};
  set_up(kAlice + ";remote=" + kNil, kBob + ";remote=" + kAlice);
  for (const SentMessage* const sent : {&invite_out, &ok_out})
    EXPECT_EQ(sent->bytes.find("Session-ID", sent->bytes.find("Session-ID") + 1), std::string::npos);
}

TEST_F(CallSessionIdTest, NamesStayAfterARestart) {
  set_up(kAlice + ";remote=" + kNil, "");
  const std::string callee = ok_out.header("Session-ID").substr(0, 32);
  restart();
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Session-ID"), kAlice + ";remote=" + callee);
}

TEST_F(CallSessionIdTest, NextTargetIsNotToldOfTheOneBeforeIt) {
  const SentMessage first =
      only(from_carrier(invite().line("Session-ID: " + kAlice + ";remote=" + kNil).build()), "INVITE");
  const SentMessage second =
      only(from_pbx(answer(first, 503, "x", "Session-ID: " + kBob + ";remote=" + kAlice + "\r\n")), "INVITE");
  EXPECT_EQ(second.header("Session-ID"), kAlice + ";remote=" + kNil);
}

}  // namespace
}  // namespace sallyport::sip
