// net_tap_test.cpp — what Linux in a port's namespace answers, and what it does not.
#include "dataplane/stream/tap.h"

#include "tests/integration/net_tap_fixture.h"

namespace sallyport::dataplane {
namespace {

constexpr auto kSilence = std::chrono::milliseconds(300);

class TapTest : public TapFixture {
 protected:
  // Answers Linux's own ARP and waits for an ICMP message of this type.
  bool hears_icmp(int type, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    return !read_until(
                [&](auto frame) {
                  const auto arp = arp_in(frame);
                  if (arp && arp->operation == 1 && arp->target == far4_.address)
                    write(arp_reply(far4_, own4_));
                  return icmp_type_in(frame) == type;
                },
                patience)
                .empty();
  }
  bool hears_arp_reply(std::chrono::milliseconds patience) {
    return !read_until([](auto frame) { return arp_in(frame) && arp_in(frame)->operation == 2; }, patience)
                .empty();
  }
};

TEST_F(TapTest, AnswersArpForThePortsAddressWithThePortsMac) {
  ASSERT_TRUE(write(arp_request(far4_, own4_.address)));
  const Frame reply = read_until([](auto frame) { return arp_in(frame) && arp_in(frame)->operation == 2; });
  ASSERT_FALSE(reply.empty());
  EXPECT_EQ(arp_in(reply)->sender, own4_.address);
  EXPECT_EQ(arp_in(reply)->sender_mac, own4_.mac);
}

TEST_F(TapTest, AnswersNoArpForAnyOtherAddress) {
  ASSERT_TRUE(ip("address add 198.18.99.1/32 dev lo"));
  ASSERT_TRUE(write(arp_request(far4_, *IpAddress::parse("198.18.99.1"))));
  ASSERT_TRUE(write(arp_request(far4_, *IpAddress::parse("198.18.2.1"))));
  EXPECT_FALSE(hears_arp_reply(kSilence));
}

TEST_F(TapTest, AnswersPing) {
  ASSERT_TRUE(write(ping(far4_, own4_)));
  EXPECT_TRUE(hears_icmp(0));
}

TEST_F(TapTest, AnswersNeighbourSolicitationAndPingOverIpv6AtOnce) {
  ASSERT_TRUE(write(neighbour_solicitation(far6_, own6_.address)));
  EXPECT_TRUE(hears_icmp(136));
  ASSERT_TRUE(write(ping(far6_, own6_)));
  EXPECT_TRUE(hears_icmp(129));
}

TEST_F(TapTest, SolicitsNoRouters) { EXPECT_FALSE(hears_icmp(133, kSilence)); }

TEST_F(TapTest, DoesNotForward) {
  const Host elsewhere{own4_.mac, *IpAddress::parse("198.18.1.77")};
  ASSERT_TRUE(write(ping(far4_, elsewhere)));
  EXPECT_TRUE(
      read_until([](auto frame) { return icmp_type_in(frame) >= 0 || arp_in(frame); }, kSilence).empty());
}

TEST_F(TapTest, HasADefaultRouteThroughTheGatewayAndALoopback) {
  const std::string routes = output_of("ip -n " + namespace_.name() + " route");
  EXPECT_NE(routes.find("default via 198.18.1.254 dev sp0"), std::string::npos) << routes;
  EXPECT_NE(output_of("ip -n " + namespace_.name() + " link show lo").find("UP"), std::string::npos);
}

TEST_F(TapTest, SetsTcpUpForSipAndForFloods) {
  const auto setting = [&](const std::string& key) {
    return output_of("ip netns exec " + namespace_.name() + " cat /proc/sys/net/ipv4/" + key);
  };
  EXPECT_EQ(setting("tcp_syncookies"), "1\n");
  EXPECT_EQ(setting("tcp_syn_retries"), "2\n");
  EXPECT_EQ(setting("tcp_synack_retries"), "2\n");
  EXPECT_EQ(setting("tcp_keepalive_time"), "60\n");
}

TEST_F(TapTest, ClosesTheNamespaceForAllThatAPortDoesNotNeed) {
  const auto setting = [&](const std::string& key) {
    return output_of("ip netns exec " + namespace_.name() + " cat /proc/sys/net/" + key);
  };
  EXPECT_EQ(setting("ipv4/ip_forward"), "0\n");
  EXPECT_EQ(setting("ipv6/conf/all/forwarding"), "0\n");
  for (const std::string key :
       {"ipv4/conf/sp0/rp_filter", "ipv4/conf/all/rp_filter", "ipv4/conf/sp0/accept_redirects",
        "ipv6/conf/sp0/accept_ra", "ipv6/conf/sp0/autoconf", "ipv6/conf/sp0/accept_redirects",
        "ipv6/conf/sp0/router_solicitations", "ipv6/conf/sp0/accept_dad"})
    EXPECT_EQ(setting(key), "0\n") << key;
  EXPECT_EQ(setting("ipv4/conf/sp0/arp_ignore"), "1\n");
  EXPECT_EQ(setting("ipv4/conf/sp0/arp_announce"), "2\n");
}

TEST_F(TapTest, BelievesAGatewayOutsideItsNetworksToBeOnLink) {
  auto other = NetworkNamespace::create(unique_name("onlink"));
  ASSERT_TRUE(other);
  const auto tap = Tap::create(*other, {own4_.mac,
                                        1500,
                                        {{own4_.address, 32}, {own6_.address, 128}},
                                        {*IpAddress::parse("203.0.113.1"), *IpAddress::parse("fd99::1")}});
  ASSERT_TRUE(tap) << tap.error().message;
  EXPECT_NE(output_of("ip -n " + other->name() + " route").find("default via 203.0.113.1"),
            std::string::npos);
  EXPECT_NE(output_of("ip -6 -n " + other->name() + " route").find("default via fd99::1"), std::string::npos);
}

TEST_F(TapTest, SaysWhichAddressLinuxRefused) {
  auto other = NetworkNamespace::create(unique_name("refused"));
  ASSERT_TRUE(other);
  const auto tap = Tap::create(*other, {own4_.mac, 1500, {{own4_.address, 24}, {own4_.address, 24}}, {}});
  ASSERT_FALSE(tap);
  EXPECT_NE(tap.error().message.find("198.18.1.1"), std::string::npos) << tap.error().message;
  EXPECT_NE(tap.error().message.find(other->name()), std::string::npos);
}

}  // namespace
}  // namespace sallyport::dataplane
