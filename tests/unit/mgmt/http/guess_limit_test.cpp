// guess_limit_test.cpp — how often wrong tokens are looked at, by source. Threats R12.
#include "mgmt/http/guess_limit.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

IpAddress address(const char* text) { return *IpAddress::parse(text); }

// Tokens that are looked at when one is shown at each moment.
std::uint32_t looked_at(GuessLimit& limit, const IpAddress& source, Timestamp now, std::uint32_t shown) {
  std::uint32_t out = 0;
  for (std::uint32_t i = 0; i < shown; ++i) {
    if (!limit.may_guess(source, now)) continue;
    ++out;
    limit.wrong(source, now);
  }
  return out;
}

TEST(GuessLimit, LooksAtAFewAtOnceAndThenAtOneNowAndThen) {
  GuessLimit limit;
  const IpAddress source = address("192.0.2.1");
  Timestamp now{1h};
  EXPECT_EQ(looked_at(limit, source, now, 1000), GuessLimit::kGuessesMax);
  EXPECT_EQ(limit.wait(source, now), GuessLimit::kGuessEach);
  EXPECT_EQ(looked_at(limit, source, now + GuessLimit::kGuessEach - 1ns, 1000), 0u);
  now += GuessLimit::kGuessEach;
  EXPECT_EQ(looked_at(limit, source, now, 1000), 1u);
  now += 24h;
  EXPECT_EQ(looked_at(limit, source, now, 1000), GuessLimit::kGuessesMax) << "no more than at first";
}

TEST(GuessLimit, OneSourceDoesNotUseUpAnothersGuesses) {
  GuessLimit limit;
  const Timestamp now{1h};
  looked_at(limit, address("192.0.2.1"), now, 100);
  EXPECT_TRUE(limit.may_guess(address("192.0.2.2"), now));
  EXPECT_FALSE(limit.may_guess(address("192.0.2.1"), now));
}

// Whoever holds a /64, or this machine, has more addresses than there are guesses.
TEST(GuessLimit, AddressesThatOneHoldsAreOneSource) {
  GuessLimit limit;
  const Timestamp now{1h};
  looked_at(limit, address("2001:db8::1"), now, 100);
  EXPECT_FALSE(limit.may_guess(address("2001:db8::ffff"), now));
  EXPECT_TRUE(limit.may_guess(address("2001:db8:0:1::1"), now));
  looked_at(limit, address("127.0.0.1"), now, 100);
  EXPECT_FALSE(limit.may_guess(address("127.8.0.9"), now));
  EXPECT_FALSE(limit.may_guess(address("::1"), now));
}

TEST(GuessLimit, ATableThatIsFullForgetsWhoWasHeardOfLongestAgo) {
  GuessLimit limit;
  Timestamp now{1h};
  looked_at(limit, address("192.0.2.1"), now, 100);
  limit.right(address("192.0.2.2"), 3, now);
  for (std::uint32_t i = 0; i < 10 * GuessLimit::kSourcesMax; ++i) {
    now += 1us;
    limit.wrong(IpAddress::v4(0x0a000000 + i), now);
  }
  EXPECT_EQ(limit.sources(), GuessLimit::kSourcesMax);
  EXPECT_TRUE(limit.may_guess(address("192.0.2.1"), now));
  EXPECT_EQ(limit.tokens_proved(address("192.0.2.2")), 8u) << "a client that works is not pushed out";
}

}  // namespace
}  // namespace sallyport::mgmt
