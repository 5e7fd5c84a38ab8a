// kept_bytes_test.cpp — messages that are kept: found as they were, in memory that is used again and is
// bounded. Threats R5.
#include "sipalg/transaction/kept_bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "policy/base/archive.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kLargest = 2048;  // that lies in a block
constexpr Timestamp kNow{std::chrono::seconds(9)};

std::string text_of(std::size_t size, char c) { return std::string(size, c); }

TEST(KeptBytes, KeepWhatTheyWereGivenUntilTheNext) {
  KeptStore store(1 << 20);
  KeptBytes kept;
  EXPECT_TRUE(kept.empty());
  for (const std::size_t size : {1u, 127u, 128u, 129u, 700u, 2047u, 2048u, 2049u, 60000u, 5u, 0u, 300u}) {
    store.assign(kept, text_of(size, 'x'));
    EXPECT_EQ(kept.view(), text_of(size, 'x'));
    EXPECT_EQ(kept.empty(), size == 0);
  }
  store.release(kept);
  EXPECT_TRUE(kept.empty());
  store.release(kept);
  EXPECT_TRUE(kept.empty());
}

TEST(KeptBytes, NoTwoLieInOnePlace) {
  KeptStore store(1 << 20);
  std::vector<KeptBytes> all(300);
  const auto text = [](std::size_t i) { return text_of(1 + i * 7, static_cast<char>('a' + i % 26)); };
  for (std::size_t i = 0; i < all.size(); ++i) store.assign(all[i], text(i));
  for (std::size_t i = 0; i < all.size(); i += 2) store.release(all[i]);
  for (std::size_t i = 0; i < all.size(); i += 2) store.assign(all[i], text(all.size() - i));
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i].view(), text(i % 2 == 0 ? all.size() - i : i));
}

TEST(KeptBytes, WhatWasGivenBackLastIsTakenFirst) {
  KeptStore store(1 << 20);
  KeptBytes first, second;
  store.assign(first, text_of(400, 'a'));
  store.assign(second, text_of(400, 'b'));
  const char* const place = second.view().data();
  store.release(first);
  store.release(second);
  KeptBytes next;
  store.assign(next, text_of(390, 'c'));
  EXPECT_EQ(next.view().data(), place);
}

TEST(KeptBytes, MoreOfOneSizeThanBeforeTakesMemoryTheSameTakesNone) {
  KeptStore store(64 << 20);
  std::vector<KeptBytes> all(2000);
  for (KeptBytes& kept : all) store.assign(kept, text_of(500, 'x'));
  const std::size_t bytes = store.bytes();
  EXPECT_GE(bytes, all.size() * 500);
  for (int round = 0; round < 3; ++round) {
    for (KeptBytes& kept : all) store.release(kept);
    for (KeptBytes& kept : all) store.assign(kept, text_of(450, 'y'));
  }
  EXPECT_EQ(store.bytes(), bytes);
}

// Whoever sends all sizes one after the other fills the lists of all sizes.
TEST(KeptBytes, BlocksTakeNoMoreThanWasSaid) {
  constexpr std::size_t kMax = 256 << 10;
  KeptStore store(kMax);
  std::vector<KeptBytes> all(128);
  for (std::size_t size = 100; size <= kLargest; size += 100) {
    for (KeptBytes& kept : all) store.assign(kept, text_of(size, 'x'));
    for (const KeptBytes& kept : all) ASSERT_EQ(kept.view(), text_of(size, 'x'));
    EXPECT_LE(store.bytes(), kMax);
    for (KeptBytes& kept : all) store.release(kept);
  }
}

TEST(KeptBytes, MovedTheyAreThereOnce) {
  KeptStore store(1 << 20);
  for (const std::size_t size : {std::size_t{300}, 2 * kLargest}) {
    KeptBytes one;
    store.assign(one, text_of(size, 'x'));
    KeptBytes other(std::move(one));
    KeptBytes third;
    third = std::move(other);
    EXPECT_EQ(third.view(), text_of(size, 'x'));
    store.release(third);
  }
}

TEST(KeptBytes, AreInAnArchiveAsAStringIs) {
  KeptStore store(1 << 20);
  KeptBytes kept;
  store.assign(kept, "SIP/2.0 200 OK");
  std::string bytes, as_string;
  ArchiveWriter writer(bytes, kNow), of_string(as_string, kNow);
  writer(kept);
  of_string(std::string("SIP/2.0 200 OK"));
  EXPECT_EQ(bytes, as_string);

  ArchiveReader reader(bytes, kNow);
  KeptBytes read;
  reader(read);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(read.view(), "SIP/2.0 200 OK");
  store.assign(read, "another");
  EXPECT_EQ(read.view(), "another");
  store.release(read);

  ArchiveReader cut(std::string_view(bytes).substr(0, bytes.size() - 1), kNow);
  KeptBytes none;
  cut(none);
  EXPECT_FALSE(cut.good());
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace sallyport::sip
