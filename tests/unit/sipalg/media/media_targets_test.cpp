// media_targets_test.cpp — where media may be sent to: threats P11, M11.
#include "sipalg/media/media_targets.h"

#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

class MediaTarget : public testing::Test {
 protected:
  bool is_allowed(std::string_view address, std::uint16_t port = 4000) const {
    return targets_.is_allowed({*IpAddress::parse(address), port});
  }
  tests::MediaFixture call_;
  MediaTargets targets_{[this]() -> const SbcConfig& {
    call_.config.realms[0].advertise.ipv4 = IpAddress::parse("198.18.7.7");
    return call_.config;
  }()};
};

TEST_F(MediaTarget, MayBeAnyHostFarAway) {
  EXPECT_TRUE(is_allowed("192.0.2.10"));
  EXPECT_TRUE(is_allowed("10.1.2.3"));
  EXPECT_TRUE(is_allowed("2001:db8::10"));
  EXPECT_TRUE(is_allowed("fd00::1"));
  EXPECT_TRUE(is_allowed("198.51.100.2")) << "a neighbour of ours";
}

TEST_F(MediaTarget, IsNeverAnAddressOfOursHoweverItIsWritten) {
  for (const std::string_view own :
       {"198.51.100.1", "203.0.113.1", "2001:db8:51::1", "::ffff:198.51.100.1", "2001:0db8:0051:0000::0001",
        "198.18.7.7", "64:ff9b::c633:6401", "2002:c633:6401::1"})
    EXPECT_FALSE(is_allowed(own)) << own;
}

TEST_F(MediaTarget, IsNeverLoopbackLinkLocalMulticastBroadcastOrNoHostAtAll) {
  for (const std::string_view refused :
       {"127.0.0.1",       "127.255.255.254", "::1",           "::ffff:127.0.0.1", "169.254.169.254",
        "fe80::1",         "febf::1",         "224.0.0.1",     "239.255.255.255",  "ff02::1",
        "255.255.255.255", "240.0.0.1",       "0.0.0.1",       "0.0.0.0",          "::",
        "198.51.100.255",  "198.51.100.0",    "203.0.113.255", "::127.0.0.1",      "64:ff9b::7f00:1",
        "2002:7f00:1::"})
    EXPECT_FALSE(is_allowed(refused)) << refused;
}

TEST_F(MediaTarget, IsNeverAServicePort) {
  EXPECT_FALSE(is_allowed("192.0.2.10", 53));
  EXPECT_FALSE(is_allowed("192.0.2.10", 1023));
  EXPECT_FALSE(is_allowed("192.0.2.10", 0));
  EXPECT_TRUE(is_allowed("192.0.2.10", 1024));
}

}  // namespace
}  // namespace sallyport::sip
