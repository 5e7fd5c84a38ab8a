// call_desk_test.cpp — calls of several engines as one list; who is asked for a call, and in which order.
#include "mgmt/calls/call_desk.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

struct Rig {
  FakeEngines engines{3};
  CallDesk desk{engines, fake_wall_time};
};

std::vector<std::uint64_t> numbers(const CallPage& page) {
  std::vector<std::uint64_t> out;
  for (const sip::CallView& call : page.calls) out.push_back(call.record.call);
  return out;
}

using Numbers = std::vector<std::uint64_t>;

TEST(CallDesk, ListsTheCallsOfAllEnginesTheOldestFirst) {
  Rig rig;
  rig.engines.desk(0).calls_ = {answered_call(10), answered_call(13)};
  rig.engines.desk(2).calls_ = {answered_call(5), answered_call(12)};
  const auto page = rig.desk.list(0, 100);
  ASSERT_TRUE(page);
  EXPECT_EQ(numbers(*page), (Numbers{5, 10, 12, 13}));
  EXPECT_FALSE(page->next);
  EXPECT_EQ(rig.desk.calls_active(), 4u);
}

TEST(CallDesk, CursorLeadsThroughAllPagesAndLeavesNothingOut) {
  Rig rig;
  for (std::uint64_t call = 1; call <= 20; ++call)
    rig.engines.desk(call % 3).calls_.push_back(answered_call(call));
  Numbers seen;
  std::uint64_t cursor = 0;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = rig.desk.list(cursor, 7);
    ASSERT_TRUE(page);
    for (const std::uint64_t number : numbers(*page)) seen.push_back(number);
    if (!page->next) break;
    cursor = *page->next;
  }
  Numbers all;
  for (std::uint64_t call = 1; call <= 20; ++call) all.push_back(call);
  EXPECT_EQ(seen, all);
}

TEST(CallDesk, LastPageThatIsFullHasNoCursor) {
  Rig rig;
  rig.engines.desk(1).calls_ = {answered_call(1), answered_call(2)};
  EXPECT_FALSE(rig.desk.list(0, 2)->next);
  EXPECT_EQ(rig.desk.list(0, 1)->next, 1u);
}

TEST(CallDesk, SearchLeadsThroughAllThatHaveItPageByPage) {
  Rig rig;
  for (std::uint64_t call = 1; call <= 3000; ++call) {
    rig.engines.desk(call % 3).calls_.push_back(answered_call(call));
    if (call % 100 == 0) rig.engines.desk(call % 3).calls_.back().record.called_in = "+49 89 4711";
  }
  Numbers seen;
  for (std::optional<std::uint64_t> cursor = 0; cursor && seen.size() < 100;) {
    const auto page = rig.desk.search(*cursor, 7, CallSearch("+49894711"));
    ASSERT_TRUE(page);
    EXPECT_LE(page->calls.size(), 7u);
    for (const std::uint64_t number : numbers(*page)) seen.push_back(number);
    cursor = page->next;
  }
  Numbers wanted;
  for (std::uint64_t call = 100; call <= 3000; call += 100) wanted.push_back(call);
  EXPECT_EQ(seen, wanted);
  EXPECT_TRUE(rig.desk.search(0, 7, CallSearch("nobody"))->calls.empty());
}

// One answer looks at so many: whoever asks goes on behind them.
TEST(CallDesk, SearchOfVeryManyCallsGoesOnWithTheNextPage) {
  Rig rig;
  const std::uint64_t last = CallDesk::kSearchedMax + 10;
  for (std::uint64_t call = 1; call <= last; ++call) {
    rig.engines.desk(0).calls_.emplace_back().record.call = call;
    rig.engines.desk(0).calls_.back().record.route = call == last ? "wanted" : "";
  }
  const auto first = rig.desk.search(0, 10, CallSearch("wanted"));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->calls.empty());
  ASSERT_TRUE(first->next);
  const auto second = rig.desk.search(*first->next, 10, CallSearch("wanted"));
  EXPECT_EQ(numbers(*second), (Numbers{last}));
  EXPECT_FALSE(second->next);
}

TEST(CallDesk, FindsByOwnIdAndByTheCallIdOfAnyLeg) {
  Rig rig;
  rig.engines.desk(1).calls_ = {answered_call(0x6740'8c3e'0000'0001)};
  for (const char* id : {"67408c3e-00000001", "abc@198.18.1.2"}) {
    const auto found = rig.desk.find(id, false);
    ASSERT_TRUE(found) << id;
    EXPECT_EQ(found->call.record.call, 0x6740'8c3e'0000'0001u);
  }
  EXPECT_EQ(rig.desk.find("nobody@nowhere", false).error(), CallDeskFailure::NoSuchCall);
  EXPECT_EQ(rig.desk.find("", false).error(), CallDeskFailure::NoSuchCall);
}

TEST(CallDesk, AsksTheEngineOfTheCallIdFirst) {
  Rig rig;
  rig.engines.home_ = 2;
  rig.engines.desk(2).calls_ = {answered_call(1)};
  EXPECT_TRUE(rig.desk.find("abc@198.18.1.2", false));
  EXPECT_EQ(rig.engines.asked_, (std::vector<std::size_t>{2}));
  rig.engines.asked_.clear();
  EXPECT_FALSE(rig.desk.find("other", false));
  EXPECT_EQ(rig.engines.asked_, (std::vector<std::size_t>{2, 0, 1}));
}

TEST(CallDesk, IdLongerThanAnyCallIdAsksNobody) {
  Rig rig;
  EXPECT_FALSE(rig.desk.find(std::string(CallDesk::kIdBytesMax + 1, 'a'), true));
  EXPECT_TRUE(rig.engines.asked_.empty());
}

TEST(CallDesk, TraceHasTheMessagesOfTheCallOnly) {
  Rig rig;
  FakeDesk& desk = rig.engines.desk(0);
  desk.calls_ = {answered_call(1)};
  for (std::uint64_t call : {1u, 2u, 1u}) {
    sip::RingMessage message;
    message.call = call;
    message.bytes = "OPTIONS";
    desk.ring_.add(message);
  }
  EXPECT_EQ(rig.desk.find("abc@198.18.1.2", true)->messages.size(), 2u);
  EXPECT_TRUE(rig.desk.find("abc@198.18.1.2", false)->messages.empty());
}

TEST(CallDesk, TraceKeepsTheLastMessagesOfACallThatHasTooMany) {
  Rig rig;
  FakeDesk& desk = rig.engines.desk(0);
  desk.calls_ = {answered_call(1)};
  for (std::size_t i = 0; i < CallDesk::kMessagesMax + 5; ++i) {
    sip::RingMessage message;
    message.call = 1;
    const std::string text = std::to_string(i);
    message.bytes = text;
    desk.ring_.add(message);
  }
  const auto trace = rig.desk.find("abc@198.18.1.2", true);
  ASSERT_EQ(trace->messages.size(), CallDesk::kMessagesMax);
  EXPECT_TRUE(trace->is_cut);
  EXPECT_EQ(trace->messages.front().bytes, "5");
}

TEST(CallDesk, HangsUpOnceAndNoCallThatIsOver) {
  Rig rig;
  rig.engines.desk(1).calls_ = {answered_call(7)};
  const auto ended = rig.desk.hang_up("abc@198.18.1.2");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->record.call, 7u);
  EXPECT_TRUE(rig.engines.desk(1).calls_[0].is_over);
  EXPECT_EQ(rig.desk.hang_up("abc@198.18.1.2").error(), CallDeskFailure::NoSuchCall);
}

TEST(CallDesk, DrainsAllEnginesAndSaysHowManyCallsAreUp) {
  Rig rig;
  rig.engines.desk(1).calls_ = {answered_call(7), answered_call(8)};
  EXPECT_EQ(rig.desk.drain(), 2u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(rig.engines.desk(i).drains_);
}

TEST(CallDesk, OneMomentIsAlwaysShownAsOneTimeUntilTheTimeOfDayIsSet) {
  FakeEngines engines(1);
  WallTime wall = fake_wall_time();
  CallDesk desk(engines, [&wall] { return wall; });
  engines.desk(0).calls_ = {answered_call(1)};
  const auto shown = [&] { return desk.list(0, 1)->clocks.wall_at(moment(1000)); };
  const WallTime first = shown();
  engines.now_ += std::chrono::microseconds(1'000'700);
  wall += std::chrono::milliseconds(999);
  EXPECT_EQ(shown(), first);
  wall += std::chrono::hours(1);
  EXPECT_EQ(shown(), first + std::chrono::hours(1) - std::chrono::milliseconds(1));
}

TEST(CallDesk, EngineThatDoesNotAnswerIsSaid) {
  Rig rig;
  rig.engines.stuck_ = 1;
  EXPECT_EQ(rig.desk.list(0, 10).error(), CallDeskFailure::Busy);
  EXPECT_EQ(rig.desk.find("x", true).error(), CallDeskFailure::Busy);
  EXPECT_EQ(rig.desk.hang_up("x").error(), CallDeskFailure::Busy);
  EXPECT_EQ(rig.desk.drain().error(), CallDeskFailure::Busy);
  EXPECT_TRUE(rig.engines.desk(2).drains_);
}

}  // namespace
}  // namespace sallyport::mgmt
