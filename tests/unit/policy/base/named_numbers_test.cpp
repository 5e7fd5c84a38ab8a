// named_numbers_test.cpp — positions that are kept as names: they come back in whatever order the names
// stand.
#include "policy/base/named_numbers.h"

#include <gtest/gtest.h>

#include "policy/base/archive.h"
#include "policy/model/index.h"

namespace sallyport {
namespace {

NamedNumbers realms(std::initializer_list<std::uint64_t> hashes) {
  NamedNumbers names;
  for (const std::uint64_t hash : hashes) names.add(NamedKind::Realm, hash);
  return names;
}

TEST(NamedNumbers, NumberFollowsItsName) {
  const NamedNumbers before = realms({11, 22, 33}), after = realms({33, 44, 11});
  const auto moved = [&](std::uint16_t number) {
    return after.number_of(NamedKind::Realm, before.name_of(NamedKind::Realm, number));
  };
  EXPECT_EQ(moved(0), 2);
  EXPECT_EQ(moved(2), 0);
  EXPECT_EQ(moved(1), NamedNumbers::kGone);
}

TEST(NamedNumbers, WhatIsNoPositionStaysWhatItIs) {
  const NamedNumbers names = realms({11});
  for (const std::uint16_t number : {std::uint16_t{0xffff}, std::uint16_t{0xfffe}, NamedNumbers::kGone})
    EXPECT_EQ(names.number_of(NamedKind::Realm, names.name_of(NamedKind::Realm, number)), number);
}

TEST(NamedNumbers, NothingThatIsReadIsAPositionByItself) {
  const NamedNumbers names = realms({11, 22});
  for (std::uint64_t number = 0; number < 2; ++number)
    EXPECT_EQ(names.number_of(NamedKind::Realm, number), NamedNumbers::kGone);
  EXPECT_EQ(names.number_of(NamedKind::Realm, 0x10000), NamedNumbers::kGone);
  EXPECT_EQ(names.number_of(NamedKind::Peer, names.name_of(NamedKind::Realm, 1)), NamedNumbers::kGone);
}

TEST(NamedNumbers, ArchiveKeepsIndexesAsNames) {
  const NamedNumbers before = realms({11, 22}), after = realms({22, 11});
  std::string bytes;
  ArchiveWriter writer(bytes, Timestamp{}, &before);
  writer(RealmIndex{1}, RealmIndex::kNone, PeerIndex{7}, std::uint8_t{5});
  ArchiveReader reader(bytes, Timestamp{}, &after);
  RealmIndex realm{}, none{};
  PeerIndex peer{};
  std::uint8_t last = 0;
  reader(realm, none, peer, last);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(realm, RealmIndex{0});
  EXPECT_EQ(none, RealmIndex::kNone);
  EXPECT_EQ(peer, PeerIndex{7});
  EXPECT_EQ(last, 5);
}

}  // namespace
}  // namespace sallyport
