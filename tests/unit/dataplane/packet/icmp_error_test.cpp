// icmp_error_test.cpp — which ICMP errors end a flow of ours, and what they quote of it.
#include "dataplane/packet/icmp_error.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

// What we sent: from our listener to the carrier.
constexpr UdpFields kSent{.source = "198.18.1.1", .destination = "198.18.1.2", .destination_port = 5062};
constexpr UdpFields kSentV6{.source = "fd18:1::1", .destination = "fd18:1::2", .destination_port = 5062};

Bytes sent_v4(Ipv4Fields fields = {}) {
  fields.source = kSent.source;
  fields.destination = kSent.destination;
  return ipv4(udp(bytes_of("INVITE"), kSent), fields);
}
Bytes sent_v6() {
  return ipv6(udp(bytes_of("INVITE"), kSentV6),
              {.source = kSentV6.source, .destination = kSentV6.destination});
}
// From the ICMP header on.
Bytes error(std::uint8_t type, std::uint8_t code, const Bytes& quote) {
  return joined({type, code, 0, 0, 0, 0, 0, 0}, quote);
}

const QuotedFlow kFlow{{ip("198.18.1.1"), 5060}, {ip("198.18.1.2"), 5062}};
const QuotedFlow kFlowV6{{ip("fd18:1::1"), 5060}, {ip("fd18:1::2"), 5062}};

TEST(IcmpError, NamesTheTwoEndsOfTheQuotedFlow) {
  EXPECT_EQ(quoted_flow(kFlow.local.address, error(3, 3, sent_v4())), kFlow);
  EXPECT_EQ(quoted_flow(kFlowV6.local.address, error(1, 4, sent_v6())), kFlowV6);
  EXPECT_EQ(quoted_flow(kFlow.local.address, error(3, 3, sent_v4({.options = {1, 1, 1, 0}}))), kFlow);
}

// RFC 792: the IP header and 64 bits are enough, and all that many send.
TEST(IcmpError, ASumOfEightOctetsBehindTheHeaderIsEnough) {
  Bytes quote = sent_v4();
  quote.resize(28);
  EXPECT_EQ(quoted_flow(kFlow.local.address, error(3, 3, quote)), kFlow);
  quote.resize(23);
  EXPECT_FALSE(quoted_flow(kFlow.local.address, error(3, 3, quote)));
}

TEST(IcmpError, OnlyTheseEndAFlow) {
  std::set<std::pair<int, int>> ends, ends_v6;
  for (int type = 0; type < 256; ++type) {
    for (int code = 0; code < 256; ++code) {
      const auto t = static_cast<std::uint8_t>(type), c = static_cast<std::uint8_t>(code);
      if (quoted_flow(kFlow.local.address, error(t, c, sent_v4()))) ends.emplace(type, code);
      if (code < 8 && quoted_flow(kFlowV6.local.address, error(t, c, sent_v6()))) ends_v6.emplace(type, code);
    }
  }
  EXPECT_EQ(ends, (std::set<std::pair<int, int>>{{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 9}, {3, 10}, {3, 13}}))
      << "neither too big (3, 4) nor source quench nor time exceeded";
  std::set<std::pair<int, int>> unreachable_v6;
  for (int code = 0; code < 8; ++code) unreachable_v6.emplace(1, code);
  EXPECT_EQ(ends_v6, unreachable_v6);
}

// RFC 1122 §3.2.2: an error goes to who sent what it quotes.
TEST(IcmpError, QuotesNothingThatWeDidNotSend) {
  EXPECT_FALSE(quoted_flow(ip("198.18.1.9"), error(3, 3, sent_v4()))) << "sent to another address of ours";
  EXPECT_FALSE(quoted_flow(ip("198.18.1.1"), error(3, 3, sent_v6())));
  EXPECT_FALSE(quoted_flow(ip("fd18:1::1"), error(1, 4, sent_v4())));
  EXPECT_FALSE(quoted_flow(kFlow.local.address, error(3, 3, sent_v4({.protocol = 6})))) << "TCP";
}

TEST(IcmpError, OfFragmentsOnlyTheFirstHasPorts) {
  EXPECT_EQ(quoted_flow(kFlow.local.address, error(3, 3, sent_v4({.more_fragments = true}))), kFlow);
  EXPECT_FALSE(quoted_flow(kFlow.local.address, error(3, 3, sent_v4({.fragment_offset = 1480}))));
  const Bytes datagram = udp(bytes_of("INVITE"), kSentV6);
  for (const bool is_first : {true, false}) {
    const std::uint16_t offset = is_first ? 0 : 1448;
    const Bytes quote =
        ipv6(joined(fragment_header({.offset = offset, .more = true}), datagram),
             {.source = kSentV6.source, .destination = kSentV6.destination, .next_header = 44});
    EXPECT_EQ(quoted_flow(kFlowV6.local.address, error(1, 4, quote)).has_value(), is_first);
  }
}

TEST(IcmpError, CanBeCutAnywhere) {
  for (const auto& [own, whole] :
       {std::pair{kFlow.local.address, error(3, 3, sent_v4({.options = Bytes(40, 1)}))},
        std::pair{kFlowV6.local.address, error(1, 4, sent_v6())}})
    for (std::size_t size = 0; size < whole.size(); ++size)
      (void)quoted_flow(own, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
}

TEST(IcmpError, HeaderLengthsThatCannotBeAreRefused) {
  Bytes quote = sent_v4();
  for (const unsigned words : {0U, 4U, 15U}) {
    quote[0] = static_cast<std::uint8_t>(0x40 | words);
    quote.resize(40);
    EXPECT_FALSE(quoted_flow(kFlow.local.address, error(3, 3, quote))) << words;
  }
}

// RFC 1191 §4, RFC 4443 §3.2
TEST(IcmpError, NamesTheTcpSegmentThatWasTooBigOrDidNotArrive) {
  const Bytes sent = ipv4(tcp_syn("198.18.1.1", "198.18.1.2", 5062),
                          {.source = "198.18.1.1", .destination = "198.18.1.2", .protocol = 6});
  const QuotedFlow flow{{ip("198.18.1.1"), 40000}, {ip("198.18.1.2"), 5062}};
  const auto too_big = quoted_segment(flow.local.address, error(3, 4, sent));
  ASSERT_TRUE(too_big);
  EXPECT_EQ(too_big->flow, flow);
  EXPECT_TRUE(too_big->is_too_big);
  const auto refused = quoted_segment(flow.local.address, error(3, 3, sent));
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->is_too_big);
  EXPECT_FALSE(quoted_flow(flow.local.address, error(3, 3, sent))) << "no datagram";
  EXPECT_FALSE(quoted_segment(kFlow.local.address, error(3, 3, sent_v4()))) << "no segment";
  EXPECT_FALSE(quoted_segment(ip("198.18.7.1"), error(3, 4, sent))) << "not sent from there";
  EXPECT_FALSE(quoted_segment(flow.local.address, error(11, 0, sent)));
  EXPECT_FALSE(quoted_segment(flow.local.address, error(3, 5, sent)));
  const Bytes sent_v6 = ipv6(tcp_syn("fd18:1::1", "fd18:1::2", 5062),
                             {.source = "fd18:1::1", .destination = "fd18:1::2", .next_header = 6});
  ASSERT_TRUE(quoted_segment(ip("fd18:1::1"), error(2, 0, sent_v6)));
  EXPECT_TRUE(quoted_segment(ip("fd18:1::1"), error(2, 0, sent_v6))->is_too_big);
  EXPECT_FALSE(quoted_segment(ip("fd18:1::1"), error(3, 0, sent_v6)));
  for (std::size_t size = 0; size < 8 + sent.size(); ++size) {
    Bytes cut = error(3, 4, sent);
    cut.resize(size);
    cut.shrink_to_fit();
    EXPECT_EQ(quoted_segment(flow.local.address, cut).has_value(), size >= 8 + 24) << size;
  }
}

}  // namespace
}  // namespace sallyport::dataplane
