// sdes_attribute_test.cpp — a=crypto lines: RFC 4568 §6, §9; threats M10.
#include "sipalg/sdp/sdes_attribute.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sipalg/body/text_output.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kKey30 = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
// 46 octets and 28 octets, counted up from 0.
constexpr std::string_view kKey46 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==";
constexpr std::string_view kKey44 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=";
constexpr std::string_view kKey28 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==";

std::string line(std::string_view key, std::string_view suite = "AES_CM_128_HMAC_SHA1_80") {
  return "1 " + std::string(suite) + " inline:" + std::string(key);
}
SdesFault fault_of(std::string_view value) {
  SdesAttribute out;
  const SdesFault fault = parse_sdes(value, out);
  const bool is_wiped = std::ranges::all_of(out.key->key, [](std::uint8_t octet) { return octet == 0; });
  EXPECT_TRUE(fault == SdesFault::None || is_wiped) << value;
  return fault;
}
std::string written(std::uint32_t tag, const media::SrtpKey& key) {
  std::array<char, kSdesTextMax> room;
  TextOutput out(room);
  write_sdes(tag, key, out);
  EXPECT_TRUE(out.fits());
  return std::string(out.text());
}

// The example of RFC 4568 §6.1.
TEST(SdesAttribute, TheExampleIsRead) {
  SdesAttribute out;
  ASSERT_EQ(parse_sdes(line(kKey30) + "|2^20|1:32", out), SdesFault::None);
  EXPECT_EQ(out.tag, 1u);
  EXPECT_EQ(out.key->suite, SrtpSuite::AesCm128HmacSha1_80);
  EXPECT_EQ(std::string(out.key->key.begin(), out.key->key.begin() + 16), "wDfvg&T+)xG7@fb5");
  EXPECT_EQ(std::string(out.key->salt.begin(), out.key->salt.end()), "jU,RaA}\\|p0%*#");
  EXPECT_EQ(out.key->packets_max, 1u << 20);
  EXPECT_EQ(out.key->mki, 1u);
  EXPECT_EQ(out.key->mki_bytes, 32u);
}

TEST(SdesAttribute, EachSuiteHasItsLengths) {
  struct Row {
    SrtpSuite suite;
    std::string_view key;
  };
  for (const Row& row :
       {Row{SrtpSuite::Aes256Gcm, kKey44}, Row{SrtpSuite::Aes128Gcm, kKey28},
        Row{SrtpSuite::AesCm128HmacSha1_80, kKey30}, Row{SrtpSuite::AesCm128HmacSha1_32, kKey30},
        Row{SrtpSuite::AesCm256HmacSha1_80, kKey46}, Row{SrtpSuite::AesCm256HmacSha1_32, kKey46}}) {
    const std::string value = line(row.key, sdes_name(row.suite));
    SdesAttribute out;
    ASSERT_EQ(parse_sdes(value, out), SdesFault::None) << value;
    EXPECT_EQ(out.key->suite, row.suite);
    EXPECT_EQ(written(1, *out.key), "a=crypto:" + value + "\r\n");
    for (const std::string_view other : {kKey28, kKey30, kKey44, kKey46}) {
      if (other == row.key) continue;
      EXPECT_EQ(fault_of(line(other, sdes_name(row.suite))), SdesFault::BadKey) << other;
    }
  }
}

TEST(SdesAttribute, PaddingMayBeLeftAwayButNotBeWrong) {
  const std::string_view gcm = "AEAD_AES_128_GCM";
  EXPECT_EQ(fault_of(line(kKey28.substr(0, 38), gcm)), SdesFault::None);
  EXPECT_EQ(fault_of(line(kKey28.substr(0, 39), gcm)), SdesFault::BadKey);
  EXPECT_EQ(fault_of(line(std::string(kKey28) + "=", gcm)), SdesFault::BadKey);
  EXPECT_EQ(fault_of(line(std::string(kKey28.substr(0, 38)) + "=A", gcm)), SdesFault::BadKey);
  // The last digit has four bits that belong to no octet.
  EXPECT_EQ(fault_of(line(std::string(kKey28.substr(0, 37)) + "x==", gcm)), SdesFault::BadKey);
  EXPECT_EQ(fault_of(line(std::string(kKey30.substr(0, 39)) + "-")), SdesFault::BadKey);
}

TEST(SdesAttribute, ALifetimeIsANumberOrAPowerOfTwo) {
  const auto lifetime = [](std::string_view text) -> std::uint64_t {
    SdesAttribute out;
    return parse_sdes(line(kKey30) + std::string(text), out) == SdesFault::None ? out.key->packets_max : 999;
  };
  EXPECT_EQ(lifetime(""), 0u);
  EXPECT_EQ(lifetime("|2^0"), 1u);
  EXPECT_EQ(lifetime("|2^31"), std::uint64_t{1} << 31);
  EXPECT_EQ(lifetime("|2^48"), std::uint64_t{1} << 48);
  EXPECT_EQ(lifetime("|1048576"), 1u << 20);
  for (const char* bad : {"|2^49", "|2^", "|0", "|-1", "|2^-1", "|281474976710657",
                          "|99999999999999999999999", "|", "|2 ^3", "|x"})
    EXPECT_NE(fault_of(line(kKey30) + bad), SdesFault::None) << bad;
}

TEST(SdesAttribute, AnMkiHasANumberThatFitsIntoItsLength) {
  EXPECT_EQ(fault_of(line(kKey30) + "|1:1"), SdesFault::None);
  EXPECT_EQ(fault_of(line(kKey30) + "|255:1"), SdesFault::None);
  EXPECT_EQ(fault_of(line(kKey30) + "|72057594037927935:128"), SdesFault::None);
  for (const char* bad : {"|256:1", "|1:0", "|1:129", "|1:0004", "|:4", "|1:", "|1:1:1", "|a:1", "|2^20|",
                          "|2^20|1", "|72057594037927936:128", "|1:4|2^20"})
    EXPECT_NE(fault_of(line(kKey30) + bad), SdesFault::None) << bad;
  EXPECT_EQ(fault_of(line(kKey30) + "|2^20|1:4|1"), SdesFault::Malformed);
}

// Threat M10
TEST(SdesAttribute, WhatProtectsLessThanItSaysIsRefused) {
  for (const char* word : {" UNENCRYPTED_SRTP", " UNENCRYPTED_SRTCP", " UNAUTHENTICATED_SRTP",
                           " unencrypted_srtp", " WSH=64 UNENCRYPTED_SRTCP"})
    EXPECT_EQ(fault_of(line(kKey30) + word), SdesFault::Unprotected) << word;
  for (const char* suite : {"NULL_HMAC_SHA1_80", "F8_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_8", "NULL"})
    EXPECT_EQ(fault_of(line(kKey30, suite)), SdesFault::UnknownSuite) << suite;
}

// RFC 4568 §6.3
TEST(SdesAttribute, ParametersAreUnderstoodOrMayBeLeftAside) {
  EXPECT_EQ(fault_of(line(kKey30) + " WSH=64"), SdesFault::None);
  EXPECT_EQ(fault_of(line(kKey30) + " WSH=1024 -NEW=1"), SdesFault::None);
  EXPECT_EQ(fault_of(line(kKey30) + " WSH=63"), SdesFault::Malformed);
  EXPECT_EQ(fault_of(line(kKey30) + " WSH="), SdesFault::Malformed);
  for (const char* word : {" KDR=0", " KDR=24", " FEC_ORDER=FEC_SRTP", " FEC_KEY=inline:x", " NEW=1", " -"})
    EXPECT_EQ(fault_of(line(kKey30) + word), SdesFault::Unsupported) << word;
  EXPECT_EQ(fault_of(line(std::string(kKey30) + "|1:4;inline:" + std::string(kKey30) + "|2:4")),
            SdesFault::Unsupported);
}

TEST(SdesAttribute, WhatIsNotWellWrittenIsMalformed) {
  const std::string good = line(kKey30);
  for (const std::string& bad :
       {std::string(), std::string("1"), std::string("1 "), std::string("1 AES_CM_128_HMAC_SHA1_80"),
        std::string("1 AES_CM_128_HMAC_SHA1_80 "), " " + good, good + " ", "x" + good, "01" + good.substr(1),
        "1234567890" + good.substr(1), "-1" + good.substr(1), "1  " + good.substr(2), good + "  WSH=64",
        good + "\t", good + std::string(1, '\0'), "1 AES_CM_128_HMAC_SHA1_80 " + std::string(kKey30),
        "1 AES_CM_128_HMAC_SHA1_80 uri:" + std::string(kKey30), good + " -" + std::string(600, 'x'),
        "1 " + std::string(65, 'A') + " inline:x"})
    EXPECT_EQ(fault_of(bad), SdesFault::Malformed) << bad;
}

TEST(SdesAttribute, WhatIsWrittenIsReadAgain) {
  media::SrtpKey key;
  key.suite = SrtpSuite::AesCm256HmacSha1_80;
  for (std::size_t i = 0; i < key.key.size(); ++i) key.key[i] = static_cast<std::uint8_t>(200 + i * 3);
  key.salt.fill(0xff);
  key.packets_max = std::uint64_t{1} << 48;
  key.mki = (std::uint64_t{1} << 56) - 1;
  key.mki_bytes = 128;
  const std::string text = written(999'999'999, key);
  SdesAttribute out;
  ASSERT_EQ(parse_sdes(std::string_view(text).substr(9, text.size() - 11), out), SdesFault::None) << text;
  EXPECT_EQ(out.tag, 999'999'999u);
  EXPECT_EQ(out.key->key, key.key);
  EXPECT_EQ(out.key->salt, key.salt);
  EXPECT_EQ(out.key->packets_max, key.packets_max);
  EXPECT_EQ(out.key->mki, key.mki);
  key.packets_max = 1000;
  EXPECT_NE(written(1, key).find("|1000|"), std::string::npos);
}

class SdesLinesTest : public testing::Test {
 protected:
  void read(std::initializer_list<std::string> values) {
    text_ = "c=IN IP4 192.0.2.1\r\n";
    for (const std::string& value : values) text_ += "a=crypto:" + value + "\r\n";
    text_ += "a=sendrecv\r\n";
    read_sdes(text_, lines_);
  }
  static std::string numbered(int tag, std::string_view suite, std::string_view key) {
    return std::to_string(tag) + line(key, suite).substr(1);
  }
  std::string text_;
  SdesLines lines_;
};

TEST_F(SdesLinesTest, UsableOnesKeepTheirOrder) {
  read({numbered(1, "NULL_HMAC_SHA1_80", kKey30), numbered(3, "AES_CM_128_HMAC_SHA1_32", kKey30),
        numbered(2, "AEAD_AES_128_GCM", kKey28)});
  ASSERT_EQ(lines_.usable.size(), 2u);
  EXPECT_EQ(lines_.unusable, 1u);
  EXPECT_EQ(lines_.first_fault, SdesFault::UnknownSuite);
  EXPECT_TRUE(lines_.any());
  const std::array both{SrtpSuite::Aes128Gcm, SrtpSuite::AesCm128HmacSha1_32};
  ASSERT_NE(choose_sdes(lines_, both), nullptr);
  EXPECT_EQ(choose_sdes(lines_, both)->tag, 3u);  // the offerer's order counts, RFC 4568 §5.1.2
  EXPECT_EQ(choose_sdes(lines_, std::array{SrtpSuite::Aes128Gcm})->tag, 2u);
  EXPECT_EQ(choose_sdes(lines_, std::array{SrtpSuite::Aes256Gcm}), nullptr);
  read({});
  EXPECT_FALSE(lines_.any());
}

// Threat M10
TEST_F(SdesLinesTest, OneTagTwiceMakesAllUnusable) {
  read({numbered(1, "AEAD_AES_128_GCM", kKey28), numbered(1, "AES_CM_128_HMAC_SHA1_80", kKey30)});
  EXPECT_TRUE(lines_.has_same_tag_twice);
  EXPECT_TRUE(lines_.usable.empty());
  EXPECT_TRUE(lines_.any());
  read({numbered(1, "NULL_HMAC_SHA1_80", kKey30), numbered(1, "AES_CM_128_HMAC_SHA1_80", kKey30)});
  EXPECT_TRUE(lines_.has_same_tag_twice);
}

TEST_F(SdesLinesTest, ThoseBeyondTheLimitAreNotLookedAt) {
  text_.clear();
  for (int tag = 1; tag <= 40; ++tag)
    text_ += "a=crypto:" + numbered(tag, "AES_CM_128_HMAC_SHA1_80", kKey30) + "\n";
  read_sdes(text_, lines_);
  EXPECT_EQ(lines_.usable.size(), kSdesLinesMax);
}

// RFC 4568 §5.1.3
TEST_F(SdesLinesTest, AnAnswerTakesUpOneOfOurs) {
  std::array<SdesAttribute, 2> offered;
  offered[0].tag = 1;
  offered[0].key->suite = SrtpSuite::Aes128Gcm;
  offered[1].tag = 2;
  offered[1].key->suite = SrtpSuite::AesCm128HmacSha1_80;
  read({numbered(2, "AES_CM_128_HMAC_SHA1_80", kKey30)});
  EXPECT_NE(match_sdes(lines_, offered), nullptr);
  read({numbered(2, "AES_CM_128_HMAC_SHA1_32", kKey30)});  // a downgrade under our tag
  EXPECT_EQ(match_sdes(lines_, offered), nullptr);
  read({numbered(3, "AES_CM_128_HMAC_SHA1_80", kKey30)});
  EXPECT_EQ(match_sdes(lines_, offered), nullptr);
  read({numbered(1, "AEAD_AES_128_GCM", kKey28), numbered(2, "AES_CM_128_HMAC_SHA1_80", kKey30)});
  EXPECT_EQ(match_sdes(lines_, offered), nullptr);
  read({numbered(2, "AES_CM_128_HMAC_SHA1_80", kKey30), numbered(1, "NULL_HMAC_SHA1_80", kKey30)});
  EXPECT_EQ(match_sdes(lines_, offered), nullptr);
  read({});
  EXPECT_EQ(match_sdes(lines_, offered), nullptr);
}

TEST(SdesFaults, EachHasAName) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(SdesFault::kCount); ++i)
    EXPECT_FALSE(to_string(static_cast<SdesFault>(i)).empty());
}

}  // namespace
}  // namespace sallyport::sip
