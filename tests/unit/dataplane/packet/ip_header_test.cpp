// ip_header_test.cpp — IPv4 options and IPv6 extension headers: what is read and what is refused.
#include "dataplane/packet/ip_header.h"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using test::Bytes;
using test::extension;
using test::fragment_header;
using test::ipv4;
using test::ipv6;
using test::joined;

const Bytes kData(16, 0xab);

Result<IpHeader, DropReason> read4(const Bytes& packet) { return parse_ipv4(packet, packet.size()); }
Result<IpHeader, DropReason> read6(const Bytes& packet) { return parse_ipv6(packet, packet.size()); }

TEST(Ipv4Header, IsRead) {
  const auto header =
      read4(ipv4(kData, {.protocol = 6, .hop_limit = 9, .identification = 77, .options = {1, 1, 1, 0}}));
  ASSERT_TRUE(header);
  EXPECT_EQ(to_string(header->source), "198.18.1.2");
  EXPECT_EQ(to_string(header->destination), "198.18.1.1");
  EXPECT_EQ(header->header_length, 24);
  EXPECT_EQ(header->total_length, 40u);
  EXPECT_EQ(header->protocol, 6);
  EXPECT_EQ(header->hop_limit, 9);
  EXPECT_FALSE(header->is_fragment);
}

TEST(Ipv4Header, TellsAFragment) {
  const auto first = read4(ipv4(kData, {.more_fragments = true}));
  EXPECT_TRUE(first->is_fragment);
  const auto last = read4(ipv4(kData, {.identification = 5, .fragment_offset = 1480}));
  EXPECT_TRUE(last->is_fragment);
  EXPECT_EQ(last->fragment_offset, 1480);
  EXPECT_FALSE(last->more_fragments);
}

// RFC 791 §3.1, RFC 7126 §4.3, §4.4
TEST(Ipv4Header, TakesOnlyOptionsWithinBoundsAndNoSourceRoute) {
  struct Case {
    const char* name;
    Bytes options;
    bool is_fit;
  };
  for (const auto& [name, options, is_fit] :
       {Case{"none", {}, true}, Case{"router alert", {148, 4, 0, 0}, true},
        Case{"end, then anything", {0, 131, 99, 99}, true}, Case{"loose source route", {131, 3, 4, 0}, false},
        Case{"strict source route", {1, 137, 3, 4}, false}, Case{"length 0", {7, 0, 0, 0}, false},
        Case{"length 1", {7, 1, 0, 0}, false}, Case{"longer than the header", {7, 5, 0, 0}, false},
        Case{"no length octet", {1, 1, 1, 7}, false}}) {
    const auto header = read4(ipv4(kData, {.options = options}));
    EXPECT_EQ(header.has_value(), is_fit) << name;
    if (!is_fit) {
      EXPECT_EQ(header.error(), DropReason::BadIpHeader) << name;
    }
  }
}

TEST(Ipv4Header, RefusesWhatCannotBe) {
  const Bytes good = ipv4(kData);
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    Bytes packet = good;
    packet[at] = value;
    return read4(packet);
  };
  EXPECT_EQ(changed(0, 0x55).error(), DropReason::BadIpHeader) << "version";
  EXPECT_EQ(changed(0, 0x44).error(), DropReason::BadIpHeader) << "header length 16";
  EXPECT_EQ(changed(3, 10).error(), DropReason::BadIpHeader) << "total length below the header's";
  EXPECT_EQ(changed(3, 200).error(), DropReason::RuntFrame) << "total length beyond the frame";
  EXPECT_EQ(changed(8, 63).error(), DropReason::BadIpChecksum);
  EXPECT_EQ(parse_ipv4(std::span(good).first(19), 19).error(), DropReason::RuntFrame);
}

TEST(Ipv6Header, IsReadThroughItsExtensionHeaders) {
  const Bytes chain =
      joined(joined(extension(60, {5, 2, 0, 0}), extension(60)), joined(extension(17), kData));
  const auto header = read6(ipv6(chain, {.next_header = 0}));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->protocol, 17);
  EXPECT_EQ(header->header_length, 40 + 24);
  EXPECT_EQ(header->total_length, 40u + 24 + 16);
}

// RFC 6946 §4
TEST(Ipv6Header, TakesAnAtomicFragmentForAWholePacket) {
  const auto header = read6(ipv6(joined(fragment_header({}), kData), {.next_header = 44}));
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->is_fragment);
  EXPECT_TRUE(header->has_fragment_header);
  EXPECT_EQ(header->protocol, 17);
  EXPECT_EQ(header->header_length, 48);
}

TEST(Ipv6Header, TellsAFragmentAndWhereItsHeaderStands) {
  const auto header = read6(ipv6(
      joined(extension(44),
             joined(fragment_header({.offset = 1448, .more = true, .identification = 0xdeadbeef}), kData)),
      {.next_header = 60}));
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->is_fragment);
  EXPECT_EQ(header->fragment_offset, 1448);
  EXPECT_TRUE(header->more_fragments);
  EXPECT_EQ(header->identification, 0xdeadbeefu);
  EXPECT_EQ(header->fragment_header_offset, 48);
  EXPECT_EQ(header->next_header_offset, 40);
}

TEST(Ipv6Header, RefusesUnfitChains) {
  Bytes nine;
  for (int i = 0; i < 9; ++i) nine = joined(nine, extension(i == 8 ? 17 : 60));
  Bytes routing = extension(17);
  struct Case {
    const char* name;
    std::uint8_t next_header;
    Bytes payload;
  };
  for (const auto& [name, next_header, payload] :
       {Case{"routing header, RFC 5095 §3", 43, joined(routing, kData)},
        Case{"nine headers", 60, joined(nine, kData)},
        Case{"hop-by-hop not first", 60, joined(extension(0), joined(extension(17), kData))},
        Case{"header beyond the packet", 60, {17, 4, 0, 0, 0, 0, 0, 0}},
        Case{"header cut short", 60, {17, 0, 0}}, Case{"no room for a header", 60, {}},
        Case{"fragment header cut short", 44, {17, 0, 0, 0}},
        Case{"two fragment headers", 44,
             joined(fragment_header({.next_header = 44}), joined(fragment_header({}), kData))},
        Case{"jumbogram, RFC 2675", 0, joined(extension(17, {0xc2, 4, 0, 1, 0, 0}), kData)},
        Case{"unknown option that says discard", 60, joined(extension(17, {0x40, 0}), kData)},
        Case{"option beyond its header", 60, joined(Bytes{17, 0, 3, 9, 0, 0, 0, 0}, kData)},
        Case{"option without length", 60, joined(Bytes{17, 0, 0, 0, 0, 0, 0, 3}, kData)},
        Case{"one header of 2,048 octets", 60, joined(joined(Bytes{17, 255}, Bytes(2046, 0)), kData)}})
    EXPECT_EQ(read6(ipv6(payload, {.next_header = next_header})).error(), DropReason::BadExtensionHeader)
        << name;
}

TEST(Ipv6Header, RefusesWhatCannotBe) {
  Bytes packet = ipv6(kData);
  EXPECT_EQ(parse_ipv6(std::span(packet).first(39), 39).error(), DropReason::RuntFrame);
  EXPECT_EQ(parse_ipv6(packet, packet.size() - 1).error(), DropReason::RuntFrame);
  packet[0] = 0x70;
  EXPECT_EQ(read6(packet).error(), DropReason::BadIpHeader);
}

// RFC 7112 §5, RFC 1858 §3
TEST(FirstFragment, MustHoldAllHeaders) {
  EXPECT_TRUE(has_whole_header_chain(17, true, Bytes(8)));
  EXPECT_FALSE(has_whole_header_chain(6, true, Bytes(8)));
  EXPECT_TRUE(has_whole_header_chain(6, true, Bytes(24)));
  EXPECT_TRUE(has_whole_header_chain(60, false, joined(extension(17), Bytes(8))));
  EXPECT_FALSE(has_whole_header_chain(60, false, extension(17)));
  EXPECT_FALSE(has_whole_header_chain(60, false, Bytes{17, 9, 0, 0, 0, 0, 0, 0}));
  EXPECT_FALSE(has_whole_header_chain(44, false, joined(fragment_header({}), Bytes(8))));
}

}  // namespace
}  // namespace sallyport::dataplane
