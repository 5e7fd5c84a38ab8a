// checksum_test.cpp — Internet checksums: RFC 1071.
#include "dataplane/packet/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace sallyport::dataplane {
namespace {

std::uint16_t slow_sum(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

// RFC 1071 §3
TEST(InternetSum, GivesTheExampleOfTheRfc) {
  const std::vector<std::uint8_t> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  InternetSum sum;
  sum.add(bytes);
  EXPECT_EQ(sum.folded(), 0xddf2);
}

TEST(InternetSum, IsTheSameHoweverTheOctetsAreCut) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint8_t> bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0xff : random());
    InternetSum sum;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t piece = std::min<std::size_t>(random() % 30, bytes.size() - at);
      sum.add({bytes.data() + at, piece});
      at += piece;
    }
    ASSERT_TRUE(is_same_sum(sum.folded(), slow_sum(bytes))) << round;
  }
}

TEST(InternetSum, DoesNotLoseCarriesOverLongRunsOfOnes) {
  const std::vector<std::uint8_t> ones(65535, 0xff);
  InternetSum sum;
  sum.add(ones);
  EXPECT_EQ(sum.folded(), slow_sum(ones));
}

TEST(InternetSum, CountsThePseudoHeaderOfBothFamilies) {
  InternetSum v4;
  v4.add_pseudo_header(*IpAddress::parse("1.2.3.4"), *IpAddress::parse("5.6.7.8"), 17, 0x0102);
  EXPECT_EQ(v4.folded(), slow_sum({1, 2, 3, 4, 5, 6, 7, 8, 0, 17, 1, 2}));
  InternetSum v6;
  v6.add_pseudo_header(*IpAddress::parse("::1"), *IpAddress::parse("ff02::2"), 58, 0x10203);
  EXPECT_EQ(v6.folded(), slow_sum({0, 1, 0xff, 2, 0, 2, 0, 1, 2, 3, 0, 58}));
}

}  // namespace
}  // namespace sallyport::dataplane
