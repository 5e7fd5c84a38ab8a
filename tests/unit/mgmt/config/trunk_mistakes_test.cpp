// trunk_mistakes_test.cpp — peers and the listeners of their realm: what can't work together is said.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The realm and the peer of the outside, and a certificate.
LoadedConfig outside(const std::string& listen, const std::string& peer) {
  std::vector<std::string> lines = kGoodLines;
  lines[6] = "  - { name: outside, port: outside, listen: [" + listen + "] }";
  lines[9] = "  - { name: carrier, realm: outside, " + peer + " }";
  return load_text(joined(lines) +
                   "tls: { certificates: [{ name: edge, certificate: e.pem, key: e.key }] }\n");
}
constexpr const char* kAddress = "targets: [{ address: \"198.18.1.2:5060\" }]";

TEST(TrunkMistakes, APeerNeedsAListenerOfItsTransport) {
  EXPECT_THAT(errors_of(outside("{ transport: udp }", std::string("transport: tcp, ") + kAddress)),
              ElementsAre("c.yaml:10: peers[carrier].transport: realm 'outside' has no tcp listener, so the "
                          "peer could not be called or call back; add { transport: tcp, port: 5060 } to "
                          "realms[outside].listen"));
  EXPECT_THAT(
      errors_of(
          outside("{ transport: udp }, { transport: tcp }", std::string("transport: tls, ") + kAddress)),
      ElementsAre(HasSubstr("has no tls listener, so the peer could not be called or call back; add { "
                            "transport: tls, port: 5061, certificate: NAME }")));
  EXPECT_THAT(errors_of(outside("{ transport: tcp }", kAddress)),
              ElementsAre(HasSubstr("realm 'outside' has no udp listener")));
  EXPECT_THAT(errors_of(outside("{ transport: udp }, { transport: tcp }",
                                std::string("transport: tcp, ") + kAddress)),
              IsEmpty());
}

TEST(TrunkMistakes, TheListenerNeedsAnAddressOfTheTargetsFamily) {
  EXPECT_THAT(errors_of(outside("{ transport: udp, address: 198.18.1.1 }",
                                "targets: [{ address: \"[fd18:1::2]:5060\" }]")),
              ElementsAre(HasSubstr("no udp listener of realm 'outside' has an IPv6 address, as "
                                    "[fd18:1::2]:5060 needs")));
}

// RFC 5922 §7.3
TEST(TrunkMistakes, ATlsPeerByAddressShouldHaveAName) {
  const std::string listen = "{ transport: tls, port: 5061, certificate: edge }";
  const std::string said = "tls.name: is auto, so the peer's certificate must have the target's IP address";
  EXPECT_THAT(warnings_of(outside(listen, std::string("transport: tls, ") + kAddress)),
              Contains(HasSubstr(said)));
  EXPECT_THAT(
      warnings_of(outside(listen, std::string("transport: tls, tls: { name: pbx.example }, ") + kAddress)),
      Not(Contains(HasSubstr(said))));
  EXPECT_THAT(warnings_of(outside(listen, "transport: tls, targets: [{ domain: sip.example.net }]")),
              Not(Contains(HasSubstr(said))));
}

TEST(TrunkMistakes, ATlsListenerNeedsACertificateThatIsThere) {
  EXPECT_THAT(errors_of(outside("{ transport: udp }, { transport: tls, port: 5061 }", kAddress)),
              ElementsAre(HasSubstr("certificate: is missing; name one of tls.certificates")));
  EXPECT_THAT(
      errors_of(outside("{ transport: udp }, { transport: tls, port: 5061, certificate: egde }", kAddress)),
      ElementsAre(HasSubstr("there is no certificate 'egde'; did you mean 'edge'?")));
}

}  // namespace
}  // namespace sallyport::mgmt
