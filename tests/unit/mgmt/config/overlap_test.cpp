// overlap_test.cpp — what fits the table of keys but not the rest of the file.
#include <gmock/gmock.h>

#include "mgmt/config/validate_config.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Clash {
  std::size_t line;
  const char* text;
  const char* expected;
};
class ConfigClash : public testing::TestWithParam<Clash> {};

TEST_P(ConfigClash, GivesItsOneSentence) {
  EXPECT_THAT(errors_of(load_text(with_line(GetParam().line, GetParam().text))),
              ElementsAre(GetParam().expected))
      << GetParam().text;
}

const Clash kPortClashes[] = {
    {5,
     "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], gateways: [198.18.3.1] }",
     "c.yaml:5: ports[inside].gateways: 198.18.3.1 is in no network of this port; write an address within "
     "one of its addresses' networks"},
    {5,
     "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], gateways: [198.18.2.1] }",
     "c.yaml:5: ports[inside].gateways: 198.18.2.1 is the port's own address; write the router's"},
    {5,
     "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], gateways: [198.18.2.2, "
     "198.18.2.3] }",
     "c.yaml:5: ports[inside].gateways: more than one IPv4 gateway; keep one a family"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24, 198.18.2.1/24] }",
     "c.yaml:5: ports[inside].addresses: 198.18.2.1 is written twice; keep one of the two"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.0/24, 198.18.2.1/24] }",
     "c.yaml:5: ports[inside].addresses: '198.18.2.0/24' is the network and not a host in it; write the "
     "port's own address with the network's length"},
    {5, "  - { name: inside, device: \"af_packet:s-out\", addresses: [198.18.2.1/24] }",
     "c.yaml:5: ports[inside].device: 'af_packet:s-out' without VLAN is port 'outside' already; choose "
     "another device or vlan, or add the addresses to that port"},
    {5, "  - { name: inside, device: \"af_xdp:s-out\", vlan: 5, addresses: [198.18.2.1/24] }",
     "c.yaml:5: ports[inside].device: port 'outside' opens the same interface as 'af_packet:s-out'; open it "
     "in one way only"},
};
INSTANTIATE_TEST_SUITE_P(Ports, ConfigClash, testing::ValuesIn(kPortClashes));

const Clash kRealmClashes[] = {
    {8,
     "  - { name: inside, port: outside, listen: [{ transport: udp, port: 5060, address: 198.18.1.1 }], "
     "media: { ports: 30000-39999 } }",
     "c.yaml:8: realms[inside].listen[0]: 198.18.1.1:5060 is realms[outside].listen[0] already; choose "
     "another port or address"},
    {8,
     "  - { name: inside, port: outside, listen: [{ transport: udp, port: 5070 }], media: { ports: "
     "29999-39999 } }",
     "c.yaml:8: realms[inside].media.ports: overlaps the media ports of realm 'outside' on 198.18.1.1; "
     "choose a range outside of 20000-29999"},
    {8, "  - { name: inside, port: inside, listen: [{ transport: udp, port: 20000 }] }",
     "c.yaml:8: realms[inside].listen[0].port: 20000 is a media port of realm 'inside'; choose a port "
     "outside of 20000-29999"},
    {8, "  - { name: inside, port: inside, listen: [{ transport: udp, address: 198.18.1.1 }] }",
     "c.yaml:8: realms[inside].listen[0].address: 198.18.1.1 is no address of port 'inside'; write one of "
     "the port's addresses, or leave the key out"},
    {8,
     "  - { name: inside, port: inside, listen: [{ transport: udp }], media: { addresses: [198.18.2.9] } }",
     "c.yaml:8: realms[inside].media.addresses: 198.18.2.9 is no address of port 'inside'; write one of the "
     "port's addresses, or leave the key out"},
    {8,
     "  - { name: inside, port: inside, listen: [{ transport: udp }, { transport: tcp }, { transport: tcp, "
     "port: 5060 }] }",
     "c.yaml:8: realms[inside].listen[2]: 198.18.2.1:5060 is realms[inside].listen[1] already; choose "
     "another port or address"},
    {8, "  - { name: inside, port: inside, listen: [{ transport: tls }] }",
     "c.yaml:8: realms[inside].listen[0].certificate: is missing; name one of tls.certificates for this TLS "
     "listener"},
    {8, "  - { name: inside, port: inside, listen: [{ transport: udp, client_certificate: none }] }",
     "c.yaml:8: realms[inside].listen[0].client_certificate: is for TLS listeners only; leave it out or "
     "write transport: tls"},
    {8,
     "  - { name: inside, port: inside, listen: [{ transport: udp }], advertise: { ipv4: \"2001:db8::1\" } }",
     "c.yaml:8: realms[inside].advertise.ipv4: is not an IPv4 address; write own or an IPv4 address"},
    {8, "  - { name: inside, port: inside, listen: [] }",
     "c.yaml:8: realms[inside].listen: is empty; write at least one member"},
};
INSTANTIATE_TEST_SUITE_P(Realms, ConfigClash, testing::ValuesIn(kRealmClashes));

const Clash kNeighbourClashes[] = {
    {11, "  - { name: pbx, realm: inside, targets: [{ address: \"[fd18:2::2]:5060\" }] }",
     "c.yaml:11: peers[pbx].targets[0].address: is IPv6, but port 'inside' has no IPv6 address; give the "
     "port one or write the other family"},
    {11, "  - { name: pbx, realm: inside, targets: [{ address: \"198.18.2.1:5060\" }] }",
     "c.yaml:11: peers[pbx].targets[0].address: is an address of port 'inside' itself; write the peer's"},
    {11, "  - { name: pbx, realm: inside, targets: [{ address: \"224.0.0.1:5060\" }] }",
     "c.yaml:11: peers[pbx].targets[0].address: is not a unicast address; write the peer's address"},
    {11,
     "  - { name: pbx, realm: inside, targets: [{ address: \"198.18.2.2:5060\", domain: sip.example.net }] }",
     "c.yaml:11: peers[pbx].targets[0]: has both address and domain; keep one of the two"},
    {11, "  - { name: pbx, realm: inside, targets: [{ weight: 1 }] }",
     "c.yaml:11: peers[pbx].targets[0]: has neither address nor domain; write one of the two"},
    {13, "registrars: [{ name: p, realm: inside, domains: [example.com] }]",
     "c.yaml:13: registrars[p].upstream: is missing; mode: pass_through needs a peer"},
    {13, "registrars: [{ name: p, realm: inside, mode: local, domains: [example.com] }]",
     "c.yaml:13: registrars[p].users_file: is missing; mode: local needs a file of users"},
    {13,
     "registrars: [{ name: p, realm: inside, mode: local, users_file: u, upstream: pbx, domains: "
     "[example.com] }]",
     "c.yaml:13: registrars[p].upstream: has no meaning with mode: local; leave it out"},
    {12, "routes: [{ name: r, to: [{ reject: 403, redirect: \"sip:a@b\" }] }]",
     "c.yaml:12: routes[r].to[0]: is not exactly one target; write one of registrar, table, redirect or "
     "reject"},
    {13, "header_rules: [{ name: r, steps: [{ field: called }] }]",
     "c.yaml:13: header_rules[r].steps[0]: is not exactly one change; write one of replace (with with), set "
     "or remove"},
    {13, "header_rules: [{ name: r, steps: [{ field: called, replace: \"^0\" }] }]",
     "c.yaml:13: header_rules[r].steps[0].with: is missing; write replace: \"pattern\" and with: \"text\" "
     "together"},
    {13, "management: { listen: \"0.0.0.0:8080\" }",
     "c.yaml:13: management.listen: '0.0.0.0:8080' is not a loopback address, and there is no "
     "tls_certificate; write 127.0.0.1:8080, or name a certificate in management.tls_certificate"},
};
INSTANTIATE_TEST_SUITE_P(Neighbours, ConfigClash, testing::ValuesIn(kNeighbourClashes));

TEST(ConfigClash, WarnsOfAHeaderThatNeverCrosses) {
  std::vector<std::string> lines = kGoodLines;
  lines[10] =
      "  - { name: pbx, realm: inside, headers: { pass: [User-Agent, v, X-Any] }, targets: [{ address: "
      "\"198.18.2.2:5060\" }] }";
  lines.push_back("profiles:");
  lines.push_back("  - name: p");
  lines.push_back("    headers:");
  lines.push_back("      pass:");
  lines.push_back("        - Organization");
  lines.push_back("        - p-asserted-identity");
  lines.push_back("        - Target-Dialog");
  const LoadedConfig loaded = load_text(joined(lines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(
      warnings_of(loaded),
      ElementsAre("c.yaml:11: peers[pbx].headers.pass: 'v' never crosses: it belongs to one leg, where "
                  "Sallyport writes its own; leave it out",
                  "c.yaml:18: profiles[p].headers.pass: 'p-asserted-identity' never crosses by itself: it is "
                  "identity, written anew at the trust border; leave it out and use identity.accept, "
                  "identity.send and identity.privacy",
                  "c.yaml:19: profiles[p].headers.pass: 'Target-Dialog' never crosses: it belongs to one "
                  "leg, where Sallyport writes its own; leave it out"));
}

TEST(ConfigClash, LetsTwoSidesUseTheSameAddressSpace) {
  std::vector<std::string> lines = kGoodLines;
  lines[4] = "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.1.1/24] }";
  lines[10] = "  - { name: pbx, realm: inside, targets: [{ address: \"198.18.1.2:5060\" }] }";
  EXPECT_THAT(errors_of(load_text(joined(lines))), IsEmpty());
}

TEST(ConfigClash, LetsVlansShareADevice) {
  EXPECT_THAT(
      errors_of(load_text(with_line(
          5, "  - { name: inside, device: \"af_packet:s-out\", vlan: 5, addresses: [198.18.2.1/24] }"))),
      IsEmpty());
}

TEST(ConfigClash, LetsRealmsShareAPortWhereListenersAndMediaDiffer) {
  EXPECT_THAT(errors_of(load_text(
                  with_line(8,
                            "  - { name: inside, port: outside, listen: [{ transport: udp, port: 5070 }], "
                            "media: { ports: 30000-39999 } }"))),
              IsEmpty());
}

TEST(ConfigClash, TakesALinkLocalIpv6Gateway) {
  EXPECT_THAT(
      errors_of(load_text(with_line(
          4,
          "  - { name: outside, device: \"af_packet:s-out\", addresses: [198.18.1.1/24, \"fd18:1::1/64\"], "
          "gateways: [198.18.1.254, \"fe80::1\"] }"))),
      IsEmpty());
}

TEST(ConfigClash, TakesAnOpenAddressWithACertificateAndWarnsWhenNoTokenLetsAnybodyIn) {
  std::vector<std::string> lines = kGoodLines;
  lines.push_back("tls: { certificates: [{ name: e, certificate: a, key: b }] }");
  lines.push_back("management: { listen: \"0.0.0.0:8080\", tls_certificate: e }");
  const LoadedConfig loaded = load_text(joined(lines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_FALSE(loaded.is_refused_by_run());
  EXPECT_TRUE(loaded.has_warnings());
  lines.back() = "management: { listen: \"0.0.0.0:8080\", tls_certificate: e, tokens: [{ file: t }] }";
  EXPECT_FALSE(load_text(joined(lines)).has_warnings());
}

}  // namespace
}  // namespace sallyport::mgmt
