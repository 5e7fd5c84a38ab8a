// saved_calls_test.cpp — calls as a file and back; damage is an answer.
#include "mgmt/daemon/saved_calls.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

using SavedCall = sip::SipEngine::SavedCall;

const std::vector<SavedCall> kCalls{{7, "first"}, {255, std::string("\0\xff", 2)}, {0, ""}};

TEST(SavedCalls, ComeBackAsTheyWere) {
  const auto back = decode_saved_calls(encode_saved_calls(kCalls));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), kCalls.size());
  for (std::size_t i = 0; i < kCalls.size(); ++i) {
    EXPECT_EQ((*back)[i].shard, kCalls[i].shard);
    EXPECT_EQ((*back)[i].bytes, kCalls[i].bytes);
  }
  EXPECT_TRUE(decode_saved_calls(encode_saved_calls({}))->empty());
}

TEST(SavedCalls, CutOrLongerBytesAreRefused) {
  const std::string whole = encode_saved_calls(kCalls);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_saved_calls(whole.substr(0, size))) << size;
  EXPECT_FALSE(decode_saved_calls(whole + '\0'));
}

TEST(SavedCalls, NumberOfCallsThatIsALieIsRefused) {
  std::string lie = encode_saved_calls({});
  lie[4] = lie[5] = lie[10] = '\x7f';
  EXPECT_FALSE(decode_saved_calls(lie));
}

TEST(SavedCalls, AnotherVersionIsRefused) {
  std::string other = encode_saved_calls(kCalls);
  ++other[0];
  EXPECT_FALSE(decode_saved_calls(other));
}

}  // namespace
}  // namespace sallyport::mgmt
