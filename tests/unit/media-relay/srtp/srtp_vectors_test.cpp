// srtp_vectors_test.cpp — the vectors of the RFCs: RFC 3711 §B.2, §B.3, RFC 6188 §7, RFC 7714 §16, §17. (RFC
// 3711 §B.1 is of the f8 mode, which no suite of ours has.) Those that begin with session keys are for the
// own engines; libsrtp2, which takes master keys only, gets packets under the master keys of the same RFCs.
#include <algorithm>

#include "media-relay/srtp/evp_transform.h"
#include "media-relay/srtp/multibuffer_transform.h"
#include "media-relay/srtp/own_engine_impl.h"
#include "tests/unit/media-relay/srtp/srtp_fixture.h"

namespace sallyport::media {
namespace {

SrtpKey master(SrtpSuite suite, std::string_view key, std::string_view salt) {
  SrtpKey made;
  made.suite = suite;
  std::ranges::copy(hex(key), made.key.begin());
  std::ranges::copy(hex(salt), made.salt.begin());
  return made;
}

void expect_rtp_keys(const SrtpKey& key, std::string_view cipher, std::string_view salt,
                     std::string_view auth) {
  BothSessionKeys keys;
  ASSERT_TRUE(derive_session_keys(key, keys));
  EXPECT_TRUE(std::ranges::equal(hex(cipher), std::span(keys.rtp.cipher).first(cipher.size() / 2)));
  EXPECT_TRUE(std::ranges::equal(hex(salt), keys.rtp.salt));
  EXPECT_TRUE(std::ranges::equal(hex(auth), keys.rtp.auth));
}

constexpr std::string_view kMaster128 = "E1F97A0D3E018BE0D64FA32C06DE4139";
constexpr std::string_view kMasterSalt128 = "0EC675AD498AFEEBB6960B3AABE6";
constexpr std::string_view kMaster256 = "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6";
constexpr std::string_view kMasterSalt256 = "3b04803de51ee7c96423ab5b78d2";

// RFC 3711 §B.3
TEST(SessionKeys, AreThoseOfTheVectorWith128Bits) {
  expect_rtp_keys(master(SrtpSuite::AesCm128HmacSha1_80, kMaster128, kMasterSalt128),
                  "C61E7A93744F39EE10734AFE3FF7A087", "30CBBC08863D8C85D49DB34A9AE1",
                  "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
}
// RFC 6188 §7.2
TEST(SessionKeys, AreThoseOfTheVectorWith256Bits) {
  expect_rtp_keys(master(SrtpSuite::AesCm256HmacSha1_80, kMaster256, kMasterSalt256),
                  "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
                  "fa31791685ca444a9e07c6c64e93", "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
}

template <class Transform>
class OwnEngineVectors : public testing::Test {
 protected:
  OwnEngineVectors() : engine_(SrtpEngineKind::Evp, 4) {}
  void SetUp() override {
    if (!engine_.good()) GTEST_SKIP() << "not on this processor";
  }
  SrtpContextId open(SrtpSuite suite, std::string_view key, std::string_view salt, SrtpDirection direction) {
    BothSessionKeys keys;
    for (SrtpSessionKeys* const of : {&keys.rtp, &keys.rtcp}) {
      std::ranges::copy(hex(key), of->cipher.begin());
      std::ranges::copy(hex(salt), of->salt.begin());
    }
    return engine_.open_session({.suite = suite}, keys, direction);
  }
  // The keystream as the text of a packet of zeros: SSRC, ROC and number are 0. No suite can send the last
  // blocks of the vector, which are beyond a packet's end.
  void expect_keystream(SrtpSuite suite, std::string_view key, std::string_view stream) {
    const SrtpContextId id = open(suite, key, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD", SrtpDirection::Protect);
    Octets packet = rtp(0, 0, 48);
    std::fill(packet.begin() + 12, packet.end(), std::uint8_t{0});
    ASSERT_EQ(run(engine_, id, SrtpDirection::Protect, packet), SrtpResult::Ok);
    EXPECT_EQ(Octets(packet.begin() + 12, packet.begin() + 60), hex(stream));
  }
  void expect_rtp(SrtpSuite suite, std::string_view key, std::string_view clear, std::string_view secured) {
    Octets packet = hex(clear);
    const SrtpContextId sender = open(suite, key, kSalt, SrtpDirection::Protect);
    ASSERT_EQ(run(engine_, sender, SrtpDirection::Protect, packet), SrtpResult::Ok);
    EXPECT_EQ(packet, hex(secured));
    const SrtpContextId receiver = open(suite, key, kSalt, SrtpDirection::Unprotect);
    ASSERT_EQ(run(engine_, receiver, SrtpDirection::Unprotect, packet), SrtpResult::Ok);
    EXPECT_EQ(packet, hex(clear));
  }
  // The vectors' index is 0x5d4.
  void expect_rtcp(SrtpSuite suite, std::string_view key, std::string_view clear, std::string_view secured) {
    Octets packet = hex(clear);
    const SrtpContextId sender = open(suite, key, kSalt, SrtpDirection::Protect);
    SrtpContextState state;
    (void)state.sources.push_back({.ssrc = 0x4d617273, .has_rtcp = true, .rtcp_index = 0x5d3});
    ASSERT_TRUE(engine_.restore(sender, state));
    ASSERT_EQ(run(engine_, sender, SrtpDirection::Protect, packet, true), SrtpResult::Ok);
    EXPECT_EQ(packet, hex(secured));
    const SrtpContextId receiver = open(suite, key, kSalt, SrtpDirection::Unprotect);
    ASSERT_EQ(run(engine_, receiver, SrtpDirection::Unprotect, packet, true), SrtpResult::Ok);
    EXPECT_EQ(packet, hex(clear));
  }
  static constexpr std::string_view kSalt = "517569642070726f2071756f";
  static constexpr std::string_view kKey128 = "000102030405060708090a0b0c0d0e0f";
  static constexpr std::string_view kKey256 =
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  static constexpr std::string_view kRtp =
      "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e20706172746573207472"
      "6573";
  static constexpr std::string_view kRtcp =
      "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef"
      "deadbeef";
  OwnEngine<Transform> engine_;
};
using Transforms = testing::Types<EvpTransform, MultibufferTransform>;
TYPED_TEST_SUITE(OwnEngineVectors, Transforms);

// RFC 3711 §B.2
TYPED_TEST(OwnEngineVectors, CounterModeWith128BitsIsThatOfTheVector) {
  this->expect_keystream(
      SrtpSuite::AesCm128HmacSha1_80, "2B7E151628AED2A6ABF7158809CF4F3C",
      "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0");
}
// RFC 6188 §7.1
TYPED_TEST(OwnEngineVectors, CounterModeWith256BitsIsThatOfTheVector) {
  this->expect_keystream(
      SrtpSuite::AesCm256HmacSha1_80, "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
      "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31");
}
// RFC 7714 §16.1
TYPED_TEST(OwnEngineVectors, GcmWith128BitsIsThatOfTheVector) {
  this->expect_rtp(
      SrtpSuite::Aes128Gcm, this->kKey128, this->kRtp,
      "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de"
      "3adf8833899d7f27beb16a9152cf765ee4390cce");
}
// RFC 7714 §16.2
TYPED_TEST(OwnEngineVectors, GcmWith256BitsIsThatOfTheVector) {
  this->expect_rtp(
      SrtpSuite::Aes256Gcm, this->kKey256, this->kRtp,
      "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba6"
      "3799b87b7aa3db36dfffd6b0f9bb7878d7a76c13");
}
// RFC 7714 §17.1
TYPED_TEST(OwnEngineVectors, RtcpUnderGcmWith128BitsIsThatOfTheVector) {
  this->expect_rtcp(
      SrtpSuite::Aes128Gcm, this->kKey128, this->kRtcp,
      "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46863"
      "03ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4");
}
// RFC 7714 §17.2
TYPED_TEST(OwnEngineVectors, RtcpUnderGcmWith256BitsIsThatOfTheVector) {
  this->expect_rtcp(
      SrtpSuite::Aes256Gcm, this->kKey256, this->kRtcp,
      "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61"
      "de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4");
}

// A packet from key to tag, with the master keys of RFC 3711 §B.3 and RFC 6188 §7.2.
class PacketVectors : public testing::TestWithParam<SrtpEngineKind> {
 protected:
  void expect(const SrtpKey& key, std::string_view secured) {
    SrtpPair pair(GetParam(), key);
    if (pair.engine == nullptr) GTEST_SKIP() << "not on this processor";
    const Octets clear = hex("800f1234decafbadcafebabeabababababababababababababababab");
    Octets packet = clear;
    ASSERT_EQ(pair.protect(packet), SrtpResult::Ok);
    EXPECT_EQ(packet, hex(secured));
    ASSERT_EQ(pair.unprotect(packet), SrtpResult::Ok);
    EXPECT_EQ(packet, clear);
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, PacketVectors, testing::ValuesIn(kAllEngines),
                         [](const auto& engine) { return std::string(to_string(engine.param)); });

// RFC 3711 §B.3
TEST_P(PacketVectors, CounterModeWith128Bits) {
  expect(master(SrtpSuite::AesCm128HmacSha1_80, kMaster128, kMasterSalt128),
         "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb");
}
// RFC 6188 §7.2
TEST_P(PacketVectors, CounterModeWith256Bits) {
  expect(master(SrtpSuite::AesCm256HmacSha1_80, kMaster256, kMasterSalt256),
         "800f1234decafbadcafebabef1d9de17ff251ff1aa007774b0b4b40da08d9d9a5b3a55d8873b");
}

}  // namespace
}  // namespace sallyport::media
