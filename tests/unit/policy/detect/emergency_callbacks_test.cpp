// emergency_callbacks_test.cpp — who has called for help may be called back. Threats I8, RFC 7090 §1.
#include "policy/detect/emergency_callbacks.h"

#include <optional>
#include <string>

#include "policy/base/archive.h"
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

// A restart: bytes of one run, read by the next, whose clock and keys are others.
class SavedCallbacksTest : public CallbacksTest {
 protected:
  static constexpr Timestamp kLater{10min};
  std::string bytes_of(const EmergencyCallbacks& from) const {
    std::string bytes;
    ArchiveWriter writer(bytes, now);
    writer(from.saved(now));
    return bytes;
  }
  static std::optional<SavedCallbacks> read(std::string_view bytes) {
    ArchiveReader reader(bytes, kLater);
    SavedCallbacks out;
    reader(out);
    return reader.done() ? std::optional(out) : std::nullopt;
  }
  EmergencyCallbacks next{HashKey{77, 78}};
};

TEST_F(SavedCallbacksTest, AreKnownAfterARestart) {
  callbacks.note("+4930123456", now, now + 30min);
  callbacks.note("1001", now, now + 10min);
  callbacks.note("+4930999999", now - 20min, now - 1min);  // over
  const auto saved = read(bytes_of(callbacks));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->entries.size(), 2u);
  ASSERT_TRUE(next.restore(*saved, kLater, 0s, 30min));
  for (const char* const number : {"+4930123456", "030-123456", "1001"})
    EXPECT_TRUE(next.holds(number, kLater + 9min)) << number;
  EXPECT_FALSE(next.holds("1001", kLater + 11min));
  EXPECT_TRUE(next.holds("+4930123456", kLater + 29min));
  EXPECT_FALSE(next.holds("+4930123456", kLater + 31min));
  EXPECT_FALSE(next.holds("+4930999999", kLater));
  next.note("+4930555555", kLater, kLater + 30min);
  EXPECT_TRUE(next.holds("+4930555555", kLater + 1min)) << "and it goes on";
}

TEST_F(SavedCallbacksTest, TheTimeWithoutANodeCounts) {
  callbacks.note("+4930123456", now, now + 30min);
  const auto saved = read(bytes_of(callbacks));
  ASSERT_TRUE(saved && next.restore(*saved, kLater, 20min, 30min));
  EXPECT_TRUE(next.holds("+4930123456", kLater + 9min));
  EXPECT_FALSE(next.holds("+4930123456", kLater + 11min));
  EmergencyCallbacks much_later{HashKey{79, 80}};
  ASSERT_TRUE(much_later.restore(*saved, kLater, 365 * 24h, 30min));
  EXPECT_FALSE(much_later.holds("+4930123456", kLater));
}

TEST_F(SavedCallbacksTest, AreNotLongerThanTheConfigurationSaysNow) {
  callbacks.note("+4930123456", now, now + 30min);
  const auto saved = read(bytes_of(callbacks));
  ASSERT_TRUE(saved && next.restore(*saved, kLater, 0s, 5min));
  EXPECT_TRUE(next.holds("+4930123456", kLater + 4min));
  EXPECT_FALSE(next.holds("+4930123456", kLater + 6min));
}

// Each engine of the node writes them: all are read, in any order, and a second run's come behind the
// first's.
TEST_F(SavedCallbacksTest, OfOneNodeComeTogether) {
  callbacks.note("+4930123456", now, now + 30min);
  const auto early = read(bytes_of(callbacks));
  callbacks.note("1001", now, now + 20min);
  const auto late = read(bytes_of(callbacks));
  ASSERT_TRUE(late && early);
  EXPECT_TRUE(next.restore(*late, kLater, 0s, 30min));
  EXPECT_TRUE(next.restore(*early, kLater, 0s, 30min));
  EXPECT_EQ(next.saved(kLater).entries.size(), 2u);
  EXPECT_TRUE(callbacks.restore(next.saved(kLater), kLater, 0s, 30min)) << "they are its own";
}

TEST_F(SavedCallbacksTest, ThatCannotBeOursChangeNothing) {
  callbacks.note("+4930123456", now, now + 30min);
  const SavedCallbacks saved = callbacks.saved(now);
  next.note("1001", now, now + 30min);
  EXPECT_FALSE(next.restore(saved, now, 0s, 30min)) << "it has numbers under another key";
  EXPECT_TRUE(next.holds("1001", now));
  EmergencyCallbacks fresh{HashKey{81, 82}};
  EXPECT_FALSE(fresh.restore(saved, now, -1s, 30min));
  SavedCallbacks many = saved;
  many.entries.resize(8193, many.entries.front());
  EXPECT_FALSE(fresh.restore(many, now, 0s, 30min));
  EXPECT_TRUE(fresh.saved(now).entries.empty());
}

TEST_F(SavedCallbacksTest, ShortBytesAreRefusedAndImpossibleTimesDoNoHarm) {
  callbacks.note("+4930123456", now, now + 30min);
  const std::string bytes = bytes_of(callbacks);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(read(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_FALSE(read(bytes + "x"));
  SavedCallbacks saved = callbacks.saved(now);
  for (const Timestamp until : {Timestamp::min(), Timestamp{}, Timestamp::max()}) {
    saved.entries = {{0, until}, {~std::uint64_t{0}, until}};
    EmergencyCallbacks fresh{HashKey{83, 84}};
    EXPECT_TRUE(fresh.restore(saved, now, Duration::max(), 30min));
    EXPECT_TRUE(fresh.restore(saved, now, 0s, 30min));
    for (const auto& entry : fresh.saved(now).entries) EXPECT_LE(entry.until, now + 30min);
  }
}

TEST_F(CallbacksTest, NoDetectorRefusesACallBack) {
  config.toll_fraud_prefixes = {"+4930"};
  config.toll_fraud_concurrent = 0;
  config.denied_callers = make_value<CallerList>(std::vector<std::string>{"+49112*"});
  board.adopt(config);
  EXPECT_GT(refused_of(peer(), "+4930123456"), 0);
  board.callbacks().note("+4930123456", now, now + 30min);
  EXPECT_EQ(refused_of(peer(), "+4930123456"), 0);
  EXPECT_EQ(refused_of(endpoint(), "+4930123456"), 0) << "an office answers for help, too";
  EXPECT_FALSE(board.before_call(now, peer(), {.called = "+4930123456", .caller = "+49112001"}));
  EXPECT_GT(refused_of(endpoint(), "+4930777777"), 0) << "others are looked at as before";
}

TEST_F(CallbacksTest, AStrangerIsNoCallBackAndItsTimeEnds) {
  board.callbacks().note("+4930123456", now, now + 30min);
  EXPECT_GT(refused_of(stranger(), "+4930123456"), 0);
  now += 31min;
  EXPECT_GT(refused_of(peer(), "+4930123456"), 0);
}

}  // namespace
}  // namespace sallyport::policy
