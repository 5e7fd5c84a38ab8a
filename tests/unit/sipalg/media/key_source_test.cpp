// key_source_test.cpp — keys of our own: RFC 4568 §10.2.
#include "sipalg/media/key_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sallyport::sip {
namespace {

TEST(KeySource, GivesEachKeyOnce) {
  KeySource keys(KeySeed{}, 1);
  std::set<decltype(media::SrtpKey::key)> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(keys.make(SrtpSuite::Aes256Gcm)->key).second);
}

TEST(KeySource, FillsAsManyOctetsAsTheSuiteHas) {
  KeySource keys(KeySeed{}, 1);
  const media::WipedSrtpKey key = keys.make(SrtpSuite::Aes128Gcm);
  EXPECT_EQ(key->suite, SrtpSuite::Aes128Gcm);
  EXPECT_TRUE(std::all_of(key->key.begin() + 16, key->key.end(), [](auto octet) { return octet == 0; }));
  EXPECT_TRUE(std::any_of(key->key.begin(), key->key.begin() + 16, [](auto octet) { return octet != 0; }));
  EXPECT_TRUE(std::any_of(key->salt.begin(), key->salt.begin() + 12, [](auto octet) { return octet != 0; }));
}

TEST(KeySource, RepeatsItselfForTheSameSeedAndUserOnly) {
  KeySeed other;
  other.octets[31] = 1;
  constexpr SrtpSuite kSuite = SrtpSuite::AesCm128HmacSha1_80;
  const media::WipedSrtpKey first = KeySource(KeySeed{}, 1).make(kSuite);
  EXPECT_EQ(*KeySource(KeySeed{}, 1).make(kSuite), *first);
  EXPECT_NE(*KeySource(KeySeed{}, 2).make(kSuite), *first);
  EXPECT_NE(*KeySource(other, 1).make(kSuite), *first);
}

}  // namespace
}  // namespace sallyport::sip
