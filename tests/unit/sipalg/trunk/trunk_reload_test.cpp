// What a reload makes of health checks and registrations: RFC 3261 §10.2, §10.2.2, §11.1; threats I3.
#include <algorithm>

#include "tests/support/trunk_fixture.h"

namespace sallyport::tests {
namespace {

class TrunkReload : public TrunkFixture {
 protected:
  TrunkReload() {
    config.peer_places = 4;
    config.peers[0].registration = OutboundRegistration{
        .aor = "sip:+15550100@example.net", .expires = 600s, .mode = RegisterMode::Single};
    config.peers[0].credentials = {
        {.digest_realm = "example.net", .user = "trunk1", .password_file = {}, .password = "secret"}};
    next = config;
  }
  // Some seconds; whoever is asked by OPTIONS answers. What left that is a REGISTER.
  std::vector<SentMessage> registers(Duration time) {
    std::vector<SentMessage> sent = wait_answering(time);
    std::erase_if(sent, [](const SentMessage& message) { return message.method() != "REGISTER"; });
    return sent;
  }
  SentMessage first_register() { return only(registers(3s), "REGISTER"); }
  std::vector<SentMessage> grant(const SentMessage& request, int seconds = 600) {
    return answer(request, 200,
                  "Contact: " + request.header("Contact") + ";expires=" + std::to_string(seconds) + "\r\n");
  }
  void register_first() {
    (void)grant(first_register());
    ASSERT_EQ(view().registration->state, "registered");
    (void)registers(20s);  // targets were asked too
  }
  static std::uint32_t cseq(const SentMessage& message) {
    return static_cast<std::uint32_t>(std::stoul(message.header("CSeq")));
  }
  static std::size_t count(const std::vector<SentMessage>& sent, const Endpoint& to) {
    return static_cast<std::size_t>(std::ranges::count_if(sent, [&](const SentMessage& message) {
      return message.method() == "OPTIONS" && message.path.remote == to;
    }));
  }
  static std::string user_in(const SentMessage& message) {
    const std::string line = message.header("Authorization");
    const std::size_t at = line.find("username=\"");
    return at == std::string::npos ? "" : line.substr(at + 10, line.find('"', at + 10) - at - 10);
  }
  [[nodiscard]] PeerConfig other_peer(std::string name) const {
    PeerConfig other = config.peers[0];
    other.name = std::move(name);
    other.targets = {{.address = third, .domain = {}}};
    other.registration->aor = "sip:+15550200@other.net";
    other.credentials = {{.digest_realm = "", .user = "other", .password_file = {}, .password = "word"}};
    return other;
  }
  SbcConfig next;
  const Endpoint third = *parse_endpoint("198.18.1.4:5060", 0);
};

constexpr std::string_view kDoor =
    "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\r\n";

TEST_F(TrunkReload, APeerThatDidNotChangeGoesOnUndisturbed) {
  second_code = 0;
  (void)grant(first_register());
  (void)registers(60s);
  ASSERT_FALSE(is_up(1));
  const auto due = engine().next_deadline();
  const sip::TrunkView before = view();
  const auto alarms_before = alarms.size();
  next.peers[0].balance = Balance::Weighted;
  next.peers[0].profile.name = "another";
  EXPECT_TRUE(adopt(next).empty());
  EXPECT_EQ(engine().next_deadline(), due);
  EXPECT_FALSE(is_up(1));
  const sip::TrunkView after = view();
  EXPECT_EQ(after.registration->state, "registered");
  EXPECT_EQ(after.registration->next_at, before.registration->next_at);
  EXPECT_EQ(after.targets[1].failures_in_a_row, before.targets[1].failures_in_a_row);
  EXPECT_EQ(after.targets[0].last_code, 200);
  EXPECT_TRUE(registers(60s).empty());
  EXPECT_EQ(alarms.size(), alarms_before);
}

TEST_F(TrunkReload, BeforeItsFirstTurnItBeginsWithTheNewOne) {
  (void)engine();
  next.peers[0].registration->aor = "sip:+15550300@example.net";
  EXPECT_TRUE(adopt(next).empty());
  EXPECT_EQ(first_register().header("To"), "<sip:+15550300@example.net>");
}

// RFC 3261 §10.2.2
TEST_F(TrunkReload, TheRegistrationOfAPeerThatIsTakenOutIsTakenBackWhereItWasMade) {
  const SentMessage elsewhere = only(answer(first_register(), 503), "REGISTER");
  ASSERT_EQ(elsewhere.path.remote, second);
  (void)grant(elsewhere);
  next.peers[0].is_retired = true;
  (void)adopt(next);
  const SentMessage last = only(wait(100ms), "REGISTER");
  EXPECT_EQ(last.path.remote, second);
  EXPECT_EQ(last.header("Expires"), "0");
  EXPECT_EQ(last.header("To"), elsewhere.header("To"));
  EXPECT_EQ(last.header("Call-ID"), elsewhere.header("Call-ID"));
  EXPECT_EQ(last.header("Contact"), elsewhere.header("Contact"));
  EXPECT_GT(cseq(last), cseq(elsewhere));
  const SentMessage again = only(answer(last, 401, kDoor), "REGISTER");
  EXPECT_EQ(user_in(again), "trunk1");
  EXPECT_EQ(again.header("Expires"), "0");
  (void)answer(again, 200);
  EXPECT_TRUE(wait(1h).empty()) << "no probe, no registration, nothing";
  EXPECT_FALSE(engine().next_deadline());
  EXPECT_TRUE(engine().desk().trunks(now).empty());
}

// Its connection has gone, and the next one can't be had at once. RFC 3261 §10.2.2, §18.4
TEST_F(TrunkReload, WhatCannotBeTakenBackAtOnceIsTriedAgainAndNotForEver) {
  register_first();
  next.peers[0].is_retired = true;
  (void)adopt(next);
  SentMessage last = only(wait(100ms), "REGISTER");
  EXPECT_TRUE(unreachable(last).empty()) << "not at once";
  const SentMessage again = only(wait(2s), "REGISTER");
  EXPECT_EQ(again.path, last.path);
  EXPECT_EQ(again.header("Expires"), "0");
  EXPECT_GT(cseq(again), cseq(last));
  EXPECT_TRUE(engine().desk().peers_in_use()[0]) << "its place is nobody else's yet";
  last = again;
  std::size_t tries = 2;
  while (true) {
    (void)unreachable(last);
    const auto more = wait(2s);
    if (more.empty()) break;
    last = only(more, "REGISTER");
    ASSERT_LE(++tries, 30u);
  }
  EXPECT_GT(tries, 20u);
  EXPECT_FALSE(engine().next_deadline());
  EXPECT_FALSE(engine().desk().peers_in_use()[0]);
}

TEST_F(TrunkReload, ARegistrarThatIsSilentIsNotAskedForEver) {
  register_first();
  next.peers[0].is_retired = true;
  (void)adopt(next);
  EXPECT_EQ(wait(1h).size(), 1u);
  EXPECT_FALSE(engine().next_deadline());
  EXPECT_TRUE(alarms.empty());
}

TEST_F(TrunkReload, WhereThereIsNoRegistrationNothingIsTakenBack) {
  const SentMessage refused = first_register();
  (void)answer(refused, 403);
  next.peers[0].is_retired = true;
  (void)adopt(next);
  EXPECT_TRUE(wait(1h).empty());
}

TEST_F(TrunkReload, AlarmsOfAPeerThatIsTakenOutAreCleared) {
  first_code = second_code = 0;
  (void)answer(first_register(), 403);
  (void)registers(90s);
  ASSERT_EQ(alarm("peer_down"), true);
  ASSERT_EQ(alarm("registration_failed"), true);
  alarms.clear();
  next.peers[0].is_retired = true;
  (void)adopt(next);
  ASSERT_EQ(alarms.size(), 2u);
  for (const sip::AlarmEvent& event : alarms) {
    EXPECT_FALSE(event.active);
    EXPECT_EQ(event.subject, "carrier");
  }
  (void)wait(1h);
  EXPECT_EQ(alarms.size(), 2u);
}

// RFC 3261 §10.2: no new one before the answer to the one before
TEST_F(TrunkReload, ARegistrationThatChangedIsTakenBackAndThenMadeAnew) {
  register_first();
  next.peers[0].registration->aor = "sip:+15550300@example.net";
  next.peers[0].credentials[0].user = "trunk2";
  (void)adopt(next);
  const SentMessage last = only(registers(5s), "REGISTER");
  EXPECT_EQ(last.header("Expires"), "0");
  EXPECT_EQ(last.header("To"), "<sip:+15550100@example.net>");
  const SentMessage proved = only(answer(last, 401, kDoor), "REGISTER");
  EXPECT_EQ(user_in(proved), "trunk1") << "with what it was made with";
  (void)answer(proved, 200);
  const SentMessage fresh = first_register();
  EXPECT_EQ(fresh.header("To"), "<sip:+15550300@example.net>");
  EXPECT_EQ(fresh.header("Expires"), "600");
  EXPECT_GT(cseq(fresh), cseq(proved));
  const SentMessage fresh_proved = only(answer(fresh, 401, kDoor), "REGISTER");
  EXPECT_EQ(user_in(fresh_proved), "trunk2");
  (void)grant(fresh_proved);
  EXPECT_EQ(view().registration->state, "registered");
  EXPECT_EQ(view().registration->aor, "sip:+15550300@example.net");
  EXPECT_TRUE(alarms.empty());
}

TEST_F(TrunkReload, TheNewRegistrationDoesNotWaitForEver) {
  register_first();
  next.peers[0].registration->aor = "sip:+15550300@example.net";
  (void)adopt(next);
  const auto sent = registers(36s);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].header("Expires"), "0");
  EXPECT_EQ(sent[1].header("To"), "<sip:+15550300@example.net>");
}

TEST_F(TrunkReload, ARegistrationIsTakenBackWhileItIsBeingMade) {
  const SentMessage request = first_register();
  next.peers[0].registration.reset();
  (void)adopt(next);
  EXPECT_TRUE(grant(request).empty());
  EXPECT_FALSE(view().registration);
  const SentMessage last = only(registers(1s), "REGISTER");
  EXPECT_EQ(last.header("Expires"), "0");
  (void)answer(last, 200);
  EXPECT_TRUE(registers(1h).empty());
  EXPECT_GT(count(wait_answering(60s), first), 0u) << "it is asked by OPTIONS as before";
}

TEST_F(TrunkReload, AnotherLifetimeIsAskedForAtOnceUnderTheSameBinding) {
  register_first();
  next.peers[0].registration->expires = 1200s;
  (void)adopt(next);
  const SentMessage refresh = only(registers(1s), "REGISTER");
  EXPECT_EQ(refresh.header("Expires"), "1200");
  EXPECT_EQ(view().registration->state, "registered");
  (void)grant(refresh, 1200);
  EXPECT_EQ(view().registration->expires_at, now + 1200s);
}

TEST_F(TrunkReload, APasswordThatWasPutRightIsTriedAtOnce) {
  (void)answer(only(answer(first_register(), 401, kDoor), "REGISTER"), 401, kDoor);
  ASSERT_EQ(alarm("registration_failed"), true);
  next.peers[0].credentials[0].password = "right";
  (void)adopt(next);
  const SentMessage again = only(registers(1s), "REGISTER");
  (void)grant(only(answer(again, 401, kDoor), "REGISTER"));
  EXPECT_EQ(alarm("registration_failed"), false);
}

TEST_F(TrunkReload, ARegistrationThatIsNewBegins) {
  SbcConfig without = config;
  without.peers[0].registration.reset();
  config = without;
  EXPECT_TRUE(registers(20s).empty());
  (void)adopt(next);
  (void)grant(first_register());
  EXPECT_EQ(view().registration->state, "registered");
}

TEST_F(TrunkReload, AnotherRhythmOfProbesTakesEffectAndDownAfterToo) {
  register_first();
  next.peers[0].health = {.ping = 5s, .down_after = 1, .up_after = 1};
  (void)adopt(next);
  EXPECT_GE(count(wait_answering(60s), first), 10u);
  first_code = 503;
  (void)wait_answering(6s);
  EXPECT_FALSE(is_up(0));
  next.peers[0].health.ping = 30s;
  first_code = 200;
  (void)adopt(next);
  (void)wait_answering(6s);
  EXPECT_TRUE(is_up(0));
  EXPECT_LE(count(wait_answering(60s), first), 3u);
}

TEST_F(TrunkReload, WhoIsNotProbedAnyMoreIsUpAndWhoIsAgainIsAskedSoon) {
  first_code = second_code = 0;
  (void)wait_answering(90s);
  ASSERT_EQ(alarm("peer_down"), true);
  next.peers[0].health.ping.reset();
  next.peers[0].registration.reset();
  (void)adopt(next);
  EXPECT_TRUE(is_up(0) && is_up(1));
  EXPECT_EQ(alarm("peer_down"), false);
  EXPECT_EQ(count(wait_answering(1h), first), 0u);
  next.peers[0].health.ping = 30s;
  (void)adopt(next);
  EXPECT_EQ(count(wait_answering(5500ms), first), 1u);
  // The same where a registration keeps the trunk alive.
  next.peers[0].registration = config.peers[0].registration;
  (void)adopt(next);
  next.peers[0].health.ping.reset();
  (void)adopt(next);
  EXPECT_EQ(count(wait_answering(10min), first), 0u);
  next.peers[0].health.ping = 30s;
  (void)adopt(next);
  EXPECT_GE(count(wait_answering(5500ms), second), 1u);
}

TEST_F(TrunkReload, ATargetKeepsItsHealthWhereverItStandsAndTheProbeOfOneThatIsGoneIsNobodys) {
  first_code = 0;
  (void)wait_answering(60s);
  ASSERT_FALSE(is_up(0));
  std::swap(next.peers[0].targets[0], next.peers[0].targets[1]);
  (void)adopt(next);
  EXPECT_FALSE(is_up(1));
  EXPECT_GE(view().targets[1].failures_in_a_row, 3u);
  EXPECT_EQ(view().targets[0].last_code, 200);
  SentMessage probe;
  for (int i = 0; i < 100 && probe.bytes.empty(); ++i)
    for (SentMessage& message : wait(1s))
      if (message.method() == "OPTIONS" && message.path.remote == first) probe = std::move(message);
  ASSERT_FALSE(probe.bytes.empty());
  next.peers[0].targets.pop_back();
  (void)adopt(next);
  EXPECT_TRUE(answer(probe, 401, kDoor).empty());
  EXPECT_EQ(view().targets.size(), 1u);
}

TEST_F(TrunkReload, ANewPeerIsProbedAndRegisteredAt) {
  register_first();
  next.peers.push_back(other_peer("second-carrier"));
  (void)adopt(next);
  const auto sent = wait_answering(5500ms);
  EXPECT_EQ(count(sent, third), 1u);
  const auto request =
      std::ranges::find_if(sent, [](const SentMessage& message) { return message.method() == "REGISTER"; });
  ASSERT_NE(request, sent.end());
  EXPECT_EQ(request->path.remote, third);
  EXPECT_EQ(request->path.peer, PeerIndex{1});
  (void)grant(*request);
  const auto views = engine().desk().trunks(now);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[1].peer, "second-carrier");
  EXPECT_EQ(views[1].registration->state, "registered");
}

// Threats I3
TEST_F(TrunkReload, APeerInThePlaceOfAnotherGetsNothingThatIsNotItsOwn) {
  register_first();
  SentMessage probe;
  for (int i = 0; i < 100 && probe.bytes.empty(); ++i)
    for (SentMessage& message : wait(1s))
      if (message.method() == "OPTIONS") probe = std::move(message);
  next.peers[0] = other_peer("carrier-2");
  (void)adopt(next);
  EXPECT_TRUE(answer(probe, 401, kDoor).empty()) << "the old one's challenge gets no answer of the new one's";
  std::vector<SentMessage> sent = registers(3s);
  ASSERT_EQ(sent.size(), 2u);
  if (sent[0].path.remote == third) std::swap(sent[0], sent[1]);
  EXPECT_EQ(sent[0].header("Expires"), "0");
  EXPECT_EQ(sent[1].path.remote, third);
  EXPECT_EQ(user_in(only(answer(sent[0], 401, kDoor), "REGISTER")), "trunk1");
  const std::string door = "WWW-Authenticate: Digest realm=\"other.net\", nonce=\"m\", qop=\"auth\"\r\n";
  EXPECT_EQ(user_in(only(answer(sent[1], 401, door), "REGISTER")), "other");
}

TEST_F(TrunkReload, DrainAndReloadTogetherTakeEverythingBackOnce) {
  register_first();
  engine().desk().drain();
  const SentMessage last = only(registers(1s), "REGISTER");
  next.peers[0].is_retired = true;
  (void)adopt(next);
  EXPECT_TRUE(answer(last, 200).empty());
  const SentMessage again = only(registers(1s), "REGISTER");
  EXPECT_EQ(again.header("Expires"), "0");
  (void)answer(again, 200);
  EXPECT_TRUE(wait(1h).empty());
}

TEST_F(TrunkReload, ManyInARowLeaveNothingBehind) {
  register_first();
  for (int round = 0; round < 200; ++round) {
    SbcConfig one = config;
    if (round % 4 == 1) one.peers[0].is_retired = true;
    if (round % 4 == 2) one.peers[0] = other_peer("carrier-" + std::to_string(round));
    if (round % 4 == 3) one.peers[0].registration->aor += std::to_string(round);
    (void)adopt(one);
    for (const SentMessage& message : registers(round % 3 == 0 ? 2s : 100ms))
      if (message.header("Expires") != "0") (void)grant(message);
    ASSERT_LE(engine().counters().transactions_active.value(), 16u);
  }
  SbcConfig none = config;
  none.peers[0].is_retired = true;
  (void)adopt(none);
  (void)wait(5min);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  EXPECT_FALSE(engine().next_deadline());
}

}  // namespace
}  // namespace sallyport::tests
