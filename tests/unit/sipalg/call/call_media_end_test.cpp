// call_media_end_test.cpp — when streams close, what the relay tells of them, and what a restart leaves: RFC
// 3261 §9, §15; threats D8, D9, D10, M9.
#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

using media::MediaCommand;
using media::MediaNotice;
using media::StreamSide;

Endpoint at(std::string_view text) { return *parse_endpoint(text, 0); }

class CallMediaEnd : public MediaCall {
 protected:
  void expect_closed() {
    EXPECT_TRUE(relay.open().empty());
    EXPECT_EQ(relay.opened(), relay.closed());
  }
  // Kept for the end record and what follows it.
  [[nodiscard]] std::size_t reports_told() const {
    std::size_t count = 0;
    for (const sip::EngineEvent& event : events)
      count += std::holds_alternative<sip::MediaReportEvent>(event.what) ? 1u : 0u;
    return count;
  }
  [[nodiscard]] std::vector<sip::AlarmEvent> alarms(std::string_view name) const {
    std::vector<sip::AlarmEvent> found;
    for (const sip::EngineEvent& event : events)
      if (const auto* const alarm = std::get_if<sip::AlarmEvent>(&event.what); alarm && alarm->name == name)
        found.push_back(*alarm);
    return found;
  }
};

// Threats D9
TEST_F(CallMediaEnd, ByeClosesBothDirectionsAtThatInstant) {
  talk();
  const media::StreamKey key = stream().key;
  const std::string bye = in_dialog("BYE", 2, ok_out);
  orders.clear();
  (void)from_carrier(bye);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].kind, MediaCommand::Kind::Close);
  EXPECT_EQ(orders[0].key, key);
  const CallRecord record = end_record();
  ASSERT_EQ(record.media.size(), 2u);
  EXPECT_EQ(record.media_reports, 1u);
  EXPECT_TRUE(record.media[0].from_caller);
  EXPECT_EQ(record.media[0].codec, "PCMA/8000");
  EXPECT_EQ(record.media[0].remote, at("198.18.1.2:40000"));
  EXPECT_EQ(record.media[1].remote, at("198.18.2.2:30000"));
  EXPECT_FALSE(record.media[0].is_measured) << "the relay tells later";
  EXPECT_EQ(record.media_end, record.end);
}

TEST_F(CallMediaEnd, LastFiguresOfTheRelayFollowTheRecordAndAreShown) {
  talk();
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  for (MediaNotice final : relay.take_finals()) {
    final.sides[0].packets = 500;
    final.sides[0].after_close_packets = 3;
    final.sides[1].mos_times_100 = 441;
    (void)tell(final);
  }
  EXPECT_EQ(reports_told(), 1u);
  const auto view = engine().desk().find("near-call-id@198.18.1.2");
  ASSERT_TRUE(view.has_value());
  ASSERT_EQ(view->record.media.size(), 2u);
  EXPECT_TRUE(view->record.media[0].is_measured);
  EXPECT_EQ(view->record.media[0].packets, 500u);
  EXPECT_EQ(view->record.media[0].after_bye_packets, 3u);
  EXPECT_EQ(view->record.media[1].mos_times_100, 441);
}

TEST_F(CallMediaEnd, CallThatIsUpIsShownWithTheLastReport) {
  talk();
  MediaNotice report = notice(MediaNotice::Kind::Report);
  report.sides[0].packets = 250;
  report.sides[0].lost = 2;
  report.sides[0].jitter_us = 1500;
  report.sides[0].mos_times_100 = 432;
  report.sides[0].remote = at("198.18.1.2:40100");
  report.sides[1].packets = 249;
  report.sides[1].remote = at("198.18.2.2:30000");
  (void)tell(report);
  const auto views = engine().desk().calls(0, 10);
  ASSERT_EQ(views.size(), 1u);
  const auto& media = views[0].record.media;
  ASSERT_EQ(media.size(), 2u);
  EXPECT_EQ(media[0].codec, "PCMA/8000");
  EXPECT_EQ(media[0].packets, 250u);
  EXPECT_EQ(media[0].lost, 2u);
  EXPECT_EQ(media[0].jitter_us, 1500u);
  EXPECT_EQ(media[0].mos_times_100, 432);
  EXPECT_EQ(media[0].local, stream().sides[0].local);
  EXPECT_EQ(media[0].remote, at("198.18.1.2:40100")) << "where it came from";
  EXPECT_EQ(media[1].packets, 249u);
}

TEST_F(CallMediaEnd, CancelClosesItsStream) {
  ring();
  (void)from_carrier(cancel_of(invite_bytes));
  expect_closed();
}

TEST_F(CallMediaEnd, RefusalByTheLastTargetClosesItsStream) {
  config.peers[1].targets.resize(1);
  ring();
  EXPECT_TRUE(holds(from_pbx(answer(invite_out, 486, "x")), "486"));
  expect_closed();
  EXPECT_TRUE(end_record().media.empty()) << "nothing was ever agreed";
}

TEST_F(CallMediaEnd, RingingForTooLongClosesItsStream) {
  ring();
  (void)from_pbx(answer(invite_out, 180, "x", kDeskContact));
  EXPECT_TRUE(holds(wait(3min), "408"));
  expect_closed();
}

TEST_F(CallMediaEnd, OperatorWhoHangsUpClosesItsStream) {
  talk();
  sip::EngineOutput out;
  ASSERT_TRUE(engine().desk().hang_up(now, stream().key.call, out));
  ASSERT_EQ(out.media().size(), 1u);
  EXPECT_EQ(out.media()[0].kind, MediaCommand::Kind::Close);
}

// Threats D10
TEST_F(CallMediaEnd, EarlyMediaHasItsTime) {
  config.peers[1].profile.timers.early_media = 20s;
  ring();
  (void)from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, desk));
  EXPECT_EQ(relay.open().size(), 1u);
  const auto sent = wait(21s);
  EXPECT_TRUE(holds(sent, "408"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
  expect_closed();
  const CallRecord record = end_record();
  EXPECT_EQ(record.end_reason, "early_media_time");
  EXPECT_EQ(record.media_reports, 1u);
}

TEST_F(CallMediaEnd, AnswerBehindACancelOpensNothing) {
  ring();
  (void)from_pbx(answer(invite_out, 180, "pbxtag", kDeskContact));
  (void)from_carrier(cancel_of(invite_bytes));
  expect_closed();
  const std::size_t before = orders.size();
  const auto sent = from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  EXPECT_TRUE(holds(sent, "ACK"));
  (void)from_pbx(answer(only(sent, "BYE"), 200, ""));
  EXPECT_EQ(orders.size(), before);
  expect_all_given_back();
}

TEST_F(CallMediaEnd, MissingAckEndsTheCallAndItsMedia) {
  ring();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  (void)journal();
  EXPECT_EQ(relay.open().size(), 1u);
  (void)wait(33s);
  expect_closed();
  EXPECT_EQ(end_record().end_reason, "no_ack");
}

// Threats D9
TEST_F(CallMediaEnd, SideThatIsHeardNoMoreEndsTheCallOnBothLegs) {
  talk();
  now += 90s;
  const auto sent = tell(notice(MediaNotice::Kind::Silent, StreamSide::Callee));
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent.at(0).method() + sent.at(1).method(), "BYEBYE");
  expect_closed();
  const CallRecord record = end_record();
  EXPECT_EQ(record.end_reason, "media_timeout");
  EXPECT_EQ(record.ended_by, EndedBy::Sallyport);
  EXPECT_EQ(record.result, CallResult::Answered);
  EXPECT_EQ(record.media_end, *record.end - 60s);
  const auto view = engine().desk().find("near-call-id@198.18.1.2");
  ASSERT_TRUE(view.has_value());
  EXPECT_NE(view->reasons.back().text.find("nothing was heard of the callee"), std::string::npos);
}

TEST_F(CallMediaEnd, SilenceOnHoldIsNoSilence) {
  talk();
  const MediaNotice silent = notice(MediaNotice::Kind::Silent, StreamSide::Callee);
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.2", 40000, "a=sendonly\r\n"))),
           "INVITE");
  (void)from_pbx(answer(again, 200, "", kDeskContact, voice("198.18.2.2", 30000, "a=recvonly\r\n")));
  EXPECT_FALSE(stream().sides[1].expects_packets);
  EXPECT_TRUE(tell(silent).empty()) << "it was under way when the hold was agreed";
  EXPECT_EQ(relay.open().size(), 1u);
}

TEST_F(CallMediaEnd, CallGoesOnWhileOneOfItsStreamsIsHeard) {
  const std::string second = "m=video 40020 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
  ring(calling().body("application/sdp", phone + second));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact,
                        desk + "m=video 30020 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  ASSERT_EQ(relay.open().size(), 2u);
  MediaNotice silent;
  silent.kind = MediaNotice::Kind::Silent;
  silent.side = StreamSide::Caller;
  silent.key = relay.open().rbegin()->second.last.key;
  EXPECT_TRUE(tell(silent).empty()) << "video alone";
  // It is heard again, then voice falls silent.
  MediaNotice report = silent;
  report.kind = MediaNotice::Kind::Report;
  report.sides[0].packets = 1;
  (void)tell(report);
  MediaNotice voice_silent = silent;
  voice_silent.key = relay.open().begin()->second.last.key;
  EXPECT_TRUE(tell(voice_silent).empty()) << "voice alone";
  EXPECT_EQ(tell(silent).size(), 2u) << "both";
}

TEST_F(CallMediaEnd, EmergencyCallIsNeverEndedBySilence) {
  config.emergency.numbers = {"112"};
  config.emergency.to = {RouteToPeer{"pbx"}};
  ring(calling().uri("sip:112@198.18.1.1").to("<sip:112@198.18.1.1>"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_TRUE(tell(notice(MediaNotice::Kind::Silent, StreamSide::Caller)).empty());
  EXPECT_EQ(calls(), 1u);
  ASSERT_EQ(alarms("emergency_call_silent").size(), 1u);
  MediaNotice report = notice(MediaNotice::Kind::Report);
  report.sides[0].packets = 9;
  (void)tell(report);
  ASSERT_EQ(alarms("emergency_call_silent").size(), 2u);
  EXPECT_FALSE(alarms("emergency_call_silent")[1].active);
}

TEST_F(CallMediaEnd, NoticesOfNobodyChangeNothing) {
  talk();
  MediaNotice stray = notice(MediaNotice::Kind::Silent);
  stray.key.stream = 77;
  EXPECT_TRUE(tell(stray).empty());
  stray.key.call = 4711;
  for (const auto kind : {MediaNotice::Kind::Silent, MediaNotice::Kind::Learned, MediaNotice::Kind::Report}) {
    stray.kind = kind;
    EXPECT_TRUE(tell(stray).empty());
  }
  stray.kind = MediaNotice::Kind::Final;
  (void)tell(stray);
  EXPECT_EQ(reports_told(), 1u) << "its call has long gone";
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallMediaEnd, NewCallsAreRefusedWhileTheWayToTheRelayIsFull) {
  talk();
  engine().set_media_ready(false);
  const SentMessage refused =
      only(from_carrier(
               calling().call_id("second").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKsecond").build()),
           "503");
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_TRUE(holds(from_carrier(in_dialog("INVITE", 2, ok_out, {}, phone)), "INVITE"));
  engine().set_media_ready(true);
  EXPECT_TRUE(holds(
      from_carrier(calling().call_id("third").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKthird").build()),
      "INVITE"));
}

TEST_F(CallMediaEnd, AlarmSaysWhichRealmIsShortOfPorts) {
  config.realms[0].media.ports = {20000, 20255};  // 128 pairs
  config.realms[0].media.addresses.resize(1);
  config.security.detectors.tdos_calls_per_callee = {1000, std::chrono::seconds(1)};  // all call one number
  settings.calls_max = 512;
  settings.transactions_max = 4096;
  const auto call = [this](unsigned i) {
    const std::string id = "many-" + std::to_string(i);
    (void)from_carrier(calling().call_id(id).via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + id).build());
  };
  for (unsigned i = 0; i < 100; ++i) call(i);
  now += 2s;
  call(100);
  EXPECT_TRUE(alarms("media_ports_low").empty());
  call(101);
  call(102);
  (void)wait(2s);  // nothing else comes
  ASSERT_EQ(alarms("media_ports_low").size(), 1u);
  EXPECT_TRUE(alarms("media_ports_low")[0].active);
  EXPECT_NE(alarms("media_ports_low")[0].detail.find("outside"), std::string::npos);
  (void)wait(6min);
  ASSERT_EQ(alarms("media_ports_low").size(), 2u);
  EXPECT_FALSE(alarms("media_ports_low")[1].active);
  expect_all_given_back();
}

// A call goes on with its ports, and with whom the relay had learned.
TEST_F(CallMediaEnd, RestartOpensTheSameStreamAgain) {
  talk();
  MediaNotice learned = notice(MediaNotice::Kind::Learned, StreamSide::Caller);
  learned.sides[0].remote = at("198.18.1.77:4711");
  learned.sides[0].remote_rtcp = at("198.18.1.77:4712");
  (void)tell(learned);
  const MediaCommand before = stream();
  restart();
  const MediaCommand after = stream();
  EXPECT_EQ(after.key, before.key);
  for (const std::size_t side : {0u, 1u}) {
    EXPECT_EQ(after.sides[side].local, before.sides[side].local);
    EXPECT_EQ(after.sides[side].remote, before.sides[side].remote);
    EXPECT_EQ(after.sides[side].learning, before.sides[side].learning);
    EXPECT_EQ(after.sides[side].may_send, before.sides[side].may_send);
  }
  EXPECT_EQ(after.sides[0].latched, at("198.18.1.77:4711"));
  EXPECT_EQ(after.sides[0].latched_rtcp, at("198.18.1.77:4712"));
  EXPECT_EQ(ports_taken(), 2u);
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_EQ(end_record().media.at(0).remote, at("198.18.1.77:4711"));
  EXPECT_TRUE(relay.open().empty());
}

TEST_F(CallMediaEnd, CallWhosePortsAreNoLongerOursGoesOnWithoutThem) {
  talk();
  config.realms[0].media.ports = {40000, 40999};
  restart();
  EXPECT_TRUE(relay.open().empty());
  EXPECT_EQ(ports_taken(), 0u);
  const auto view = engine().desk().find("near-call-id@198.18.1.2");
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->reasons.back().text, "a media port of before the restart is not ours any more");
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE"));
  EXPECT_EQ(end_record().media_reports, 0u);
}

TEST_F(CallMediaEnd, RestartInEveryStateLosesNoPortAndNoStream) {
  restarts_after_each_step = true;
  ring();
  EXPECT_EQ(relay.open().size(), 1u);
  (void)from_pbx(answer(invite_out, 183, "early", kDeskContact, other_desk));
  EXPECT_EQ(relay.open().size(), 1u);
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(wait(150ms), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.3", 42000))), "INVITE");
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000"));
  const SentMessage ok = only(from_pbx(answer(again, 200, "", kDeskContact, desk)), "200");
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.3:42000"));
  (void)from_carrier(in_dialog("ACK", 2, ok));
  EXPECT_EQ(ports_taken(), 2u);
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 3, ok_out)), "BYE");
  EXPECT_TRUE(relay.open().empty());
  (void)from_pbx(answer(bye, 200, ""));
  (void)wait(6min);
  EXPECT_EQ(ports_taken(), 0u);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallMediaEnd, FailoverAndDelayedOfferLiveThroughRestarts) {
  restarts_after_each_step = true;
  ring(calling_without());
  const SentMessage next = only(from_pbx(answer(invite_out, 503, "x")), "INVITE");
  EXPECT_EQ(relay.open().size(), 0u);
  (void)from(second_pbx, answer(next, 200, "two", kDeskContact, other_desk));
  ok_out = only(wait(150ms), "200");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out, {}, phone)), "ACK");
  EXPECT_EQ(shown_in(ack.body()), stream().sides[1].local);
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.3:31000"));
}

// Every way to end, over and over: nothing is left behind.
TEST_F(CallMediaEnd, ThousandMixedCallsGiveAllPortsBack) {
  config.realms[0].media.ports = config.realms[1].media.ports = {20000, 20511};  // 256 pairs
  for (RealmConfig& realm : config.realms) realm.limits = {1'000'000, {1'000'000, 1s}};
  settings.calls_max = 512;
  settings.transactions_max = 8192;
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string id = "mixed-" + std::to_string(i);
    const MessageBuilder with = (i % 7 == 3 ? calling_without() : calling())
                                    .call_id(id)
                                    .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + id);
    ring(with);
    const unsigned kind = i % 6;
    if (kind == 0) {
      (void)from_carrier(cancel_of(invite_bytes));
      (void)from_pbx(answer(invite_out, 487, "x"));
    } else if (kind == 1) {
      const SentMessage next = only(from_pbx(answer(invite_out, 503, "x")), "INVITE");
      (void)from(second_pbx, answer(next, 486, "y"));
    } else {
      if (kind == 2) (void)from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, desk));
      (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
      ok_out = only(journal(), "200");
      (void)from_carrier(in_dialog("ACK", 1, ok_out, {}, i % 7 == 3 ? phone : std::string()));
      if (kind == 3) {
        const SentMessage again = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, phone)), "INVITE");
        if (i % 2 == 0) (void)from_pbx(answer(again, 488, ""));
      }
      const SentMessage bye = only(from_carrier(in_dialog("BYE", 5, ok_out)), "BYE");
      (void)journal();
      (void)from_pbx(answer(bye, 200, ""));
    }
    now += 200ms;
    if (i % 100 == 99) restart();
    if (HasFailure()) break;
  }
  expect_all_given_back();
}

}  // namespace
}  // namespace sallyport::tests
