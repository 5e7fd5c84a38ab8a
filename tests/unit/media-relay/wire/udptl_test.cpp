// udptl_test.cpp — lengths of UDPTL packets: ITU-T T.38 §9.1; threats M12.
#include "media-relay/wire/udptl.h"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::media {
namespace {

using Octets = std::vector<std::uint8_t>;

TEST(Udptl, TakesAPrimaryPacketAlone) { EXPECT_TRUE(is_udptl(Octets{0, 7, 1, 0x42, 0x00, 0x00})); }

TEST(Udptl, TakesSecondaryPackets) {
  EXPECT_TRUE(is_udptl(Octets{0, 7, 1, 0x42, 0x00, 2, 1, 0x41, 2, 0x40, 0x40}));
}

TEST(Udptl, TakesForwardErrorCorrection) {
  EXPECT_TRUE(is_udptl(Octets{0, 7, 1, 0x42, 0x80, 1, 3, 1, 2, 0x01, 0x02}));
}

TEST(Udptl, TakesALengthOfTwoOctets) {
  Octets packet{0, 7, 0x80, 200};
  packet.resize(4 + 200, 1);
  packet.push_back(0);
  packet.push_back(0);
  EXPECT_TRUE(is_udptl(packet));
}

TEST(Udptl, RefusesEveryPacketThatIsCutShort) {
  const Octets whole{0, 7, 2, 0x42, 0x43, 0x00, 2, 1, 0x41, 2, 0x40, 0x40};
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(is_udptl(std::span(whole).first(size))) << size;
  const Octets fec{0, 7, 1, 0x42, 0x80, 1, 3, 1, 2, 0x01, 0x02};
  for (std::size_t size = 0; size < fec.size(); ++size)
    EXPECT_FALSE(is_udptl(std::span(fec).first(size))) << size;
}

// AST-2016-003: lengths and counts beyond the packet.
TEST(Udptl, RefusesLengthsAndCountsBeyondThePacket) {
  EXPECT_FALSE(is_udptl(Octets{0, 7, 200, 1, 2, 3}));
  EXPECT_FALSE(is_udptl(Octets{0, 7, 0xbf, 0xff, 1, 2, 3}));
  EXPECT_FALSE(is_udptl(Octets{0, 7, 0xc4, 1, 2, 3}));
  EXPECT_FALSE(is_udptl(Octets{0, 7, 1, 1, 0, 0xbf, 0xff}));
  EXPECT_FALSE(is_udptl(Octets{0, 7, 1, 1, 0, 127, 0, 0}));
  EXPECT_FALSE(is_udptl(Octets{0, 7, 0, 0, 0}));
}

}  // namespace
}  // namespace sallyport::media
