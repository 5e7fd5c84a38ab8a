// call_threats_test.cpp — attacks on calls and the right answer to each: forged and misplaced requests and
// responses of RFC 3261 dialogs (threats D1 to D4, D6, D7), what must not cross (P2 to P4, P10, P12, P13,
// I12), and where others fail (section 7).
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

class CallThreats : public ::testing::Test, public tests::CallFixture {
 protected:
  CallThreats() {
    PeerConfig rival;
    rival.name = "rival";
    rival.realm = "outside";
    rival.targets = {{.address = rival_address, .domain = {}}};
    config.peers.push_back(rival);
  }
  [[nodiscard]] std::uint64_t detections() {
    return engine().counters().detections.value(
        label_of(policy::Detector::ForgedRequest, DetectorAction::Reject));
  }
  void expect_call_lives() {
    EXPECT_EQ(calls(), 1u);
    EXPECT_TRUE(records(CallRecordType::End).empty());
    const SentMessage info = only(from_carrier(in_dialog("INFO", 500, ok_out)), "INFO");
    EXPECT_TRUE(holds(from_pbx(answer(info, 200, "")), "200"));
  }
  static std::string with(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  Endpoint rival_address = *parse_endpoint("198.18.1.66:5060", 0);
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

// D1 and section 7: the dialog is bound to its own peer, not to "a peer".
TEST_F(CallThreats, D1ForgedByeOfAnotherPeerEndsNothingAndRaisesADetection) {
  set_up_call();
  EXPECT_TRUE(from(rival_address, in_dialog("BYE", 2, ok_out)).empty());
  EXPECT_EQ(detections(), 1u);
  bool told = false;
  for (const EngineEvent& event : events)
    if (const auto* detection = std::get_if<DetectionEvent>(&event.what))
      told |= detection->detector == "forged_request" && detection->source == rival_address;
  EXPECT_TRUE(told);
  expect_call_lives();
}

TEST_F(CallThreats, D1ByeWithAWrongTagCallIdOrContactIs481) {
  set_up_call();
  const std::string good = in_dialog("BYE", 2, ok_out);
  const std::string tag = ok_out.header("To").substr(ok_out.header("To").find("tag=") + 4);
  std::string other_tag = tag;
  other_tag[5] = other_tag[5] == 'a' ? 'b' : 'a';
  EXPECT_TRUE(
      holds(from_carrier(with(with(good, "tag=" + tag, "tag=" + other_tag), "z9hG4bKd", "z9hG4bKe")), "481"));
  EXPECT_TRUE(holds(from_carrier(with(with(good, "callertag", "othertag"), "z9hG4bKd", "z9hG4bKf")), "481"));
  EXPECT_TRUE(
      holds(from_carrier(with(with(good, "near-call-id@", "near-call-ie@"), "z9hG4bKd", "z9hG4bKg")), "481"));
  const std::string uri = good.substr(4, good.find(" SIP/2.0") - 4);
  EXPECT_TRUE(holds(
      from_carrier(with(with(good, uri, "sip:+15551234567@198.18.1.1"), "z9hG4bKd", "z9hG4bKh")), "481"))
      << "our Contact is a secret of the dialog";
  EXPECT_EQ(calls(), 1u);
  expect_call_lives();
}

// D2
TEST_F(CallThreats, D2CancelMustRepeatItsInviteAndComeFromItsSource) {
  const std::string invited = invite().build();
  const SentMessage out = only(from_carrier(invited), "INVITE");
  (void)from_pbx(answer(out, 180, "pbxtag", kContact));
  const std::string cancel = cancel_of(invited);
  EXPECT_TRUE(holds(from(rival_address, cancel), "481"));
  EXPECT_TRUE(from(*parse_endpoint("198.18.1.77:5060", 0), cancel).empty()) << "a stranger";
  EXPECT_TRUE(holds(from_carrier(with(cancel, "callerbranch", "otherbranch")), "481"));
  EXPECT_TRUE(holds(from_carrier(with(cancel, "near-call-id@", "near-call-ie@")), "481"));
  EXPECT_TRUE(calls() == 1u);
  for (const auto& [before, after] : {std::pair<const char*, const char*>{"callertag", "othertag"},
                                      {"CSeq: 1 ", "CSeq: 2 "},
                                      {"CANCEL sip:+15551234567@", "CANCEL sip:+15551234568@"}}) {
    CallFixture fresh;
    const SentMessage sent = only(fresh.from_carrier(invited), "INVITE");
    (void)fresh.from_pbx(fresh.answer(sent, 180, "pbxtag", kContact));
    EXPECT_TRUE(holds(fresh.from_carrier(with(cancel, before, after)), "481")) << before;
    EXPECT_EQ(fresh.calls(), 1u);
    EXPECT_EQ(fresh.engine().counters().detections.value(DetectionLabel::ForgedCancel), 1u) << before;
  }
}

// D3
TEST_F(CallThreats, D3ForgedReInviteOrUpdateMovesNothing) {
  set_up_call();
  for (const char* method : {"INVITE", "UPDATE", "INFO", "OPTIONS"})
    EXPECT_TRUE(from(rival_address, in_dialog(method, 50, ok_out, {}, kSdp)).empty()) << method;
  EXPECT_EQ(detections(), 4u);
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 1, ok_out, {}, kSdp)), "500")) << "CSeq too low";
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE");
  EXPECT_EQ(bye.path.remote, carrier);
  EXPECT_EQ(bye.uri(), "sip:alice-contact@198.18.1.2:5060") << "the forged Contact was not taken";
}

TEST_F(CallThreats, D3IdentityOfAMidDialogFromIsIgnored) {
  set_up_call();
  const std::string other = with(in_dialog("INFO", 2, ok_out), "\"Alice\" <sip:alice-near@198.18.1.2>",
                                 "<sip:president@example.org>");
  const SentMessage info = only(from_carrier(other), "INFO");
  EXPECT_EQ(info.header("From"), invite_out.header("From"));
}

// D4 and section 7: a response comes from where the request went.
TEST_F(CallThreats, D4ForgedResponseIsDroppedFromWhereverItComes) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  for (const int code : {200, 302, 486, 603}) {
    const std::string forged = answer(out, code, "evil", "Contact: <sip:x@198.18.1.66>\r\n");
    EXPECT_TRUE(from(rival_address, forged).empty()) << code;
    EXPECT_TRUE(from(second_pbx, forged).empty()) << code;
    EXPECT_TRUE(from_carrier(forged).empty()) << code;
  }
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::ForgedResponse), 8u);
  EXPECT_EQ(engine().counters().detections.value(DetectionLabel::ForgedResponse), 12u);
  EXPECT_TRUE(
      from_pbx(with(answer(out, 200, "evil", kContact), ";branch=z9hG4bK", ";branch=z9hG4bKa")).empty());
  EXPECT_TRUE(from_pbx(with(answer(out, 200, "evil", kContact), "1 INVITE", "1 BYE")).empty());
  EXPECT_TRUE(from_pbx(with(answer(out, 200, "evil", kContact), "1 INVITE", "2 INVITE")).empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_TRUE(holds(from_pbx(answer(out, 180, "pbxtag", kContact)), "180"));
}

// D6
TEST_F(CallThreats, D6AckFromElsewhereCountsForNothing) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(from(rival_address, in_dialog("ACK", 1, ok_out, {}, kSdp)).empty());
  EXPECT_TRUE(holds(wait(600ms), "200")) << "still waiting for the real one";
  EXPECT_TRUE(from_carrier(in_dialog("ACK", 2, ok_out)).empty()) << "of no INVITE";
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_TRUE(from_carrier(in_dialog("ACK", 1, ok_out)).empty()) << "it came before";
}

TEST_F(CallThreats, D6FailureThatIsNeverAcknowledgedIsBounded) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(out, 486, "x")), "486"));
  const auto sent = wait(10min);
  EXPECT_GT(sent.size(), 5u);
  EXPECT_LT(sent.size(), 15u);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
}

// D7
TEST_F(CallThreats, D7MergedRequestIs482AndARetransmissionIsNotASecondCall) {
  const std::string first = invite().build();
  EXPECT_TRUE(holds(from_carrier(first), "INVITE"));
  EXPECT_EQ(only(from_carrier(first), "100").is_again, true);
  EXPECT_TRUE(holds(from_carrier(with(first, "callerbranch", "otherbranch")), "482"));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallThreats, LoopsEndByMaxForwards) {
  EXPECT_TRUE(holds(from_carrier(invite().max_forwards("0").build()), "483"));
  CallFixture last;
  EXPECT_EQ(only(last.from_carrier(invite().max_forwards("1").build()), "INVITE").header("Max-Forwards"),
            "0");
  CallFixture up;
  up.set_up_call();
  const std::string info = with(up.in_dialog("INFO", 2, up.ok_out), "Max-Forwards: 70", "Max-Forwards: 0");
  EXPECT_TRUE(holds(up.from_carrier(info), "483"));
}

// P2 to P4, P12: nothing is copied raw.
TEST_F(CallThreats, WhatIsSmuggledInDoesNotCross) {
  std::string bytes = invite()
                          .uri("sip:+15551234567@198.18.1.1;maddr=203.0.113.9")
                          .contact("<sip:a@198.18.1.2?Route=%3Csip:203.0.113.9%3E>")
                          .line("Authorization: Garbage ===")
                          .line("X-Smuggled :\t1")
                          .line("Route: <sip:198.18.1.1;lr;x=203.0.113.9>")
                          .line("Record-Route: <sip:198.18.1.2;lr>")
                          .line("Server: a\r\n b")
                          .build();
  bytes +=
      "INVITE sip:+15551234567@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
      "198.18.1.2;branch=z9hG4bKsecond\r\n\r\n";
  const auto sent = from_carrier(bytes);
  const SentMessage out = only(sent, "INVITE");
  for (const char* word : {"203.0.113.9", "Garbage", "muggled", "maddr", "second", "Server"})
    EXPECT_EQ(out.bytes.find(word), std::string::npos) << word;
  EXPECT_EQ(calls(), 1u);
}

// P10
TEST_F(CallThreats, P10MultipartWithTwoSessionsIs400AndOtherPartsPassUntouched) {
  const std::string sdp(kSdp);
  const std::string isup("\x01\x00\x49\r\n\xff", 6);
  const auto part = [](std::string_view type, std::string_view text) {
    return "--b1\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(text) + "\r\n";
  };
  const std::string good =
      part("application/sdp", sdp) + part("application/isup;version=itu", isup) + "--b1--\r\n";
  const std::string bad = part("application/sdp", sdp) + part("application/sdp", sdp) + "--b1--\r\n";
  EXPECT_TRUE(holds(from_carrier(invite().body("multipart/mixed;boundary=b1", bad).build()), "400"));
  const SentMessage out = only(from_carrier(invite()
                                                .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKgood;rport")
                                                .call_id("multi-2")
                                                .body("multipart/mixed;boundary=b1", good)
                                                .build()),
                               "INVITE");
  EXPECT_NE(out.body().find(isup), std::string::npos);
  EXPECT_NE(out.body().find("m=audio"), std::string::npos);
  EXPECT_EQ(out.body().find("secret-subject"), std::string::npos);
  const auto refused = from_carrier(invite()
                                        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKtext;rport")
                                        .call_id("multi-3")
                                        .body("text/plain", "hello")
                                        .build());
  EXPECT_EQ(only(refused, "415").header("Accept"), "application/sdp");
}

// P13
TEST_F(CallThreats, P13SchemesThatCannotBeKeptAreRefused) {
  EXPECT_TRUE(holds(from_carrier(invite().uri("sips:+15551234567@198.18.1.1").build()), "416"));
  EXPECT_TRUE(holds(from_carrier(invite()
                                     .uri("http://198.18.1.1/")
                                     .call_id("p13")
                                     .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKp13;rport")
                                     .build()),
                    "416"));
}

// I12: nothing of one side is on the other, in any message of a call with failures, in no direction.
TEST_F(CallThreats, I12NothingOfOneSideReachesTheOther) {
  set_up_call();
  std::vector<SentMessage> all{invite_out, ok_out};
  const auto put = [&all](std::vector<SentMessage> sent) {
    all.insert(all.end(), sent.begin(), sent.end());
    return sent;
  };
  const SentMessage info =
      only(put(from_carrier(in_dialog("INFO", 2, ok_out, "Server: caller-agent\r\n"))), "INFO");
  put(from_pbx(answer(info, 500, "",
                      "Server: desk-agent\r\nWarning: 399 pbx.inside \"198.18.2.2\"\r\nReason: "
                      "SIP;cause=500;text=\"198.18.2.2\"\r\n"
                      "Error-Info: <sip:err@198.18.2.2>\r\nContact: <sip:leak@198.18.2.2>\r\n")));
  put(from_pbx(in_dialog("INVITE", 1, invite_out, "User-Agent: desk-agent\r\nOrganization: desk\r\n", kSdp)));
  put(from_pbx(in_dialog("BYE", 2, invite_out)));
  put(journal());
  EXPECT_GT(all.size(), 7u);
  for (const SentMessage& message : all) {
    const bool to_outside = message.path.remote == carrier;
    const std::string head = message.bytes.substr(0, message.bytes.find("\r\n\r\n"));
    for (const char* word : {"198.18.2", "pbxtag", "desk", "Far words", "pbx", "leak"})
      EXPECT_FALSE(to_outside && head.find(word) != std::string::npos) << word << "\n" << head;
    for (const char* word :
         {"198.18.1", "callertag", "callerbranch", "near-call-id", "alice-contact", "agent"})
      EXPECT_FALSE(!to_outside && head.find(word) != std::string::npos) << word << "\n" << head;
  }
}

}  // namespace
}  // namespace sallyport::sip
