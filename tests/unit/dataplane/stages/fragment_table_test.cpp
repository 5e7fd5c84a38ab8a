// fragment_table_test.cpp — reassembly, its bounds, and what it refuses. Every test checks that no buffer
// leaks.
#include "dataplane/packet/fragment_table.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

struct Piece {
  std::size_t offset = 0, length = 0;
  bool more = true;
  std::uint16_t identification = 1;
  std::string_view source = "198.18.1.2";
};

class FragmentTableTest : public WithPackets {
 protected:
  void SetUp() override {
    WithPackets::SetUp();
    make({});
  }
  void TearDown() override {
    table_.reset();
    WithPackets::TearDown();
  }
  void make(const FragmentLimits& limits) {
    table_ = std::make_unique<FragmentTable>(limits, HashKey{1, 2}, counters_);
  }

  // A datagram whose octets are recognisable, headers of UDP first.
  static Bytes datagram(std::size_t size, bool is_v4 = true) {
    Bytes data(size - 8);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 31 >> 3);
    return is_v4 ? udp(data) : udp(data, {.source = "fd18:1::2", .destination = "fd18:1::1"});
  }
  static Bytes slice(const Bytes& whole, const Piece& piece) {
    const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(piece.offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(piece.length)};
  }
  static Bytes frame_v4(const Bytes& whole, const Piece& piece) {
    return ethernet(ipv4(slice(whole, piece), {.source = piece.source,
                                               .identification = piece.identification,
                                               .fragment_offset = static_cast<std::uint16_t>(piece.offset),
                                               .more_fragments = piece.more}));
  }
  static Bytes frame_v6(const Bytes& whole, const Piece& piece) {
    const Bytes header = fragment_header({.offset = static_cast<std::uint16_t>(piece.offset),
                                          .more = piece.more,
                                          .identification = 0x12345678});
    return ethernet(ipv6(joined(extension(44), joined(header, slice(whole, piece))), {.next_header = 60}));
  }

  // Null: held. Frees the packet when the table does not take it.
  Result<rte_mbuf*, DropReason> add(rte_mbuf* made, Timestamp now = Timestamp{1h},
                                    TrustClass trust = TrustClass::Untrusted) {
    const Bytes frame = content(made);
    const std::span<const std::uint8_t> packet_bytes = std::span(frame).subspan(14);
    const auto ip = frame[12] == 0x08 ? parse_ipv4(packet_bytes, packet_bytes.size())
                                      : parse_ipv6(packet_bytes, packet_bytes.size());
    if (!ip) std::abort();
    const auto result = table_->add({made, *ip, 14, PortIndex{0}, trust}, now);
    if (!result) rte_pktmbuf_free(made);
    return result;
  }
  Result<rte_mbuf*, DropReason> add(const Bytes& frame, Timestamp now = Timestamp{1h},
                                    TrustClass trust = TrustClass::Untrusted) {
    return add(packet(frame), now, trust);
  }
  // Adds all; the last must make a whole packet, which is freed and returned.
  Bytes whole_of(const std::vector<Bytes>& frames) {
    for (std::size_t i = 0; i + 1 < frames.size(); ++i) {
      const auto held = add(frames[i]);
      EXPECT_TRUE(held && *held == nullptr) << i;
    }
    const auto done = add(frames.back());
    if (!done || *done == nullptr) return {};
    Bytes bytes = content(*done);
    rte_pktmbuf_free(*done);
    EXPECT_EQ(table_->datagrams(), 0u);
    EXPECT_EQ(table_->fragments(), 0u);
    return bytes;
  }
  std::uint64_t dropped(DropReason reason) const { return counters_[0].dropped.value(reason); }

  std::array<PortCounters, 1> counters_;
  std::unique_ptr<FragmentTable> table_;
};

TEST_F(FragmentTableTest, PutsIpv4TogetherInAnyOrder) {
  const Bytes whole = datagram(100);
  std::vector<Piece> pieces{{0, 40}, {40, 24}, {64, 16}, {80, 20, false}};
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
  do {
    std::vector<Bytes> frames;
    for (const Piece& piece : pieces) frames.push_back(frame_v4(whole, piece));
    ASSERT_EQ(whole_of(frames), ethernet(ipv4(whole)));
  } while (std::next_permutation(pieces.begin(), pieces.end(),
                                 [](const Piece& a, const Piece& b) { return a.offset < b.offset; }));
}

TEST_F(FragmentTableTest, PutsIpv6TogetherAndTakesTheFragmentHeaderOut) {
  const Bytes whole = datagram(3000, false);
  const Bytes expected = ethernet(ipv6(joined(extension(17), whole), {.next_header = 60}));
  EXPECT_EQ(whole_of({frame_v6(whole, {1440, 1440}), frame_v6(whole, {2880, 120, false}),
                      frame_v6(whole, {0, 1440})}),
            expected);
  EXPECT_EQ(whole_of({frame_v6(whole, {0, 1440}), frame_v6(whole, {1440, 1440}),
                      frame_v6(whole, {2880, 120, false})}),
            expected);
}

TEST_F(FragmentTableTest, LeavesPaddingAndOptionsInTheirPlaces) {
  const Bytes whole = datagram(48);
  Bytes first = ethernet(ipv4(slice(whole, {0, 24}), {.more_fragments = true, .options = {1, 1, 1, 0}}));
  Bytes last = frame_v4(whole, {24, 24, false});
  last.resize(60, 0xee);
  first.resize(90, 0xee);
  EXPECT_EQ(whole_of({last, first}), ethernet(ipv4(whole, {.options = {1, 1, 1, 0}})));
}

TEST_F(FragmentTableTest, TakesFragmentsThatAreChainsThemselves) {
  const Bytes whole = datagram(3000);
  ASSERT_TRUE(add(chained(frame_v4(whole, {1480, 1520, false}), 600)));
  const auto done = add(chained(frame_v4(whole, {0, 1480}), 600));
  ASSERT_TRUE(done && *done != nullptr);
  EXPECT_EQ(content(*done), ethernet(ipv4(whole)));
  rte_pktmbuf_free(*done);
}

TEST_F(FragmentTableTest, KeepsDatagramsApart) {
  const Bytes whole = datagram(64);
  ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, 1})));
  ASSERT_TRUE(add(frame_v4(whole, {32, 32, false, 2})));
  ASSERT_TRUE(add(frame_v4(whole, {32, 32, false, 1, "198.18.1.3"})));
  EXPECT_EQ(table_->datagrams(), 3u);
}

TEST_F(FragmentTableTest, ThrowsADatagramWithAnOverlapAwayAndRefusesTheRestOfIt) {
  const std::vector<std::pair<const char*, std::vector<Piece>>> cases{
      {"the next one begins inside", {{0, 40}, {32, 32}}},
      {"it reaches into the next one", {{40, 24}, {0, 48}}},
      {"inside another", {{0, 64}, {8, 8}}},
      {"around another", {{8, 16}, {0, 40}}},
      {"the same place, another length", {{0, 40}, {0, 32}}},
      {"beyond the end", {{32, 8, false}, {40, 8}}},
      {"a second end", {{32, 8, false}, {48, 8, false}}},
      {"an end before what is there", {{48, 8}, {0, 16, false}}},
  };
  const Bytes whole = datagram(64);
  std::uint16_t identification = 100;
  for (const auto& [name, pieces] : cases) {
    ++identification;
    Piece first = pieces[0], second = pieces[1];
    first.identification = second.identification = identification;
    const std::uint64_t before = dropped(DropReason::FragmentInvalid);
    ASSERT_TRUE(add(frame_v4(whole, first))) << name;
    const auto refused = add(frame_v4(whole, second));
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error(), DropReason::FragmentInvalid) << name;
    EXPECT_EQ(dropped(DropReason::FragmentInvalid), before + 1) << name << ": the one that was held";
    EXPECT_FALSE(add(frame_v4(whole, {0, 64, true, identification}))) << name << ": what follows";
  }
  EXPECT_EQ(table_->fragments(), 0u);
  table_->expire(Timestamp{1h + 6s});
  EXPECT_EQ(table_->datagrams(), 0u);
}

// RFC 8200 §4.5: exact duplicates may be dropped while the datagram goes on.
TEST_F(FragmentTableTest, DropsADuplicateAndGoesOn) {
  const Bytes whole = datagram(64);
  ASSERT_TRUE(add(frame_v4(whole, {0, 32})));
  EXPECT_EQ(add(frame_v4(whole, {0, 32})).error(), DropReason::FragmentInvalid);
  EXPECT_EQ(whole_of({frame_v4(whole, {32, 32, false})}), ethernet(ipv4(whole)));
}

TEST_F(FragmentTableTest, RefusesFragmentsThatCannotBe) {
  const Bytes whole = datagram(64);
  const std::vector<std::pair<const char*, Bytes>> cases{
      {"not a multiple of 8", frame_v4(whole, {0, 36})},
      {"empty", frame_v4(whole, {8, 0, false})},
      {"beyond 64 KiB", ethernet(ipv4(Bytes(16), {.fragment_offset = 65528}))},
      {"beyond 64 KiB with its header", ethernet(ipv4(Bytes(8), {.fragment_offset = 65520}))},
      {"beyond 64 KiB, IPv6",
       ethernet(ipv6(joined(fragment_header({.offset = 65528}), Bytes(16)), {.next_header = 44}))},
      {"TCP header in two pieces, RFC 1858 §3",
       ethernet(ipv4(Bytes(8), {.protocol = 6, .more_fragments = true}))},
      {"IPv6 headers in two pieces, RFC 7112 §5",
       ethernet(ipv6(joined(fragment_header({.next_header = 60, .more = true}), extension(17)),
                     {.next_header = 44}))},
  };
  for (const auto& [name, frame] : cases) {
    const auto refused = add(frame);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error(), DropReason::FragmentInvalid) << name;
  }
  EXPECT_EQ(table_->datagrams(), 0u) << "nothing was kept of them";
}

TEST_F(FragmentTableTest, BuildsTheLargestDatagramAndNoLarger) {
  const Bytes whole = datagram(65515);
  std::vector<Bytes> frames;
  for (std::size_t at = 0; at < whole.size(); at += 1480)
    frames.push_back(
        frame_v4(whole, {at, std::min<std::size_t>(1480, whole.size() - at), at + 1480 < whole.size()}));
  EXPECT_EQ(whole_of(frames), ethernet(ipv4(whole)));
}

TEST_F(FragmentTableTest, ThrowsADatagramOfTooManyPiecesAway) {
  const Bytes whole = datagram(8 * 100);
  Result<rte_mbuf*, DropReason> last = nullptr;
  for (std::size_t i = 0; i < 65; ++i) last = add(frame_v4(whole, {i * 8, 8}));
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error(), DropReason::FragmentInvalid);
  EXPECT_EQ(dropped(DropReason::FragmentInvalid), 64u);
  EXPECT_EQ(table_->fragments(), 0u);
}

TEST_F(FragmentTableTest, FreesAndCountsWhatWaitsTooLong) {
  const Bytes whole = datagram(64);
  ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, 1}), Timestamp{1h}));
  ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, 2}), Timestamp{1h + 3s}));
  table_->expire(Timestamp{1h + 4s});
  EXPECT_EQ(table_->datagrams(), 2u);
  table_->expire(Timestamp{1h + 5s});
  EXPECT_EQ(table_->datagrams(), 1u);
  EXPECT_EQ(dropped(DropReason::FragmentTimeout), 1u);
}

TEST_F(FragmentTableTest, LimitsTheDatagramsOfOneSource) {
  make({.each_stranger = 4, .each_trusted = 6});
  const Bytes whole = datagram(64);
  for (std::uint16_t id = 0; id < 4; ++id) ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, id})));
  EXPECT_EQ(add(frame_v4(whole, {0, 32, true, 4})).error(), DropReason::FragmentSourceLimit);
  EXPECT_TRUE(add(frame_v4(whole, {0, 32, true, 4, "198.18.1.3"}))) << "another source";
  EXPECT_TRUE(add(frame_v4(whole, {0, 32, true, 4}), Timestamp{1h}, TrustClass::Known)) << "a peer has more";
  ASSERT_TRUE(add(frame_v4(whole, {32, 32, true, 3}))) << "what was begun may go on";
}

TEST_F(FragmentTableTest, PutsOutTheOldestStrangerWhenFull) {
  make({.datagrams = 4});
  const Bytes whole = datagram(64);
  ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, 0}), Timestamp{1h}, TrustClass::Known));
  for (std::uint16_t id = 1; id < 100; ++id)
    ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, id, id % 2 == 0 ? "198.18.1.3" : "198.18.1.4"})));
  EXPECT_EQ(table_->datagrams(), 4u);
  EXPECT_EQ(dropped(DropReason::FragmentTableFull), 96u);
  const auto done = add(frame_v4(whole, {32, 32, false, 0}));
  ASSERT_TRUE(done && *done != nullptr) << "the peer's datagram was kept";
  rte_pktmbuf_free(*done);
}

TEST_F(FragmentTableTest, FinishesAPeersDatagramInTheMiddleOfAFlood) {
  make({.datagrams = 8, .fragments = 32});
  const Bytes whole = datagram(64);
  ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, 7}), Timestamp{1h}, TrustClass::Known));
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const std::string source = to_string(IpAddress::v4(0x0a000000 + i));
    (void)add(frame_v4(whole, {0, 32, true, static_cast<std::uint16_t>(i), source}));
  }
  const auto done = add(frame_v4(whole, {32, 32, false, 7}), Timestamp{1h}, TrustClass::Known);
  ASSERT_TRUE(done && *done != nullptr);
  EXPECT_EQ(content(*done), ethernet(ipv4(whole, {.identification = 7})));
  rte_pktmbuf_free(*done);
}

TEST_F(FragmentTableTest, RefusesAStrangerWhenOnlyPeersAreLeft) {
  make({.datagrams = 2});
  const Bytes whole = datagram(64);
  for (std::uint16_t id = 0; id < 2; ++id)
    ASSERT_TRUE(add(frame_v4(whole, {0, 32, true, id}), Timestamp{1h}, TrustClass::Known));
  EXPECT_EQ(add(frame_v4(whole, {0, 32, true, 9, "198.18.1.9"})).error(), DropReason::FragmentTableFull);
  EXPECT_TRUE(add(frame_v4(whole, {0, 32, true, 9}), Timestamp{1h}, TrustClass::Known))
      << "a peer puts out the oldest peer's";
}

TEST_F(FragmentTableTest, BoundsTheBuffersHeld) {
  make({.fragments = 10});
  const Bytes whole = datagram(800);
  for (std::uint16_t id = 0; id < 8; ++id)
    for (std::size_t i = 0; i < 4; ++i) {
      (void)add(frame_v4(whole, {i * 8, 8, true, id}));
      ASSERT_LE(table_->fragments(), 10u);
    }
  for (std::size_t i = 4; i < 30; ++i) (void)add(frame_v4(whole, {i * 8, 8, true, 7}));
  EXPECT_LE(table_->fragments(), 10u);
  EXPECT_GT(dropped(DropReason::FragmentTableFull), 0u);
}

// Random fragments of few datagrams: whatever happens, bounds hold and every buffer comes back.
TEST_F(FragmentTableTest, LosesNoBufferUnderRandomFragments) {
  make({.datagrams = 8, .fragments = 40, .each_stranger = 4});
  std::mt19937 random(2026);
  const Bytes whole = datagram(512);
  Timestamp now{1h};
  for (int i = 0; i < 20000; ++i) {
    const std::size_t offset = random() % 60 * 8;
    const bool more = random() % 5 != 0;
    Piece piece{offset, std::min<std::size_t>((1 + random() % 4) * 8, whole.size() - offset), more,
                static_cast<std::uint16_t>(random() % 12)};
    if (random() % 2 == 0) piece.source = "198.18.1.3";
    const auto result =
        add(frame_v4(whole, piece), now, random() % 8 == 0 ? TrustClass::Known : TrustClass::Untrusted);
    if (result && *result != nullptr) rte_pktmbuf_free(*result);
    ASSERT_LE(table_->datagrams(), 8u);
    ASSERT_LE(table_->fragments(), 40u);
    if (random() % 100 == 0) table_->expire(now += 1s);
  }
}

}  // namespace
}  // namespace sallyport::dataplane
