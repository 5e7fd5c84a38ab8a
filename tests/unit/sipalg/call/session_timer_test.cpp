// session_timer_test.cpp — Session-Expires and Min-SE as they are read, agreed on and due: RFC 4028 §4, §7,
// §9, §10.
#include "sipalg/call/session_timer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

constexpr Timestamp kNow{1h};

SessionWish wish_of(const std::vector<std::string>& lines) {
  tests::MessageBuilder builder("INVITE");
  for (const std::string& line : lines) builder.line(line);
  const std::string bytes = builder.build();
  SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete) << bytes;
  return session_wish(message);
}

TEST(SessionTimer, ReadsIntervalRefresherAndMinimum) {
  const SessionWish wish =
      wish_of({"Supported: 100rel, timer", "Session-Expires: 1800 ; Refresher=UAC;x=y", "Min-SE: 120;z"});
  EXPECT_EQ(wish.seconds, 1800u);
  EXPECT_EQ(wish.refresher, Refresher::Uac);
  EXPECT_EQ(wish.min_seconds, 120u);
  EXPECT_TRUE(wish.supports);
  EXPECT_EQ(wish_of({"x: 600;refresher=uas", "k: timer"}).seconds, 600u) << "compact form, RFC 4028 §4";
  EXPECT_TRUE(wish_of({"Require: timer"}).supports);
  EXPECT_FALSE(wish_of({"Supported: timers, xtimer"}).supports);
}

TEST(SessionTimer, WhatCantBeReadIsNotThere) {
  for (const char* const value : {"", "x", "-5", "1e9", "4294967296", "99999999999999999999999", "1800 1800",
                                  "1800;refresher=\"uac", "1800,90"})
    EXPECT_FALSE(wish_of({"Session-Expires: " + std::string(value)}).seconds) << value;
  EXPECT_FALSE(wish_of({"Session-Expires: 1800", "Session-Expires: 1800"}).seconds);
  EXPECT_FALSE(wish_of({"Session-Expires: 1800", "x: 90"}).seconds);
  EXPECT_EQ(wish_of({"Session-Expires: 1800;refresher=xyz"}).refresher, Refresher::None);
  EXPECT_EQ(wish_of({"Min-SE: 4294967296"}).min_seconds, 0u);
  EXPECT_EQ(wish_of({"Session-Expires: 4294967295"}).seconds, 4294967295u);
}

// RFC 4028 §9: only who knows 422 can be told.
TEST(SessionTimer, IntervalIsTooSmallForThoseAloneWhoSupportTimers) {
  EXPECT_TRUE(is_interval_too_small(wish_of({"Supported: timer", "Session-Expires: 89"})));
  EXPECT_TRUE(is_interval_too_small(wish_of({"Supported: timer", "Session-Expires: 0"})));
  EXPECT_FALSE(is_interval_too_small(wish_of({"Supported: timer", "Session-Expires: 90"})));
  EXPECT_FALSE(is_interval_too_small(wish_of({"Session-Expires: 30"})));
  EXPECT_FALSE(is_interval_too_small(wish_of({"Supported: timer"})));
}

struct UasCase {
  const char* what;
  SessionWish theirs;
  std::uint32_t ours;
  std::uint32_t seconds;  // 0: no timer
  bool is_ours;
};

// RFC 4028 §9, table 2
TEST(SessionTimer, AgreesAsUas) {
  const std::vector<UasCase> cases{
      {"no support, no interval", {}, 1800, 0, false},
      {"ours is off", {1800, 0, Refresher::Uac, true}, 0, 0, false},
      {"support alone", {{}, 0, Refresher::None, true}, 1800, 1800, false},
      {"theirs is longer", {3600, 0, Refresher::None, true}, 1800, 1800, false},
      {"theirs is shorter", {600, 0, Refresher::Uac, true}, 1800, 600, false},
      {"they want us to", {600, 0, Refresher::Uas, true}, 1800, 600, true},
      {"not below their minimum", {3600, 2400, Refresher::None, true}, 1800, 2400, false},
      {"a minimum beyond a day is no wish", {3600, 90'000, Refresher::None, true}, 1800, 1800, false},
      {"a proxy asks for one who knows nothing", {600, 0, Refresher::Uac, false}, 1800, 600, true},
      {"a proxy asks for too little", {1, 0, Refresher::None, false}, 1800, kMinSessionSeconds, true},
      {"the largest there is", {4294967295u, 0, Refresher::None, true}, 1800, 1800, false},
  };
  for (const UasCase& each : cases) {
    const auto timer = agreed_as_uas(each.theirs, each.ours, nullptr);
    ASSERT_EQ(timer.has_value(), each.seconds != 0) << each.what;
    if (!timer) continue;
    EXPECT_EQ(timer->seconds, each.seconds) << each.what;
    EXPECT_EQ(timer->is_ours, each.is_ours) << each.what;
  }
}

TEST(SessionTimer, RefresherStaysWhoItWasUnlessSomebodySaysOtherwise) {
  SessionTimer before;
  before.is_ours = true;
  EXPECT_TRUE(agreed_as_uas({600, 0, Refresher::None, true}, 1800, &before)->is_ours);
  EXPECT_FALSE(agreed_as_uas({600, 0, Refresher::Uac, true}, 1800, &before)->is_ours);
}

// RFC 4028 §7.2
TEST(SessionTimer, AgreesAsUac) {
  EXPECT_FALSE(agreed_as_uac({}, nullptr));
  EXPECT_FALSE(agreed_as_uac({600, 0, Refresher::Uas, true}, nullptr)->is_ours);
  EXPECT_TRUE(agreed_as_uac({600, 0, Refresher::Uac, true}, nullptr)->is_ours);
  EXPECT_TRUE(agreed_as_uac({600, 0, Refresher::None, true}, nullptr)->is_ours);
  EXPECT_EQ(agreed_as_uac({0, 0, Refresher::Uac, true}, nullptr)->seconds, kMinSessionSeconds);
  EXPECT_EQ(agreed_as_uac({4294967295u, 0, Refresher::Uas, true}, nullptr)->seconds, kMaxSessionSeconds);
}

// RFC 4028 §10
TEST(SessionTimer, IsDueAtHalfTheIntervalForUsAndNearItsEndForThem) {
  SessionTimer timer;
  timer.seconds = 1800;
  timer.is_ours = true;
  begin(timer, kNow);
  EXPECT_EQ(timer.due, kNow + 900s);
  EXPECT_EQ(end_of(timer), kNow + 1768s);
  timer.is_ours = false;
  begin(timer, kNow);
  EXPECT_EQ(timer.due, kNow + 1768s);
  timer.seconds = 90;
  begin(timer, kNow);
  EXPECT_EQ(timer.due, kNow + 60s) << "a third, which is less than 32 s";
  postpone(timer, kNow, 10s);
  EXPECT_EQ(timer.due, kNow + 10s);
  postpone(timer, kNow, 1h);
  EXPECT_EQ(timer.due, end_of(timer));
}

// RFC 4028 §7.3
TEST(SessionTimer, LargerMinimumIsFollowedTwiceAndNeverBeyondADay) {
  std::uint32_t seconds = 1800, min = 90;
  std::uint8_t times = 0;
  EXPECT_FALSE(raise(seconds, min, times, {}));
  EXPECT_FALSE(raise(seconds, min, times, {{}, 1800, Refresher::None, false})) << "no larger than ours";
  EXPECT_FALSE(raise(seconds, min, times, {{}, 86'401, Refresher::None, false}));
  EXPECT_EQ(times, 0);
  EXPECT_TRUE(raise(seconds, min, times, {{}, 3600, Refresher::None, false}));
  EXPECT_EQ(seconds, 3600u);
  EXPECT_EQ(min, 3600u);
  EXPECT_TRUE(raise(seconds, min, times, {{}, 7200, Refresher::None, false}));
  EXPECT_FALSE(raise(seconds, min, times, {{}, 8000, Refresher::None, false}));
}

TEST(SessionTimer, LinesSayWhoRefreshes) {
  SessionTimer timer;
  timer.seconds = 600;
  const SessionWish supports{600, 0, Refresher::None, true};
  EXPECT_EQ(lines_for_answer(timer, supports), "Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n");
  timer.is_ours = true;
  EXPECT_EQ(lines_for_answer(timer, supports), "Session-Expires: 600;refresher=uas\r\n");
  EXPECT_EQ(lines_for_request(timer), "Session-Expires: 600;refresher=uac\r\nMin-SE: 90\r\n");
  timer.is_ours = false;
  EXPECT_EQ(lines_for_request(timer), "Session-Expires: 600;refresher=uas\r\nMin-SE: 90\r\n");
  EXPECT_EQ(lines_for_invite(1800, 90), "Session-Expires: 1800\r\nMin-SE: 90\r\n");
}

}  // namespace
}  // namespace sallyport::sip
