// call_spam_test.cpp — callers who are named: refused, or let pass where tdos would refuse them.
#include "policy/detect/call_spam.h"

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class CallSpamTest : public BoardTest {
 protected:
  void lists(const std::vector<std::string>& denied, const std::vector<std::string>& allowed = {}) {
    config.denied_callers = make_value<CallerList>(denied);
    config.allowed_callers = make_value<CallerList>(allowed);
    board.adopt(config);
  }
  std::optional<Finding> call_of(const Actor& actor, std::string_view caller,
                                 std::string_view called = "+4930123456") {
    return board.before_call(now, actor, {.called = called, .caller = caller});
  }
};

TEST_F(CallSpamTest, AsShippedNobodyIsNamed) {
  EXPECT_FALSE(call_of(peer(), "+499001234"));
  EXPECT_FALSE(call_of(endpoint(), ""));
}

TEST_F(CallSpamTest, ACallerOnTheListIsRefusedAndNamedOnce) {
  lists({"+49900*"});
  const auto finding = call_of(proved(peer()), "0049900123456");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::CallSpam);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
  EXPECT_EQ(finding->evidence, "1 call of a number that is on the list of callers, 0 allowed");
  EXPECT_TRUE(finding->is_told);
  const auto again = call_of(proved(peer()), "0049900123456");
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_told) << "told a moment ago";
  EXPECT_FALSE(call_of(peer(), "+4930900"));
  EXPECT_FALSE(call_of(peer(), "")) << "who shows no number is on no list";
}

TEST_F(CallSpamTest, NobodyIsBlockedForIt) {
  lists({"+49900*"});
  for (const DetectorAction action :
       {DetectorAction::Log, DetectorAction::Challenge, DetectorAction::Reject}) {
    config.call_spam.action = action;
    board.adopt(config);
    const auto finding = call_of(endpoint(), "+499001" + std::to_string(static_cast<int>(action)));
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->action, action);
  }
}

TEST_F(CallSpamTest, WhoIsAllowedIsRefusedByNeitherListNorTdos) {
  lists({"+49*"}, {"+4930555"});
  for (int i = 0; i < 2000; ++i) ASSERT_FALSE(call_of(peer(), "+4930555")) << i;
  EXPECT_TRUE(call_of(peer(), "+4930556"));
}

TEST_F(CallSpamTest, WhoIsAllowedMayNotDialCostlyNumbersForEver) {
  lists({}, {"+4930555"});
  int refused = 0;
  for (int i = 0; i < 12; ++i)
    refused += is_refused(call_of(endpoint(), "+4930555", "+8821600123456")) ? 1 : 0;
  EXPECT_EQ(refused, 2);
}

TEST_F(CallSpamTest, AReloadChangesTheListsAtOnce) {
  lists({"+49900*"});
  EXPECT_TRUE(call_of(peer(), "+49900123"));
  lists({"+49137*"});
  EXPECT_FALSE(call_of(peer(), "+49900123"));
  EXPECT_TRUE(call_of(peer(), "+49137123"));
}

TEST_F(CallSpamTest, AnEmergencyCallIsNeverRefused) {
  lists({"+49900*"});
  EXPECT_FALSE(
      board.before_call(now, peer(), {.called = "112", .caller = "+49900123", .is_emergency = true}));
}

}  // namespace
}  // namespace sallyport::policy
