// keyed_hash_test.cpp — SipHash against published vectors, and the short form for addresses.
#include "policy/base/keyed_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <set>
#include <string>

#include "policy/base/address_hash.h"

namespace sallyport {
namespace {

constexpr HashKey kPaperKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string counting(std::size_t size) {
  std::string input;
  for (std::size_t i = 0; i < size; ++i) input.push_back(static_cast<char>(i));
  return input;
}

// Aumasson and Bernstein, 2012, appendix A.
TEST(KeyedHash, GivesThePapersExample) {
  EXPECT_EQ(keyed_hash(kPaperKey, counting(15)), 0xa129ca6149be45e5u);
}

// The authors' reference vectors: key 00..0f, input 00..(n-1).
TEST(KeyedHash, GivesTheReferenceVectors) {
  EXPECT_EQ(keyed_hash(kPaperKey, counting(0)), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(keyed_hash(kPaperKey, counting(1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(keyed_hash(kPaperKey, counting(7)), 0xab0200f58b01d137u);
  EXPECT_EQ(keyed_hash(kPaperKey, counting(8)), 0x93f5f5799a932462u);
}

TEST(KeyedHash, GivesTheReferenceVectorOf128Bits) {
  const Hash128 empty = keyed_hash128(kPaperKey, "");
  EXPECT_EQ(empty.low, 0xe6a825ba047f81a3u);
  EXPECT_EQ(empty.high, 0x930255c71472f66du);
}

TEST(KeyedHash, DependsOnTheKey) {
  EXPECT_NE(keyed_hash({1, 2}, "a"), keyed_hash({1, 3}, "a"));
  EXPECT_NE(keyed_hash({1, 2}, "a"), keyed_hash({2, 2}, "a"));
}

TEST(AddressHash, DiffersForEachAddressNumberAndKey) {
  std::set<std::uint64_t> seen;
  for (std::uint32_t i = 0; i < 1000; ++i)
    for (std::uint64_t number = 0; number < 3; ++number)
      for (std::uint64_t k = 0; k < 3; ++k)
        seen.insert(address_hash({k, 7}, IpAddress::v4(0x0a000000 + i), number));
  EXPECT_EQ(seen.size(), 9000u);
}

TEST(AddressHash, SpreadsNeighbouringAddressesOverAllBits) {
  std::array<int, 64> ones{};
  constexpr int kCount = 4096;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const std::uint64_t hash = address_hash(kPaperKey, IpAddress::v4(i), 0);
    for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(hash >> bit & 1);
  }
  for (const int count : ones) {
    EXPECT_GT(count, kCount * 45 / 100);
    EXPECT_LT(count, kCount * 55 / 100);
  }
}

}  // namespace
}  // namespace sallyport
