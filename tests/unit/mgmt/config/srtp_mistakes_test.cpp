// srtp_mistakes_test.cpp — keys of media and the signalling that carries them: RFC 4568 §8.1; threats M10.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kReadable = "SDES keys over unencrypted signalling (udp)";

LoadedConfig carrier(const std::string& keys, const std::string& profiles = "") {
  std::vector<std::string> lines = kGoodLines;
  lines[6] =
      "  - { name: outside, port: outside, listen: [{ transport: udp }, { transport: tls, certificate: edge "
      "}] }";
  lines[9] = "  - { name: carrier, realm: outside, targets: [{ domain: sip.example.net }]" + keys + " }";
  return load_text(joined(lines) + profiles +
                   "\ntls: { certificates: [{ name: edge, certificate: e.pem, key: e.key }] }\n");
}

TEST(SrtpMistakes, NothingIsSaidOfWhatTheFileDoesNotName) {
  EXPECT_THAT(warnings_of(carrier("")), Not(Contains(HasSubstr("SDES"))));
  EXPECT_THAT(warnings_of(carrier(", srtp: { suites: [AES_128_GCM] }")), Not(Contains(HasSubstr("SDES"))));
  EXPECT_THAT(warnings_of(carrier(", srtp: { mode: none }")), IsEmpty());
}

TEST(SrtpMistakes, KeysThatWouldStandReadableAreAWarning) {
  for (const char* mode : {"required", "optional"}) {
    const LoadedConfig loaded = carrier(", srtp: { mode: " + std::string(mode) + " }");
    EXPECT_THAT(errors_of(loaded), IsEmpty());
    EXPECT_THAT(
        warnings_of(loaded),
        ElementsAre("c.yaml:10: peers[carrier].srtp.mode: " + std::string(kReadable) +
                    ": whoever reads it can hear the media; write transport: tls, and sdes_over: tls"));
    EXPECT_FALSE(loaded.is_refused_by_run());
  }
  EXPECT_THAT(warnings_of(carrier(", transport: tls, srtp: { mode: required }")),
              Not(Contains(HasSubstr("SDES"))));
  EXPECT_THAT(warnings_of(carrier(", srtp: { mode: optional, sdes_over: tls }")), IsEmpty());
}

TEST(SrtpMistakes, TheProfileThatSaysItCountsForItsPeers) {
  const std::string profiles = "profiles: [{ name: secure, srtp: { mode: required } }]";
  EXPECT_THAT(warnings_of(carrier(", profile: secure", profiles)),
              ElementsAre(HasSubstr("peers[carrier].profile: " + std::string(kReadable))));
  EXPECT_THAT(warnings_of(carrier("", "profiles: [{ name: default, srtp: { mode: required } }]")),
              ElementsAre(HasSubstr("peers[carrier].srtp.mode: SDES keys"),
                          HasSubstr("peers[pbx].srtp.mode: SDES keys")));
}

TEST(SrtpMistakes, KeysOverTlsAloneNeedTls) {
  const std::string keys = ", srtp: { mode: required, sdes_over: tls }";
  EXPECT_THAT(errors_of(carrier(keys)),
              ElementsAre("c.yaml:10: peers[carrier].srtp.mode: encrypted media is required with keys over "
                          "TLS alone, and the signalling is udp; write transport: tls, or sdes_over: any"));
  EXPECT_THAT(errors_of(carrier(", transport: tls" + keys)), IsEmpty());
}

TEST(SrtpMistakes, KeysByDtlsAloneAreRefusedByRunWhereTheyAreRequired) {
  EXPECT_TRUE(carrier(", srtp: { mode: required, keying: [dtls] }").is_refused_by_run());
  EXPECT_FALSE(carrier(", srtp: { mode: optional, keying: [dtls] }").is_refused_by_run());
  EXPECT_FALSE(carrier(", srtp: { mode: required, keying: [sdes, dtls] }").is_refused_by_run());
}

TEST(SrtpMistakes, PhonesOfARegistrarAreLookedAtThroughTheirRealm) {
  const auto with = [](const std::string& srtp) {
    return carrier("", "profiles: [{ name: phones, srtp: { " + srtp +
                           " } }]\nregistrars: [{ name: office, realm: inside, mode: pass_through, upstream: "
                           "carrier, profile: phones, domains: [example.com] }]");
  };
  EXPECT_THAT(warnings_of(with("mode: required")),
              Contains(HasSubstr("registrars[office].profile: " + std::string(kReadable))));
  EXPECT_THAT(errors_of(with("mode: required, sdes_over: tls")),
              ElementsAre(HasSubstr("registrars[office].profile: encrypted media is required")));
  EXPECT_THAT(errors_of(with("mode: optional, sdes_over: tls")), IsEmpty());
}

}  // namespace
}  // namespace sallyport::mgmt
