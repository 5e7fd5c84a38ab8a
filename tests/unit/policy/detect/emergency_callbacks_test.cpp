// emergency_callbacks_test.cpp — who has called for help may be called back. Threats I8, RFC 7090 §1.
#include "policy/detect/emergency_callbacks.h"

#include "policy/detect/caller_list.h"
#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class CallbacksTest : public BoardTest {
 protected:
  // Calls to that number that are refused, of so many within a second.
  int refused_of(const Actor& actor, std::string_view called, int calls = 2000) {
    int refused = 0;
    for (int i = 0; i < calls; ++i) refused += is_refused(call(actor, called)) ? 1 : 0;
    return refused;
  }
  EmergencyCallbacks callbacks{kKey};
};

TEST_F(CallbacksTest, LastForTheirTime) {
  callbacks.note("+4930123456", now, now + 30min);
  EXPECT_TRUE(callbacks.holds("+4930123456", now));
  EXPECT_TRUE(callbacks.holds("+4930123456", now + 29min));
  EXPECT_FALSE(callbacks.holds("+4930123456", now + 31min));
  EXPECT_FALSE(callbacks.holds("+4930123457", now));
  callbacks.note("+4930123456", now + 20min, now + 50min);
  EXPECT_TRUE(callbacks.holds("+4930123456", now + 40min)) << "the last call counts";
}

TEST_F(CallbacksTest, KnowTheNationalAndTheInternationalForm) {
  callbacks.note("030-12345678", now, now + 30min);
  for (const char* const number : {"+493012345678", "00493012345678", "3012345678", "%2B493012345678"})
    EXPECT_TRUE(callbacks.holds(number, now)) << number;
  callbacks.note("1001", now, now + 30min);
  EXPECT_TRUE(callbacks.holds("1001", now));
  EXPECT_FALSE(callbacks.holds("+4930551001", now)) << "a short number is whole";
}

TEST_F(CallbacksTest, NobodyIsCalledBackWithoutANumberOrATime) {
  callbacks.note("", now, now + 30min);
  callbacks.note("+4930123456", now, now);
  EXPECT_FALSE(callbacks.holds("", now));
  EXPECT_FALSE(callbacks.holds("+4930123456", now));
}

TEST_F(CallbacksTest, AFullTableForgetsAndDoesNoHarm) {
  for (int i = 0; i < 1'000'000; ++i) callbacks.note(std::to_string(10'000'000 + i), now, now + 30min);
  callbacks.note("+4930123456", now, now + 31min);
  EXPECT_TRUE(callbacks.holds("+4930123456", now)) << "the one whose time ends last stays";
}

TEST_F(CallbacksTest, NoDetectorRefusesACallBack) {
  config.toll_fraud_prefixes = {"+4930"};
  config.toll_fraud_concurrent = 0;
  config.denied_callers = make_value<CallerList>(std::vector<std::string>{"+49112*"});
  board.adopt(config);
  EXPECT_GT(refused_of(peer(), "+4930123456"), 0);
  board.on_emergency(now, "+4930123456", now + 30min);
  EXPECT_EQ(refused_of(peer(), "+4930123456"), 0);
  EXPECT_EQ(refused_of(endpoint(), "+4930123456"), 0) << "an office answers for help, too";
  EXPECT_FALSE(board.before_call(now, peer(), {.called = "+4930123456", .caller = "+49112001"}));
  EXPECT_GT(refused_of(endpoint(), "+4930777777"), 0) << "others are looked at as before";
}

TEST_F(CallbacksTest, AStrangerIsNoCallBackAndItsTimeEnds) {
  board.on_emergency(now, "+4930123456", now + 30min);
  EXPECT_GT(refused_of(stranger(), "+4930123456"), 0);
  now += 31min;
  EXPECT_GT(refused_of(peer(), "+4930123456"), 0);
}

}  // namespace
}  // namespace sallyport::policy
