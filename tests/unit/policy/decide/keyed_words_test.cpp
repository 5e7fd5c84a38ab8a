// keyed_words_test.cpp — a word for each key, and what a full line gives up.
#include "policy/decide/keyed_words.h"

#include <gtest/gtest.h>

#include <thread>

namespace sallyport::policy {
namespace {

using Words = KeyedWords<32>;
using State = std::optional<std::uint64_t>;
constexpr std::uint64_t key(std::uint64_t n) { return n << 40; }
constexpr auto kItself = [](std::uint64_t state) { return state; };
constexpr auto put(std::uint64_t value) {
  return [value](State) -> State { return value; };
}
constexpr auto kMore = [](State state) -> State { return state.value_or(0) + 1; };
constexpr auto kNone = [](State) -> State { return std::nullopt; };

TEST(KeyedWords, KeepsAStateForEachKeyUntilItIsTakenOut) {
  Words words(100);
  EXPECT_FALSE(words.find(key(1)));
  words.change(key(1), kItself, put(5));
  words.change(key(2), kItself, put(0));
  EXPECT_EQ(words.find(key(1)), State(5));
  EXPECT_EQ(words.find(key(2)), State(0));
  EXPECT_EQ(words.change(key(1), kItself, kMore), State(6));
  EXPECT_EQ(words.change(key(1), kItself, kNone), State());
  EXPECT_FALSE(words.find(key(1)));
  EXPECT_EQ(words.change(key(1), kItself, kNone), State()) << "what is not there can be taken out too";
}

TEST(KeyedWords, AFullLineGivesUpWhatIsWorthLeast) {
  Words words(8);
  for (std::uint64_t n = 1; n <= 8; ++n) words.change(key(n), kItself, put(10 + n));
  words.change(key(9), kItself, put(100));
  EXPECT_FALSE(words.find(key(1)));
  EXPECT_EQ(words.find(key(9)), State(100));
  for (std::uint64_t n = 2; n <= 8; ++n) EXPECT_TRUE(words.find(key(n)));
}

TEST(KeyedWords, OrGivesUpNothingOfWorth) {
  Words words(8);
  for (std::uint64_t n = 1; n <= 8; ++n) words.change_if(key(n), kItself, 0, kMore);
  EXPECT_FALSE(words.change_if(key(9), kItself, 0, kMore)) << "full";
  EXPECT_FALSE(words.find(key(9)));
  for (std::uint64_t n = 1; n <= 8; ++n) EXPECT_EQ(words.find(key(n)), State(1));
  words.change_if(key(3), kItself, 0, kNone);
  EXPECT_TRUE(words.change_if(key(9), kItself, 0, kMore));
}

TEST(KeyedWords, MemoryIsTakenOnce) {
  EXPECT_EQ(Words(65536).memory_bytes(), 65536u * 8);
  EXPECT_EQ(Words::memory_for(65536), 65536u * 8);
}

TEST(KeyedWords, ThreadsLoseNothingToOneAnother) {
  Words words(1024);
  const auto count = [&words] {
    for (int i = 0; i < 20'000; ++i) words.change(key(7), kItself, kMore);
  };
  std::thread other(count);
  count();
  other.join();
  EXPECT_EQ(words.find(key(7)), State(40'000));
}

}  // namespace
}  // namespace sallyport::policy
