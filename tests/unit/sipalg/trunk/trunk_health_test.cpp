// OPTIONS probes and what they make of a peer's targets: RFC 3261 §11, RFC 3263 §4.3.
#include <map>
#include <set>

#include "policy/base/keyed_hash.h"
#include "tests/support/trunk_fixture.h"

namespace sallyport::tests {
namespace {

class TrunkHealth : public TrunkFixture {
 protected:
  static std::size_t count(const std::vector<SentMessage>& sent, const Endpoint& to) {
    std::size_t found = 0;
    for (const SentMessage& message : sent)
      if (message.path.remote == to && message.method() == "OPTIONS") ++found;
    return found;
  }
};

TEST_F(TrunkHealth, EachTargetIsProbedSoonAfterTheStartAndThenAboutAsOftenAsConfigured) {
  const auto start = wait_answering(5500ms);
  EXPECT_EQ(count(start, first), 1u);
  EXPECT_EQ(count(start, second), 1u);
  const auto later = wait_answering(300s);
  EXPECT_GE(count(later, first), 9u);
  EXPECT_LE(count(later, first), 12u);
  EXPECT_TRUE(is_up(0) && is_up(1));
  EXPECT_TRUE(alarms.empty());
}

// Threats I12: nothing of ours but the place it comes from
TEST_F(TrunkHealth, AProbeSaysNothingOfTheOtherSideAndComesBackToThisEngine) {
  std::set<std::string> call_ids;
  for (const SentMessage& probe : wait_answering(100s)) {
    EXPECT_EQ(probe.uri(), "sip:" + to_string(probe.path.remote));
    EXPECT_EQ(probe.header("Max-Forwards"), "70");
    EXPECT_TRUE(probe.header("From").starts_with("<sip:198.18.1.1>;tag="));
    EXPECT_EQ(probe.header("To"), "<" + probe.uri() + ">");
    EXPECT_EQ(probe.header("Contact"), "<sip:198.18.1.1>");
    EXPECT_EQ(probe.header("Accept"), "application/sdp");
    EXPECT_EQ(sip::shard_of_call_id(settings.token_key, probe.header("Call-ID")), 0);
    EXPECT_TRUE(call_ids.insert(probe.header("Call-ID")).second);
    EXPECT_EQ(probe.bytes.find("User-Agent"), std::string::npos);
  }
  EXPECT_GE(call_ids.size(), 6u);
}

TEST_F(TrunkHealth, ASilentTargetIsDownAfterSoManyProbesThatFollowFaster) {
  (void)wait_answering(60s);
  first_code = 0;
  (void)wait_answering(60s);
  EXPECT_FALSE(is_up(0));
  EXPECT_TRUE(is_up(1));
  EXPECT_FALSE(alarm("peer_down"));
  const sip::TrunkView seen = view();
  EXPECT_TRUE(seen.is_up && seen.is_probed);
  EXPECT_FALSE(seen.targets[0].is_up);
  EXPECT_EQ(seen.targets[0].last_code, 408);
  EXPECT_GE(seen.targets[0].failures_in_a_row, 3u);
  EXPECT_EQ(seen.targets[1].last_code, 200);
}

TEST_F(TrunkHealth, ATargetThatIsBackIsUpAfterSoManyAnswers) {
  first_code = 0;
  (void)wait_answering(90s);
  ASSERT_FALSE(is_up(0));
  first_code = 200;
  std::size_t probes = 0;
  while (!is_up(0) && probes < 5) probes += count(wait_answering(1s), first);
  EXPECT_EQ(probes, 2u);
  EXPECT_NE(view().targets[0].since, Timestamp{});
}

TEST_F(TrunkHealth, AnyFinalAnswerShowsLifeButThoseThatSayNotNow) {
  for (const int code : {200, 302, 401, 403, 404, 405, 480, 481, 500, 501, 603}) {
    first_code = code;
    (void)wait_answering(90s);
    EXPECT_TRUE(is_up(0)) << code;
  }
  for (const int code : {408, 503}) {
    first_code = code;
    (void)wait_answering(90s);
    EXPECT_FALSE(is_up(0)) << code;
    first_code = 200;
    (void)wait_answering(90s);
    EXPECT_TRUE(is_up(0));
  }
}

TEST_F(TrunkHealth, WhenNoTargetAnswersThePeerIsDownAndAnAlarmSaysWhich) {
  first_code = second_code = 0;
  (void)wait_answering(90s);
  EXPECT_EQ(alarm("peer_down"), true);
  ASSERT_FALSE(alarms.empty());
  EXPECT_EQ(alarms.back().subject, "carrier");
  EXPECT_FALSE(view().is_up);
  second_code = 200;
  (void)wait_answering(20s);
  EXPECT_EQ(alarm("peer_down"), false);
  EXPECT_EQ(alarms.size(), 2u);
}

TEST_F(TrunkHealth, AWayThatIsBrokenCountsAtOnce) {
  config.peers[0].health.down_after = 1;
  for (const SentMessage& probe : wait(5500ms))
    if (probe.path.remote == first) (void)unreachable(probe);
  (void)wait(10ms);
  EXPECT_FALSE(is_up(0));
  EXPECT_EQ(view().targets[0].last_code, 503);
}

TEST_F(TrunkHealth, AnAnswerAfterAProbeWasGivenUpIsNobodys) {
  config.peers[0].targets.resize(1);
  const auto probes = wait(5s);
  ASSERT_GE(probes.size(), 1u);
  (void)wait(6s);
  const auto before = engine().counters(RealmIndex{0}).dropped.value(sip::SipDropReason::UnmatchedResponse);
  (void)answer(probes[0], 200);
  EXPECT_EQ(engine().counters(RealmIndex{0}).dropped.value(sip::SipDropReason::UnmatchedResponse),
            before + 1);
  EXPECT_LE(engine().counters().transactions_active.value(), 2u);
}

TEST_F(TrunkHealth, CallsThatMeetSilenceInAnyEngineLeadToAProbeThatDecides) {
  (void)wait_answering(10s);
  for (int i = 0; i < 3; ++i) board().note_failure(PeerIndex{0}, second, Transport::Udp);
  second_code = 0;
  EXPECT_GE(count(wait_answering(1100ms), second), 1u) << "at once";
  EXPECT_TRUE(is_up(1));
  (void)wait_answering(5s);
  EXPECT_FALSE(is_up(1));
  EXPECT_TRUE(is_up(0));
  second_code = 200;
  (void)wait_answering(20s);
  EXPECT_TRUE(is_up(1));
}

// Who calls could send what the other side never answers
TEST_F(TrunkHealth, CallsAloneTakeNoTargetDown) {
  for (int i = 0; i < 100; ++i) {
    for (int call = 0; call < 50; ++call) board().note_failure(PeerIndex{0}, second, Transport::Udp);
    (void)wait_answering(1s);
    ASSERT_TRUE(is_up(1));
  }
}

TEST_F(TrunkHealth, APeerThatIsNotProbedIsUp) {
  config.peers[0].health.ping.reset();
  EXPECT_TRUE(wait(1h).empty());
  EXPECT_TRUE(is_up(0) && is_up(1));
  EXPECT_FALSE(view().is_probed);
}

TEST_F(TrunkHealth, AnEngineThatDoesNotOwnTheTrunksProbesNobody) {
  settings.owns_trunks = false;
  EXPECT_TRUE(wait(1h).empty());
  EXPECT_TRUE(engine().desk().trunks(now).empty());
}

TEST_F(TrunkHealth, AProbeThatIsChallengedIsAnsweredWhereThereAreCredentials) {
  config.peers[0].targets.resize(1);
  config.peers[0].credentials = {{.digest_realm = "r", .user = "u", .password_file = {}, .password = "p"}};
  const auto probes = wait(5s);
  ASSERT_GE(probes.size(), 1u);
  const auto again =
      answer(probes[0], 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n");
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].header("CSeq"), "2 OPTIONS");
  EXPECT_EQ(again[0].header("Call-ID"), probes[0].header("Call-ID"));
  EXPECT_NE(again[0].header("Authorization").find("username=\"u\""), std::string::npos);
  (void)answer(again[0], 200);
  EXPECT_EQ(view().targets[0].last_code, 200);
  const auto next = wait(60s);
  ASSERT_GE(next.size(), 1u);
  EXPECT_NE(next[0].header("Authorization").find("nc=00000002"), std::string::npos);
}

TEST_F(TrunkHealth, ProbesWaitWhileTheTableIsFullOfCalls) {
  settings.transactions_max = 1;
  EXPECT_TRUE(wait(30s).empty());
  EXPECT_TRUE(is_up(0));
}

TEST_F(TrunkHealth, TheRoundTripOfTheLastProbeIsShown) {
  config.peers[0].targets.resize(1);
  const auto probes = wait(5s);
  ASSERT_GE(probes.size(), 1u);
  now += 40ms;
  (void)answer(probes.back(), 200);
  EXPECT_TRUE(view().targets[0].round_trip.has_value());
  EXPECT_GE(*view().targets[0].round_trip, 40ms);
}

}  // namespace
}  // namespace sallyport::tests
