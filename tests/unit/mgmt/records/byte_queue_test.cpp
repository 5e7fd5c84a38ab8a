// byte_queue_test.cpp — pieces stay as they were until they are popped, of whatever size.
#include "mgmt/records/byte_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sallyport::mgmt {
namespace {

TEST(ByteQueue, EachPieceStaysUntilItIsPopped) {
  std::mt19937_64 random(17);
  ByteQueue queue;
  std::deque<std::pair<std::string, std::string_view>> expected;
  for (int turn = 0; turn < 20'000; ++turn) {
    if (random() % 5 < (turn % 4000 < 2000 ? 4u : 1u)) {
      const std::size_t size = random() % 50 == 0 ? random() % (2 * ByteQueue::kBlockBytes) : random() % 2000;
      std::string piece(size, static_cast<char>(random()));
      const std::string_view kept = queue.push(piece);
      expected.emplace_back(std::move(piece), kept);
    } else if (!expected.empty()) {
      ASSERT_EQ(expected.front().first, expected.front().second);
      queue.pop();
      expected.pop_front();
    }
  }
  for (; !expected.empty(); expected.pop_front(), queue.pop())
    ASSERT_EQ(expected.front().first, expected.front().second);
}

// One write for many lines.
TEST(ByteQueue, PiecesLieSideBySide) {
  ByteQueue queue;
  const std::string_view first = queue.push("one line\n"), second = queue.push("another\n");
  EXPECT_EQ(first.data() + first.size(), second.data());
}

}  // namespace
}  // namespace sallyport::mgmt
