// Our registration at a peer, in messages: RFC 3261 §10.2, §22; RFC 6140 §5.2.
#include "tests/support/trunk_fixture.h"

namespace sallyport::tests {
namespace {

class TrunkRegistration : public TrunkFixture {
 protected:
  TrunkRegistration() {
    config.peers[0].health.ping.reset();
    config.peers[0].registration = OutboundRegistration{
        .aor = "sip:+15550100@example.net", .expires = 600s, .mode = RegisterMode::Single};
    config.peers[0].credentials = {
        {.digest_realm = "example.net", .user = "trunk1", .password_file = {}, .password = "secret"}};
  }
  SentMessage first_register() { return only(wait(3s), "REGISTER"); }
  // A 2xx that grants what is asked for, or `seconds`.
  std::vector<SentMessage> grant(const SentMessage& request, int seconds = 600) {
    const std::string contact = request.header("Contact");
    return answer(request, 200,
                  "Contact: <sip:other@192.0.2.9>;expires=5, " + contact +
                      ";expires=" + std::to_string(seconds) + "\r\n");
  }
  static std::uint32_t cseq(const SentMessage& message) {
    return static_cast<std::uint32_t>(std::stoul(message.header("CSeq")));
  }
};

constexpr std::string_view kDoor =
    "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\r\n";

TEST_F(TrunkRegistration, RegistersAnUnguessableContactForTheAor) {
  const SentMessage request = first_register();
  EXPECT_EQ(request.uri(), "sip:example.net");
  EXPECT_EQ(request.path.remote, first);
  EXPECT_EQ(request.header("To"), "<sip:+15550100@example.net>");
  EXPECT_TRUE(request.header("From").starts_with("<sip:+15550100@example.net>;tag="));
  EXPECT_EQ(request.header("Expires"), "600");
  EXPECT_EQ(request.header("Max-Forwards"), "70");
  const std::string contact = request.header("Contact");
  EXPECT_TRUE(contact.starts_with("<sip:") && contact.ends_with("@198.18.1.1>")) << contact;
  EXPECT_GT(contact.size(), 44u);
  EXPECT_EQ(sip::shard_of_call_id(settings.token_key, request.header("Call-ID")), 0);
  EXPECT_EQ(view().registration->state, "registering");
}

TEST_F(TrunkRegistration, AnswersTheChallengeAndIsRegistered) {
  const SentMessage request = first_register();
  const SentMessage again = only(answer(request, 401, kDoor), "REGISTER");
  EXPECT_EQ(cseq(again), cseq(request) + 1);
  EXPECT_EQ(again.header("Call-ID"), request.header("Call-ID"));
  EXPECT_EQ(again.header("Contact"), request.header("Contact"));
  EXPECT_NE(again.header("Authorization").find("uri=\"sip:example.net\""), std::string::npos);
  (void)grant(again);
  const sip::RegistrationView seen = *view().registration;
  EXPECT_EQ(seen.state, "registered");
  EXPECT_EQ(seen.expires_at, now + 600s);
  EXPECT_EQ(seen.last_code, 200);
  EXPECT_EQ(seen.registrar, "198.18.1.2:5060");
  EXPECT_TRUE(alarms.empty());
}

TEST_F(TrunkRegistration, RefreshesBeforeTheEndUnderTheSameNames) {
  const SentMessage request = first_register();
  (void)grant(request, 120);
  EXPECT_TRUE(wait(80s).empty());
  const SentMessage refresh = only(wait(12s), "REGISTER");
  EXPECT_EQ(refresh.header("Call-ID"), request.header("Call-ID"));
  EXPECT_EQ(refresh.header("From"), request.header("From"));
  EXPECT_EQ(refresh.header("Contact"), request.header("Contact"));
  EXPECT_GT(cseq(refresh), cseq(request));
  EXPECT_EQ(view().registration->state, "registered") << "the old binding still lives";
}

TEST_F(TrunkRegistration, TakesALongerLifetimeWhenItIsTold) {
  const SentMessage again = only(answer(first_register(), 423, "Min-Expires: 1800\r\n"), "REGISTER");
  EXPECT_EQ(again.header("Expires"), "1800");
  (void)grant(again, 1800);
  EXPECT_EQ(view().registration->expires_at, now + 1800s);
}

TEST_F(TrunkRegistration, AFailingTargetLeadsToTheNextOneAndARefreshBackToTheFirst) {
  const SentMessage other = only(answer(first_register(), 503), "REGISTER");
  EXPECT_EQ(other.path.remote, second);
  (void)grant(other, 120);
  EXPECT_EQ(view().registration->registrar, "198.18.1.3:5060");
  EXPECT_TRUE(alarms.empty());
  EXPECT_EQ(only(wait(100s), "REGISTER").path.remote, first);
}

TEST_F(TrunkRegistration, SilenceLeadsToTheNextTargetToo) {
  (void)first_register();
  const SentMessage other = only(wait(35s), "REGISTER");
  EXPECT_EQ(other.path.remote, second);
}

TEST_F(TrunkRegistration, ABrokenWayLeadsToTheNextTargetAtOnce) {
  const SentMessage other = only(unreachable(first_register()), "REGISTER");
  EXPECT_EQ(other.path.remote, second);
}

TEST_F(TrunkRegistration, WhenNobodyTakesItAnAlarmSaysSoAndItIsTriedAgainAndAgain) {
  SentMessage request = first_register();
  (void)answer(only(answer(request, 500), "REGISTER"), 500);
  EXPECT_EQ(alarm("registration_failed"), true);
  EXPECT_EQ(alarms.back().subject, "carrier");
  EXPECT_EQ(view().registration->state, "failed");
  EXPECT_TRUE(wait(26s).empty());
  request = only(wait(8s), "REGISTER");
  (void)grant(request);
  EXPECT_EQ(alarm("registration_failed"), false);
  EXPECT_EQ(alarms.size(), 2u);
}

TEST_F(TrunkRegistration, AWrongPasswordIsNotTriedElsewhere) {
  const SentMessage again = only(answer(first_register(), 401, kDoor), "REGISTER");
  EXPECT_TRUE(answer(again, 401, kDoor).empty());
  EXPECT_EQ(alarm("registration_failed"), true);
  EXPECT_EQ(view().registration->last_code, 401);
  EXPECT_TRUE(wait(20s).empty());
}

// Threats I3
TEST_F(TrunkRegistration, ARealmThatWeHaveNothingForGetsNothing) {
  const auto sent = answer(first_register(), 401, "WWW-Authenticate: Digest realm=\"evil\", nonce=\"n\"\r\n");
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(alarm("registration_failed"), true);
}

TEST_F(TrunkRegistration, ATargetThatGoesDownTakesTheRegistrationToAnother) {
  config.peers[0].health.ping = 30s;
  std::vector<SentMessage> registers;
  const auto run = [&](int seconds) {
    for (int i = 0; i < seconds; ++i)
      for (SentMessage& message : wait_answering(1s))
        if (message.method() == "REGISTER") {
          (void)grant(message, 3600);
          registers.push_back(std::move(message));
        }
  };
  run(20);
  ASSERT_EQ(registers.size(), 1u);
  EXPECT_EQ(registers[0].path.remote, first);
  first_code = 0;
  run(90);
  ASSERT_EQ(registers.size(), 2u);
  EXPECT_EQ(registers[1].path.remote, second);
}

TEST_F(TrunkRegistration, ARestartGoesOnUnderTheSameNamesWithHigherNumbers) {
  const SentMessage before = first_register();
  (void)grant(before);
  now += 10s;
  restart();
  const SentMessage after = first_register();
  EXPECT_EQ(after.header("Call-ID"), before.header("Call-ID"));
  EXPECT_EQ(after.header("Contact"), before.header("Contact"));
  EXPECT_GT(cseq(after), cseq(before));
}

// RFC 3261 §10.2.2
TEST_F(TrunkRegistration, DrainTakesItBack) {
  (void)grant(first_register());
  engine().desk().drain();
  const SentMessage last = only(wait(1s), "REGISTER");
  EXPECT_EQ(last.header("Expires"), "0");
  EXPECT_EQ(view().registration->state, "leaving");
  (void)answer(last, 200);
  EXPECT_EQ(view().registration->state, "left");
  EXPECT_TRUE(wait(1h).empty());
  EXPECT_TRUE(alarms.empty());
}

// RFC 6140 §5.2
TEST_F(TrunkRegistration, InBulkTheContactHasNoUserAndTheExtensionIsRequired) {
  config.peers[0].registration->mode = RegisterMode::Bulk;
  const SentMessage request = first_register();
  EXPECT_EQ(request.header("Contact"), "<sip:198.18.1.1;bnc>");
  EXPECT_EQ(request.header("Require"), "gin");
  EXPECT_EQ(request.header("Proxy-Require"), "gin");
  (void)answer(request, 200, "Contact: <sip:198.18.1.1;bnc>;expires=100\r\n");
  EXPECT_EQ(view().registration->expires_at, now + 100s);
}

TEST_F(TrunkRegistration, WithoutOurContactInTheAnswerExpiresCounts) {
  (void)answer(first_register(), 200, "Expires: 90\r\n");
  EXPECT_EQ(view().registration->expires_at, now + 90s);
}

TEST_F(TrunkRegistration, GarbageInTheAnswerIsNoReasonToFallOver) {
  const SentMessage request = first_register();
  (void)answer(request, 200, "Contact: <<<>>>,,;;\r\nExpires: 4294967296\r\n");
  (void)answer(request, 200, "Contact: *\r\n");
  (void)wait(10s);
  EXPECT_FALSE(view().registration->state.empty());
}

TEST_F(TrunkRegistration, LossIsMadeUpForByRetransmission) {
  const SentMessage request = first_register();
  (void)wait(5s);
  (void)grant(request);
  EXPECT_EQ(view().registration->state, "registered");
}

}  // namespace
}  // namespace sallyport::tests
