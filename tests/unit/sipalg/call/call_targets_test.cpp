// call_targets_test.cpp — what the board of targets says of where a call may go, and what a call says to the
// board: RFC 3261 §21.5.4, RFC 3263 §4.3.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::only;
using tests::SentMessage;

class CallTargetsTest : public ::testing::Test, public CallFixture {
 protected:
  [[nodiscard]] const policy::BoardTarget& target(std::size_t position) {
    return *(*board().targets_of(PeerIndex{1}))[position];
  }
  [[nodiscard]] std::uint32_t calls_at(std::size_t position) {
    return target(position).calls.load(std::memory_order_relaxed);
  }
};

TEST_F(CallTargetsTest, CallIsCountedWhileItIsAtItsTarget) {
  set_up_call();
  EXPECT_EQ(calls_at(0), 1u);
  EXPECT_EQ(calls_at(1), 0u);
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_EQ(calls_at(0), 0u);
}

TEST_F(CallTargetsTest, FailedTargetHasTheCallNoMore) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(calls_at(0), 1u);
  const auto next = from_pbx(answer(out, 500, "t"));
  EXPECT_EQ(calls_at(0), 0u);
  EXPECT_EQ(calls_at(1), 1u);
  (void)from(second_pbx, answer(only(next, "INVITE"), 500, "t"));
  EXPECT_EQ(calls_at(1), 0u);
}

TEST_F(CallTargetsTest, CallIsCountedAgainAfterARestart) {
  set_up_call();
  restart();
  EXPECT_EQ(calls_at(0), 1u);
}

TEST_F(CallTargetsTest, TargetThatIsDownIsPassedOver) {
  target(0).is_up.store(false, std::memory_order_relaxed);
  EXPECT_EQ(only(from_carrier(invite().build()), "INVITE").path.remote, second_pbx);
}

TEST_F(CallTargetsTest, WhenAllAreDownTheyAreTriedAllTheSame) {
  target(0).is_up.store(false, std::memory_order_relaxed);
  target(1).is_up.store(false, std::memory_order_relaxed);
  EXPECT_TRUE(holds(from_carrier(invite().build()), "INVITE"));
}

// RFC 3261 §21.5.4: the whole of Sallyport is not what is to be left alone.
TEST_F(CallTargetsTest, SilenceOfTargetsThatAreDownIsNoWayToWhoeverIsCalled) {
  target(0).is_up.store(false, std::memory_order_relaxed);
  target(1).is_up.store(false, std::memory_order_relaxed);
  (void)from_carrier(invite().build());
  auto sent = wait(6s);
  if (!holds(sent, "503")) sent = wait(6s);
  const SentMessage refusal = only(sent, "503");
  EXPECT_EQ(refusal.path.remote, carrier);
  EXPECT_EQ(refusal.header("Retry-After"), "");
}

TEST_F(CallTargetsTest, SilenceOfATargetThatRangFirstIsATimeout) {
  target(0).is_up.store(false, std::memory_order_relaxed);
  target(1).is_up.store(false, std::memory_order_relaxed);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 180, "t", "Contact: <sip:desk@198.18.2.2>\r\n"));
  EXPECT_TRUE(holds(wait(4min), "408"));
}

// RFC 3261 §21.5.4, §20.33
TEST_F(CallTargetsTest, TargetThatAsksForAPauseIsLeftAlone) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(out, 503, "t", "Retry-After: 30 (busy);duration=5\r\n")), "INVITE"));
  const auto again = [this](const char* name) {
    return only(from_carrier(invite()
                                 .call_id(name)
                                 .via(std::string("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK") + name)
                                 .build()),
                "INVITE");
  };
  EXPECT_EQ(again("second").path.remote, second_pbx);
  (void)wait(std::chrono::seconds(31));
  EXPECT_EQ(again("third").path.remote, pbx);
}

// The board's list is that of a name: its host stands in Request-URI and To.
TEST_F(CallTargetsTest, NameThatWasResolvedStandsInRequestUriAndTo) {
  config.peers[1].targets = {{.address = {}, .domain = "pbx.example.net"}};
  auto named = std::make_shared<policy::BoardTarget>();
  named->address = pbx;
  named->transport = config.peers[1].transport;
  named->host = "pbx.example.net";
  board().publish(PeerIndex{1}, {named});
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.uri(), "sip:+15551234567@pbx.example.net");
  EXPECT_EQ(out.header("To"), "<sip:+15551234567@pbx.example.net>");
}

TEST_F(CallTargetsTest, NameThatIsNotKnownYetIsNoTarget) {
  config.peers[1].targets = {{.address = {}, .domain = "pbx.example.net"}};
  EXPECT_TRUE(holds(from_carrier(invite().build()), "503"));
}

}  // namespace
}  // namespace sallyport::sip
