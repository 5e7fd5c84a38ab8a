// call_srtp_test.cpp — calls with encrypted media: keys through setup, hold, refresh, transfer and restart;
// where they are not to be found: RFC 4568 §5, §7.1, §10; threats M10.
#include <algorithm>
#include <map>

#include "sipalg/sdp/sdes_attribute.h"
#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

using media::MediaKeys;

constexpr std::string_view kNear = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNk",
                           kFar = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw",
                           kThird = "enl4d3Z1dHNycXBvbm1sa2ppaGdmZWRjYmEwOTg3";

std::string secured(std::string description, unsigned tag, std::string_view key,
                    std::string_view profile = "RTP/SAVP") {
  description.replace(description.find("RTP/AVP"), 7, profile);
  return description + "a=crypto:" + std::to_string(tag) +
         " AES_CM_128_HMAC_SHA1_80 inline:" + std::string(key) + "\r\n";
}

media::SrtpKey key_of(std::string_view body, std::size_t at = 0) {
  sip::SdesLines lines;
  sip::read_sdes(body, lines);
  EXPECT_LT(at, lines.usable.size()) << body;
  return at < lines.usable.size() ? *lines.usable[at].key : media::SrtpKey();
}

class CallSrtp : public MediaCall {
 protected:
  CallSrtp() {
    for (PeerConfig& peer : config.peers) peer.profile.srtp.mode = SrtpMode::Required;
  }
  const std::string near = secured(phone, 1, kNear), far = secured(desk, 3, kFar);

  const MediaKeys& keys(std::size_t side) { return stream().keys[side]; }
  MessageBuilder calling_secured() { return invite().body("application/sdp", near); }
  void talk_secured() {
    ring(calling_secured());
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, far));
    ok_out = only(journal(), "200");
    (void)from_carrier(in_dialog("ACK", 1, ok_out));
    ASSERT_EQ(relay.open().size(), 1u);
  }
};

TEST_F(CallSrtp, EachLegHasKeysOfItsOwnAndTheRelayHasThem) {
  talk_secured();
  EXPECT_NE(invite_out.body().find(" RTP/SAVP "), std::string::npos);
  EXPECT_NE(ok_out.body().find(" RTP/SAVP "), std::string::npos);
  EXPECT_EQ(keys(0).theirs, key_of(near));
  EXPECT_EQ(keys(1).theirs, key_of(far));
  EXPECT_EQ(keys(0).ours, key_of(ok_out.body()));
  EXPECT_EQ(keys(1).ours, key_of(invite_out.body(), 2));
  for (const std::string_view key : {kNear, kFar}) {
    EXPECT_EQ(invite_out.bytes.find(key), std::string::npos);
    EXPECT_EQ(ok_out.bytes.find(key), std::string::npos);
  }
}

TEST_F(CallSrtp, ACallerThatOffersNoKeyIsRefusedWith488) {
  EXPECT_TRUE(holds(from_carrier(calling().build()), "488"));
  EXPECT_TRUE(orders.empty());
}

TEST_F(CallSrtp, ACalleeThatAnswersPlainLosesTheCall) {
  ring(calling_secured());
  const auto sent = from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_TRUE(holds(sent, "BYE"));
  (void)journal();
  (void)from_pbx(answer(only(sent, "BYE"), 200, ""));
  expect_all_given_back();
}

TEST_F(CallSrtp, HoldAndRetrieveChangeNoKey) {
  talk_secured();
  const MediaKeys before[] = {keys(0), keys(1)};
  unsigned cseq = 1;
  for (const char* direction : {"sendonly", "sendrecv"}) {
    std::string offer = near;
    offer.replace(offer.find("sendrecv"), 8, direction);
    const auto sent = from_carrier(in_dialog("INVITE", ++cseq, ok_out, {}, offer));
    const SentMessage again = only(sent, "INVITE");
    EXPECT_EQ(key_of(again.body(), 2), before[1].ours);
    const auto answered = from_pbx(answer(again, 200, "", kDeskContact, far));
    EXPECT_EQ(key_of(only(answered, "200").body()), before[0].ours);
    (void)from_carrier(in_dialog("ACK", cseq, ok_out));
    for (std::size_t side : {0u, 1u}) {
      EXPECT_EQ(keys(side).ours_number, before[side].ours_number);
      EXPECT_EQ(keys(side).theirs_number, before[side].theirs_number);
    }
  }
}

TEST_F(CallSrtp, ADowngradeInTheMiddleOfACallIsRefusedAndChangesNothing) {
  talk_secured();
  const MediaKeys before = keys(0);
  const std::size_t told = orders.size();
  const auto sent = from_carrier(in_dialog("INVITE", 2, ok_out, {}, phone));
  EXPECT_TRUE(holds(sent, "488"));
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_EQ(orders.size(), told);
  EXPECT_EQ(keys(0).theirs, before.theirs);
}

TEST_F(CallSrtp, ANewKeyThatTheOtherSideRefusesIsForgotten) {
  talk_secured();
  const MediaKeys before = keys(0);
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, secured(phone, 1, kThird))), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(again, 488, "")), "488"));
  EXPECT_EQ(keys(0).theirs, before.theirs);
  EXPECT_EQ(keys(0).theirs_number, before.theirs_number);
  const SentMessage once_more =
      only(from_carrier(in_dialog("INVITE", 3, ok_out, {}, secured(phone, 1, kThird))), "INVITE");
  (void)from_pbx(answer(once_more, 200, "", kDeskContact, far));
  EXPECT_EQ(keys(0).theirs, key_of(secured(phone, 1, kThird)));
  EXPECT_EQ(keys(0).theirs_number, before.theirs_number + 1);
}

TEST_F(CallSrtp, ARestartOpensTheStreamWithItsKeys) {
  talk_secured();
  media::MediaNotice report = notice(media::MediaNotice::Kind::Report);
  (void)report.srtp_ours[1].sources.push_back({.ssrc = 9, .roc = 3, .highest = 4, .has_rtp = true});
  (void)tell(report);
  const MediaKeys before[] = {keys(0), keys(1)};
  restart();
  for (std::size_t side : {0u, 1u}) {
    EXPECT_TRUE(keys(side).is_secured);
    EXPECT_EQ(keys(side).ours, before[side].ours);
    EXPECT_EQ(keys(side).theirs, before[side].theirs);
  }
  EXPECT_EQ(keys(1).ours_before, report.srtp_ours[1]);
}

TEST_F(CallSrtp, ATransferredCallHasNewKeysAndStaysSecured) {
  RouteConfig back;
  back.name = "back";
  back.match.peers = {"pbx"};
  back.match.called = {"^\\+1555[0-9]{7}$"};
  back.to = {RouteToPeer{"pbx"}};
  config.routes.insert(config.routes.begin() + 1, back);
  config.routes[2].match.called = {"^\\+1[0-9]{10}$"};
  talk_secured();
  const MediaKeys before = keys(0);
  const auto asked =
      from_pbx(in_dialog("REFER", 1, invite_out, "Refer-To: <sip:+15557654321@198.18.2.1>\r\n"));
  (void)from_pbx(answer(only(asked, "NOTIFY"), 200, ""));
  const SentMessage target = only(asked, "INVITE");
  EXPECT_NE(target.body().find(" RTP/SAVP "), std::string::npos) << target.body();
  const auto answered = from_pbx(answer(target, 200, "othertag", "Contact: <sip:other@198.18.2.3:5060>\r\n",
                                        secured(other_desk, 3, kThird)));
  const SentMessage offer = only(answered, "INVITE");
  EXPECT_NE(offer.body().find(" RTP/SAVP "), std::string::npos) << offer.body();
  EXPECT_NE(key_of(offer.body()), before.ours);
  const auto taken = from_carrier(answer(offer, 200, "", "Contact: <sip:alice@198.18.1.2>\r\n", near));
  EXPECT_TRUE(holds(taken, "ACK"));
  EXPECT_TRUE(holds(taken, "BYE"));
  EXPECT_TRUE(keys(0).is_secured && keys(1).is_secured);
  EXPECT_EQ(keys(0).ours, key_of(offer.body()));
  EXPECT_EQ(keys(1).theirs, key_of(secured(other_desk, 3, kThird)));
}

// Dialogs of one INVITE that the callee's side has made, each with its own tag.
class ForkedSrtp : public CallSrtp {
 protected:
  ForkedSrtp() { config.peers[1].profile.srtp.mode = SrtpMode::Optional; }
  // A reliable 18x with a description, and the caller's PRACK behind it.
  SentMessage agree(std::string_view tag, std::uint32_t rseq, std::string_view body) {
    const std::string lines =
        std::string(kDeskContact) + "Require: 100rel\r\nRSeq: " + std::to_string(rseq) + "\r\n";
    const SentMessage ringing = only(from_pbx(answer(invite_out, 183, tag, lines, body)), "183");
    const std::string prack =
        in_dialog("PRACK", ++cseq, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n");
    (void)from_pbx(answer(only(from_carrier(prack), "PRACK"), 200, ""));
    return ringing;
  }
  void ring_forked() {
    ring(calling_secured().line("Supported: 100rel"));
    EXPECT_NE(invite_out.body().find(" RTP/AVP "), std::string::npos) << "best effort";
  }
  const std::string far_line = secured(desk, 3, kFar, "RTP/AVP"),
                    third_line = secured(other_desk, 3, kThird, "RTP/AVP");
  unsigned cseq = 1;
};

// An offer to one dialog that had answered plain had a new key of ours, and the answer of another dialog,
// which had the INVITE's, was taken for that one's: nobody heard anything. RFC 4568 §5.1.3, RFC 3261
// §13.2.2.4
TEST_F(ForkedSrtp, WhatOneDialogSaysLeavesTheKeysThatAllWereOffered) {
  ring_forked();
  const media::SrtpKey offered = key_of(invite_out.body(), 2);
  (void)agree("first", 1, far_line);
  EXPECT_EQ(keys(1).ours, offered);
  const MediaKeys near_before = keys(0);
  const SentMessage plain = agree("second", 20, other_desk);
  EXPECT_FALSE(keys(1).is_secured);
  const SentMessage update =
      only(from_carrier(in_dialog("UPDATE", ++cseq, plain, {}, secured(phone, 1, kNear))), "UPDATE");
  EXPECT_EQ(key_of(update.body(), 2), offered);
  (void)from_pbx(answer(update, 200, "", kDeskContact, other_desk));
  EXPECT_FALSE(keys(1).is_secured);
  (void)from_pbx(answer(invite_out, 200, "third", kDeskContact, third_line));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(keys(1).is_secured);
  EXPECT_EQ(keys(1).ours, offered);
  EXPECT_EQ(keys(1).theirs, key_of(third_line));
  EXPECT_EQ(keys(0).ours, near_before.ours);
  EXPECT_EQ(key_of(ok_out.body()), near_before.ours);
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  callee_tag = "third";
  const SentMessage again =
      only(from_carrier(in_dialog("UPDATE", ++cseq, ok_out, {}, secured(phone, 1, kNear))), "UPDATE");
  EXPECT_EQ(key_of(again.body(), 2), offered);
}

TEST_F(ForkedSrtp, ItDoesSoWithARestartBetweenAnyTwoMessages) {
  restarts_after_each_step = true;
  ring_forked();
  const media::SrtpKey offered = key_of(invite_out.body(), 2);
  (void)agree("first", 1, far_line);
  const SentMessage plain = agree("second", 20, other_desk);
  (void)from_pbx(
      answer(only(from_carrier(in_dialog("UPDATE", ++cseq, plain, {}, secured(phone, 1, kNear))), "UPDATE"),
             200, "", kDeskContact, other_desk));
  (void)from_pbx(answer(invite_out, 200, "third", kDeskContact, third_line));
  EXPECT_EQ(keys(1).ours, offered);
}

// One dialog had wished for RTP/SAVP, and another one was held to that. RFC 3264 §6
TEST_F(ForkedSrtp, AnAnswerToTheInviteIsJudgedByWhatTheInviteOffered) {
  ring_forked();
  (void)agree("first", 1, far_line);
  callee_tag = "first";
  const auto sent = from_pbx(in_dialog("UPDATE", 1, invite_out, {}, far));
  (void)from_carrier(answer(only(sent, "UPDATE"), 200, "", {}, near));
  EXPECT_TRUE(keys(1).is_secured);
  (void)from_pbx(answer(invite_out, 200, "second", kDeskContact, other_desk));
  ok_out = only(journal(), "200");
  EXPECT_FALSE(keys(1).is_secured);
  EXPECT_TRUE(keys(0).is_secured);
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
}

// Early dialogs of an INVITE without an offer, each with an agreement of its own. RFC 3262 §5, RFC 3261
// §13.2.2.4
class ForkedOffers : public ForkedSrtp {
 protected:
  void agree_on(std::string_view tag, std::uint32_t rseq, std::string_view offer, std::string_view reply) {
    const std::string lines =
        std::string(kDeskContact) + "Require: 100rel\r\nRSeq: " + std::to_string(rseq) + "\r\n";
    const SentMessage ringing = only(from_pbx(answer(invite_out, 183, tag, lines, offer)), "183");
    shown[std::string(tag)] = ringing;
    const std::string prack =
        in_dialog("PRACK", ++cseq, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n", reply);
    (void)from_pbx(answer(only(from_carrier(prack), "PRACK"), 200, ""));
  }
  // "one" has keys on both legs, "two" none with the callee.
  void ring_twice() {
    ring(calling_without().line("Supported: 100rel"));
    const std::string reply = secured(phone, 3, kNear);  // to the line with its suite
    agree_on("one", 1, far, reply);
    kept = keys(1);
    agree_on("two", 20, other_desk, reply);
    EXPECT_FALSE(keys(1).is_secured);
    EXPECT_EQ(stream().sides[1].remote.port, 31000);
  }
  void expect_streams_of_one() {
    EXPECT_TRUE(keys(1).is_secured);
    EXPECT_EQ(keys(1).theirs, key_of(far));
    EXPECT_EQ(keys(1).ours, kept.ours);
    EXPECT_EQ(stream().sides[1].remote.port, 30000);
  }
  // The caller's UPDATE in the second dialog, which the first one knows nothing of.
  void update_two() {
    const SentMessage update =
        only(from_carrier(in_dialog("UPDATE", ++cseq, shown["two"], {}, near)), "UPDATE");
    (void)from_pbx(answer(update, 200, "", kDeskContact, other_desk));
    EXPECT_EQ(stream().sides[1].remote.port, 31000);
  }
  void answer_one() {
    (void)from_pbx(answer(invite_out, 200, "one", kDeskContact));
    ok_out = only(wait(200ms), "200");
    EXPECT_EQ(ok_out.body(), "");
    (void)from_carrier(in_dialog("ACK", 1, ok_out));
  }
  MediaKeys kept;
  std::map<std::string, SentMessage> shown;  // by tag
};

// The streams were those of the dialog that had spoken last, whoever answered: an UPDATE was not counted.
TEST_F(ForkedOffers, WhoAnswersHasItsOwnStreamsWhateverAnotherHasUpdated) {
  ring_twice();
  const SentMessage update =
      only(from_carrier(in_dialog("UPDATE", ++cseq, shown["one"], {}, near)), "UPDATE");
  EXPECT_NE(update.body().find(" RTP/SAVP "), std::string::npos) << update.body();
  EXPECT_EQ(key_of(update.body()), kept.ours) << "what this dialog has, not what the other one has";
  (void)from_pbx(answer(update, 200, "", kDeskContact, far));
  expect_streams_of_one();
  update_two();
  answer_one();
  expect_streams_of_one();
}

TEST_F(ForkedOffers, ItHasThemWithARestartBetweenAnyTwoMessages) {
  restarts_after_each_step = true;
  ring_twice();
  update_two();
  answer_one();
  expect_streams_of_one();
}

// An offer that the other dialog has made and that is not answered yet goes with it.
TEST_F(ForkedOffers, ItHasThemWhileAnOfferOfAnotherIsOnItsWay) {
  ring_twice();
  (void)only(from_carrier(in_dialog("UPDATE", ++cseq, shown["two"], {}, near)), "UPDATE");
  answer_one();
  expect_streams_of_one();
}

// The same where the INVITE had the offer: what was agreed on last in the dialog that answers.
TEST_F(ForkedSrtp, WhoAnswersHasWhatItAgreedOnLast) {
  ring_forked();
  const SentMessage one = agree("one", 1, far_line);
  const SentMessage two = agree("two", 20, other_desk);
  callee_tag = "one";
  std::string moved = far_line;
  moved.replace(moved.find("m=audio 30000"), 13, "m=audio 30050");
  const SentMessage back = only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, moved)), "UPDATE");
  (void)from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", near));
  EXPECT_EQ(stream().sides[1].remote.port, 30050);
  const MediaKeys before = keys(1);
  const SentMessage there =
      only(from_carrier(in_dialog("UPDATE", ++cseq, two, {}, secured(phone, 1, kNear))), "UPDATE");
  (void)from_pbx(answer(there, 200, "", kDeskContact, other_desk));
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
  (void)from_pbx(answer(invite_out, 200, "one", kDeskContact));
  (void)journal();
  EXPECT_EQ(stream().sides[1].remote.port, 30050);
  EXPECT_TRUE(keys(1).is_secured);
  EXPECT_EQ(keys(1).theirs, before.theirs);
  EXPECT_EQ(keys(1).ours, before.ours);
}

// RFC 3264 §8, RFC 4568 §7.1.4: our own offer is answered like any other; the answer was not looked at.
TEST_F(CallSrtp, TheAnswerToOurRefreshByInviteBinds) {
  const std::string timer =
      std::string(kDeskContact) + "Allow: INVITE, BYE\r\nSession-Expires: 1200;refresher=uac\r\n";
  ring(calling_secured());
  (void)from_pbx(answer(invite_out, 200, "pbxtag", timer, far));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  const MediaKeys before[] = {keys(0), keys(1)};
  const SentMessage again = only(wait(601s), "INVITE");
  EXPECT_EQ(key_of(again.body(), 2), before[1].ours);
  const std::string moved = secured(voice("198.18.2.2", 30040, "a=recvonly\r\n"), 3, kThird);
  EXPECT_TRUE(holds(from_pbx(answer(again, 200, "", timer, moved)), "ACK"));
  EXPECT_EQ(keys(1).theirs, key_of(moved));
  EXPECT_EQ(keys(1).theirs_number, before[1].theirs_number + 1);
  EXPECT_EQ(keys(1).ours_number, before[1].ours_number);
  EXPECT_EQ(stream().sides[1].remote.port, 30040);
  EXPECT_FALSE(stream().sides[1].may_send);
  EXPECT_EQ(keys(0).theirs_number, before[0].theirs_number);
  EXPECT_EQ(keys(0).ours_number, before[0].ours_number);
  // Nothing less than before.
  const auto sent = from_pbx(answer(only(wait(601s), "INVITE"), 200, "", timer, desk));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_TRUE(holds(sent, "BYE"));
  (void)journal();
  EXPECT_EQ(end_record().end_reason, "bad_answer");
}

// The line that it is shown has the tag of its own offer.
TEST_F(CallSrtp, ACallerMayChangeItsKeyInTheAnswerToOurRefresh) {
  ring(invite()
           .body("application/sdp", secured(phone, 2, kNear))
           .line("Supported: timer")
           .line("Session-Expires: 600;refresher=uas")
           .line("Allow: INVITE"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, far));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  const MediaKeys before = keys(0);
  const SentMessage again = only(wait(301s), "INVITE");
  EXPECT_EQ(again.path.remote, carrier);
  const std::string changed = secured(phone, 2, kThird);
  EXPECT_TRUE(holds(from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", changed)), "ACK"));
  EXPECT_EQ(keys(0).theirs, key_of(changed));
  EXPECT_EQ(keys(0).theirs_number, before.theirs_number + 1);
  EXPECT_EQ(keys(0).ours_number, before.ours_number);
}

TEST_F(CallSrtp, RecordsNameTheSuitesAndNothingThatIsToldHoldsAKey) {
  talk_secured();
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  (void)journal();
  const CallRecord record = end_record();
  ASSERT_EQ(record.media.size(), 2u);
  for (const MediaRecord& media : record.media) EXPECT_EQ(media.crypto, "AES_CM_128_HMAC_SHA1_80");
}

TEST_F(CallSrtp, ALegOverTlsIsOfferedKeysWithoutBeingAsked) {
  for (PeerConfig& peer : config.peers) peer.profile.srtp = {};
  use(Transport::Udp, Transport::Tls);
  ring();
  EXPECT_NE(invite_out.body().find(" RTP/AVP "), std::string::npos);
  EXPECT_NE(invite_out.body().find("a=crypto:1 AEAD_AES_256_GCM "), std::string::npos) << invite_out.body();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, secured(desk, 3, kFar, "RTP/AVP")));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.body().find("crypto"), std::string::npos);
  EXPECT_TRUE(keys(1).is_secured);
  EXPECT_FALSE(keys(0).is_secured);
}

}  // namespace
}  // namespace sallyport::tests
