// register_bruteforce_test.cpp — wrong passwords, as shipped: five within a minute.
#include "policy/detect/register_bruteforce.h"

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class RegisterBruteforceTest : public BoardTest {
 protected:
  std::optional<Finding> fail(const Actor& actor, std::string_view user = "alice") {
    return board.on_login_failure(now, proved(actor), user);
  }
};

TEST_F(RegisterBruteforceTest, TheFifthWrongPasswordInAMinuteIsMet) {
  for (int i = 0; i < 4; ++i) ASSERT_FALSE(fail(stranger())) << i;
  now += 59s;
  const auto finding = fail(stranger());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::RegisterBruteforce);
  EXPECT_EQ(finding->action, DetectorAction::Block);
  EXPECT_EQ(finding->block_for, 1h);
  EXPECT_FALSE(finding->is_flow_only);
  EXPECT_EQ(finding->evidence, "5 wrong passwords of one user within 60 s, 4 allowed");
}

TEST_F(RegisterBruteforceTest, FourAMinuteAreLetPass) {
  for (int minute = 0; minute < 100; ++minute, now += 60s)
    for (int i = 0; i < 4; ++i) ASSERT_FALSE(is_refused(fail(stranger())));
}

TEST_F(RegisterBruteforceTest, TheRightPasswordTakesBackTheWrongOnes) {
  for (int i = 0; i < 20; ++i) {
    for (int wrong = 0; wrong < 4; ++wrong) ASSERT_FALSE(is_refused(fail(stranger())));
    board.on_login(now, proved(stranger()), "alice");
  }
}

TEST_F(RegisterBruteforceTest, ButNotThoseOfAnotherUser) {
  for (int i = 0; i < 4; ++i) ASSERT_FALSE(fail(stranger(), "bob"));
  board.on_login(now, proved(stranger()), "alice");
  EXPECT_TRUE(fail(stranger(), "bob"));
}

// A false positive: one telephone with a wrong password, for ever.
TEST_F(RegisterBruteforceTest, AMisconfiguredPhoneIsNeverBlocked) {
  for (int i = 0; i < 7 * 24 * 120; ++i, now += 30s) ASSERT_FALSE(is_refused(fail(stranger())));
}

TEST_F(RegisterBruteforceTest, AnImpatientOneBehindANatOfTrustedPhonesIsPunishedByItself) {
  const Actor wrong = stranger(1, 30'000), right = stranger(1, 30'001);
  earn(right);
  std::optional<Finding> finding;
  for (int i = 0; i < 5; ++i) finding = fail(wrong);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Block);
  EXPECT_TRUE(finding->is_flow_only) << "the address is not to be blocked";
  EXPECT_TRUE(board.is_punished(now, wrong));
  EXPECT_FALSE(board.is_punished(now, right));
  EXPECT_FALSE(board.is_punished(now + 61min, wrong));
}

// A false positive: the passwords' database of the registrar is down, and all fail, some with six lines.
TEST_F(RegisterBruteforceTest, TwoHundredPhonesThatFailOnceOrTwiceAreNotMet) {
  for (int again = 0; again < 2; ++again, now += 30s)
    for (unsigned phone = 0; phone < 200; ++phone)
      for (unsigned line = 0; line < (phone % 10 == 0 ? 6u : 1u); ++line)
        ASSERT_FALSE(is_refused(fail(stranger(1, static_cast<std::uint16_t>(30'000 + phone)),
                                     std::to_string(phone) + "-" + std::to_string(line))));
}

TEST_F(RegisterBruteforceTest, AUserAfterTheOtherFromOneFlowIsMet) {
  int users = 0;
  while (users < 100 && !fail(stranger(), std::to_string(users))) ++users;
  EXPECT_EQ(users, 9) << "the tenth: new users count double, and 4 times 5 are too many";
}

TEST_F(RegisterBruteforceTest, ANewPortForEachTryDoesNotHelp) {
  int tries = 0;
  while (tries < 100 && !fail(stranger(1, static_cast<std::uint16_t>(2000 + tries)))) ++tries;
  EXPECT_EQ(tries, 14);
}

TEST_F(RegisterBruteforceTest, ANewPortAndANewUserForEachTryIsMetInTheEnd) {
  int tries = 0;
  while (tries < 2000 && !fail(stranger(1, static_cast<std::uint16_t>(2000 + tries)), std::to_string(tries)))
    ++tries;
  EXPECT_EQ(tries, 999);
}

// A host has as many addresses of its /64 as it likes.
TEST_F(RegisterBruteforceTest, ANewAddressOfTheSame64ForEachTryDoesNotHelp) {
  Actor actor = stranger();
  std::optional<Finding> finding;
  int tries = 0;
  for (; tries < 4000 && !finding; ++tries) {
    actor.source.address = *IpAddress::parse("2001:db8:0:7::" + std::to_string(1 + tries));
    finding = fail(actor, std::to_string(tries));
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(tries, 1000) << "as many as of an address of IPv4 with a new port for each";
  EXPECT_EQ(finding->action, DetectorAction::Block);
  actor.source.address = *IpAddress::parse("2001:db8:0:8::1");
  EXPECT_FALSE(fail(actor, "somebody")) << "the next subscriber";
}

TEST_F(RegisterBruteforceTest, AnIpv6NetworkOfManySubscribersIsRefusedNotBlocked) {
  std::optional<Finding> finding;
  int tries = 0;
  for (; tries < 4000 && !finding; ++tries) {
    Actor actor = stranger();
    actor.source.address = *IpAddress::parse("2001:db8:0:" + std::to_string(1 + tries) + "::1");
    finding = fail(actor, std::to_string(tries));
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(tries, 2000);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
}

// A false positive: a phone on a subscriber's network is registered, another device there guesses passwords.
TEST_F(RegisterBruteforceTest, AnIpv6SubscriberWithAProvedPhoneIsRefusedNotBlocked) {
  Actor phone = stranger();
  phone.source.address = *IpAddress::parse("2001:db8:0:7::17");
  earn(phone);
  std::optional<Finding> finding;
  for (int tries = 0; tries < 4000 && !finding; ++tries) {
    Actor actor = stranger();
    actor.source.address = *IpAddress::parse("2001:db8:0:7:1::" + std::to_string(1 + tries));
    finding = fail(actor, std::to_string(tries));
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
}

// Nobody can lock another out: whoever fails for a user from everywhere is told, and the user still gets in.
TEST_F(RegisterBruteforceTest, AUserThatManySourcesTryIsToldAndNotLockedOut) {
  std::optional<Finding> finding;
  for (std::uint32_t i = 0; i < 60; ++i) {
    const auto found = fail(stranger(1000 + i * 256), "bob");
    if (found) finding = found;
    ASSERT_FALSE(is_refused(found));
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Log);
  const Actor bob = stranger(7);
  EXPECT_FALSE(is_refused(fail(bob, "bob"))) << "he mistypes once himself";
  EXPECT_FALSE(board.is_punished(now, bob));
}

TEST_F(RegisterBruteforceTest, ALongWindowIsCountedToo) {
  config.register_within = 24h;
  board.adopt(config);
  for (int i = 0; i < 4; ++i, now += 5h) ASSERT_FALSE(is_refused(fail(stranger())));
  EXPECT_TRUE(is_refused(fail(stranger())));
}

// Who may guess no more must not learn of the right one either.
TEST_F(RegisterBruteforceTest, AfterTooManyNoAnswerOfThatFlowIsLookedAtUntilTheWindowIsOver) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(board.are_logins_over(now, stranger(), "alice")) << i;
    (void)board.on_login_failure(now, proved(stranger()), "alice");
  }
  EXPECT_TRUE(board.are_logins_over(now, stranger(), "alice"));
  EXPECT_FALSE(board.are_logins_over(now, stranger(), "bob")) << "another user of that flow";
  EXPECT_FALSE(board.are_logins_over(now, stranger(1, 5999), "alice")) << "another phone there";
  EXPECT_FALSE(board.are_logins_over(now, stranger(2), "alice")) << "nobody locks another one out";
  EXPECT_FALSE(board.are_logins_over(now, peer(1), "alice")) << "a peer";
  now += 60s;
  EXPECT_FALSE(board.are_logins_over(now, stranger(), "alice"));
}

TEST_F(RegisterBruteforceTest, ANewPortForEachGuessDoesNotHelp) {
  std::uint16_t port = 2000;
  int guesses = 0;
  for (; guesses < 100 && !board.are_logins_over(now, stranger(1, ++port), "alice"); ++guesses)
    (void)board.on_login_failure(now, proved(stranger(1, port)), "alice");
  EXPECT_EQ(guesses, 15);
}

TEST_F(RegisterBruteforceTest, WhereItOnlyLogsEveryAnswerIsLookedAt) {
  config.register_bruteforce.action = DetectorAction::Log;
  board.adopt(config);
  for (int i = 0; i < 100; ++i) (void)board.on_login_failure(now, proved(stranger()), "alice");
  EXPECT_FALSE(board.are_logins_over(now, stranger(), "alice"));
  config.register_bruteforce.action = DetectorAction::Reject;
  board.adopt(config);
  EXPECT_TRUE(board.are_logins_over(now, stranger(), "alice")) << "what was counted counts at once";
}

}  // namespace
}  // namespace sallyport::policy
