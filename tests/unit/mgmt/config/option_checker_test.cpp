// option_checker_test.cpp — each kind of mistake in a key or value gives exactly one sentence.
#include "mgmt/config/option_checker.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Mistake {
  std::size_t line;  // exchanged, or added when 13
  const char* text;
  const char* expected;  // the only error
};

class OptionMistake : public testing::TestWithParam<Mistake> {};

TEST_P(OptionMistake, GivesItsOneSentence) {
  const Mistake& mistake = GetParam();
  EXPECT_THAT(errors_of(load_text(with_line(mistake.line, mistake.text))), ElementsAre(mistake.expected))
      << mistake.text;
}

const Mistake kKeyMistakes[] = {
    {13, "prots: []", "c.yaml:13: prots: there is no such key; did you mean 'ports'?"},
    {2, "node: { name: edge-1, stat: /x }",
     "c.yaml:2: node.stat: there is no such key; did you mean 'state'?"},
    {2, "node: { name: edge-1, colour: red }",
     "c.yaml:2: node.colour: there is no such key; the keys here are name or state"},
    {2, "node: { name: edge-1, name: edge-2 }",
     "c.yaml:2: node.name: is written twice, first in line 2; keep one of the two"},
    {2, "node: { state: /x }", "c.yaml:2: node.name: is missing; write a name"},
    {1, "# no version", "c.yaml:2: version: is missing; write 1"},
    {1, "version: 2", "c.yaml:1: version: '2' is not known here; write 1"},
    {13, "registrars: none",
     "c.yaml:13: registrars: is not a list; write a list in [ ], or lines that begin with '-'"},
    {13, "dataplane: auto",
     "c.yaml:13: dataplane: is not a map of keys; write keys below it: lcores, signalling_threads, idle, "
     "processor_sleep, hugepages, srtp_engine or capacity"},
    {13, "security: { limits: { source: { rat: 5/s } } }",
     "c.yaml:13: security.limits.source.rat: there is no such key; did you mean 'rate'?"},
    {10,
     "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }], media: { codec: any "
     "} }",
     "c.yaml:10: peers[carrier].media.codec: there is no such key; did you mean 'codecs'?"},
};
INSTANTIATE_TEST_SUITE_P(Keys, OptionMistake, testing::ValuesIn(kKeyMistakes));

const Mistake kWordMistakes[] = {
    {7, "  - { name: outside, port: outside, nat: off, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].nat: 'off' is a word that YAML 1.1 tools change; write auto or never"},
    {7, "  - { name: outside, port: outside, nat: Yes, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].nat: 'Yes' is a word that YAML 1.1 tools change; write auto or never"},
    {7, "  - { name: outside, port: outside, nat: ~, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].nat: '~' is a word that YAML 1.1 tools change; write auto or never"},
    {7, "  - { name: outside, port: outside, nat: , listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].nat: has no value; write auto or never"},
    {7, "  - { name: outside, port: outside, nat: nevr, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].nat: 'nevr' is not a word of this key; did you mean never?"},
    {7, "  - { name: outside, port: outside, trust: enemies, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].trust: 'enemies' is not a word of this key; write untrusted or trusted"},
    {13, "profiles: [{ name: none }]",
     "c.yaml:13: profiles[none].name: 'none' has a meaning of its own in this file; choose another name"},
    {13, "profiles: [{ name: \"a b\" }]",
     "c.yaml:13: profiles[a b].name: 'a b' is not a name; write 1 to 64 letters, digits, '-', '_' and '.'"},
    {2, "node: { name: edge_1 }",
     "c.yaml:2: node.name: 'edge_1' can't be part of a namespace's name; write 1 to 32 letters, digits and "
     "'-'"},
    {2, "node: { name: a123456789012345678901234567890123 }",
     "c.yaml:2: node.name: 'a123456789012345678901234567890123' can't be part of a namespace's name; write 1 "
     "to 32 letters, digits and '-'"},
    {2, "node: { name: edge-1, state: var/lib }",
     "c.yaml:2: node.state: 'var/lib' does not begin with '/'; write the whole path"},
    {13, "management: { log: { to: ../x } }",
     "c.yaml:13: management.log.to: '../x' is outside of node.state; write a name without '/' at its front "
     "and without '..'"},
    {13, "profiles: [{ name: x, methods: [INVITE, bye] }]",
     "c.yaml:13: profiles[x].methods[1]: 'bye' is not a SIP method; write a method in capitals, as in "
     "INVITE"},
    {13, "emergency: { numbers: [112] }",
     "c.yaml:13: emergency.numbers[0]: 112 is a number to dial without quotes; write \"112\""},
    {13, "emergency: { numbers: [\"one\"] }",
     "c.yaml:13: emergency.numbers[0]: 'one' is not a number to dial; write digits in quotes, as in \"112\" "
     "or \"+882\""},
    {12, "routes: [{ name: r, match: { called: +4930 }, to: [pbx] }]",
     "c.yaml:12: routes[r].match.called: +4930 is a number to dial without quotes; write \"+4930\""},
    {12, "routes: [{ name: r, match: { called: \"^(\" }, to: [pbx] }]",
     "c.yaml:12: routes[r].match.called: '^(' is not a regular expression: missing ): ^(; write one as RE2 "
     "takes it, in quotes"},
    {12, "routes: [{ name: r, match: { header: { X-A: \"[\" } }, to: [pbx] }]",
     "c.yaml:12: routes[r].match.header.X-A: '[' is not a regular expression: missing ]: [; write one as RE2 "
     "takes it, in quotes"},
    {12, "routes: [{ name: r, match: { time: weekend }, to: [pbx] }]",
     "c.yaml:12: routes[r].match.time: 'weekend' is not a span of time; write days and hours as in \"mon-fri "
     "08:00-18:00\""},
    {13, "header_rules: [{ name: r, steps: [{ field: calling, set: x }] }]",
     "c.yaml:13: header_rules[r].steps[0].field: 'calling' is not a field; write called, caller, identity, "
     "diversion, header:NAME or sdp:ATTRIBUTE"},
    {13, "tls: { minimum_version: 1.1 }",
     "c.yaml:13: tls.minimum_version: '1.1' is not a word of this key; did you mean 1.2?"},
};
INSTANTIATE_TEST_SUITE_P(Words, OptionMistake, testing::ValuesIn(kWordMistakes));

const Mistake kUnitMistakes[] = {
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], mtu: 100 }",
     "c.yaml:5: ports[inside].mtu: '100' is too small; write 1280 to 9000"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], vlan: 4095 }",
     "c.yaml:5: ports[inside].vlan: '4095' is too large; write none, or 1 to 4094"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1/24], vlan: many }",
     "c.yaml:5: ports[inside].vlan: 'many' is not a whole number; write none, or 1 to 4094"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: [198.18.2.1] }",
     "c.yaml:5: ports[inside].addresses[0]: '198.18.2.1' is not an address with the length of its network; "
     "write one like 198.18.1.1/24"},
    {5, "  - { name: inside, device: \"af_packet:s-in\", addresses: 198.18.2.1/24 }",
     "c.yaml:5: ports[inside].addresses: is not a list; write a list in [ ], or lines that begin with '-'"},
    {5, "  - { name: inside, device: \"af_packet:an-interface-too-long\", addresses: [198.18.2.1/24] }",
     "c.yaml:5: ports[inside].device: 'af_packet:an-interface-too-long' names no Linux interface; write "
     "af_packet:NAME with 1 to 15 letters, as in af_packet:eth1"},
    {13, "profiles: [{ name: x, timers: { t1: 500 } }]",
     "c.yaml:13: profiles[x].timers.t1: '500' is not a length of time; write a number with ms, s, m, h or d, "
     "as in 500ms or 1h"},
    {13, "profiles: [{ name: x, timers: { t1: 1h } }]",
     "c.yaml:13: profiles[x].timers.t1: '1h' is too large; write 50ms to 5s"},
    {13, "security: { limits: { source: { rate: 200 } } }",
     "c.yaml:13: security.limits.source.rate: '200' is not a rate; write a number with /s, /m or /h, as in "
     "200/s"},
    {13, "security: { access: [{ source: 192.0.2.1/24, action: deny }] }",
     "c.yaml:13: security.access[0].source: '192.0.2.1/24' has bits set beyond its length; write "
     "192.0.2.0/24"},
    {13, "security: { overload: { cpu: 85 } }",
     "c.yaml:13: security.overload.cpu: '85' is not a share; write a number with %, as in 85%"},
    {13, "management: { messages: { keep: 256 } }",
     "c.yaml:13: management.messages.keep: '256' is not a size; write a number with KB, MB, GB or TB, as in "
     "64KB"},
    {13, "management: { listen: localhost }",
     "c.yaml:13: management.listen: 'localhost' is not an address and port; write one like "
     "\"198.18.1.2:5060\" or \"[fd18:1::2]:5060\""},
    {7,
     "  - { name: outside, port: outside, limits: { media: 1G }, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].limits.media: '1G' is not a bit rate; write a number with kbit, Mbit or "
     "Gbit, as in 1Gbit"},
    {7,
     "  - { name: outside, port: outside, media: { ports: 30000-20000 }, listen: [{ transport: udp, port: "
     "5060 }] }",
     "c.yaml:7: realms[outside].media.ports: '30000-20000' is not a range of ports; write first-last within "
     "1024-65535, as in 20000-29999"},
    {7,
     "  - { name: outside, port: outside, signalling_dscp: CS8, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:7: realms[outside].signalling_dscp: 'CS8' is not a DSCP; write EF, VA, BE, CS0 to CS7, AF11 to "
     "AF43 or 0 to 63"},
    {10, "  - { name: carrier, realm: outside, targets: [{ domain: \"198.18.1.2\" }] }",
     "c.yaml:10: peers[carrier].targets[0].domain: '198.18.1.2' is not a domain name; write one like "
     "sip.example.net; an IP address goes under address"},
    {13, "dataplane: { lcores: 3-2 }",
     "c.yaml:13: dataplane.lcores: '3-2' is not a set of CPUs; write auto, a number of threads as in 2, or "
     "CPU ids in quotes as in \"2-3\""},
};
INSTANTIATE_TEST_SUITE_P(Units, OptionMistake, testing::ValuesIn(kUnitMistakes));

const Mistake kNameMistakes[] = {
    {8, "  - { name: inside, port: insid, listen: [{ transport: udp, port: 5060 }] }",
     "c.yaml:8: realms[inside].port: there is no port 'insid'; did you mean 'inside'?"},
    {11, "  - { name: pbx, realm: moon, targets: [{ address: \"198.18.2.2:5060\" }] }",
     "c.yaml:11: peers[pbx].realm: there is no realm 'moon'; name one that is defined under realms"},
    {11, "  - { name: pbx, realm: inside, profile: carier, targets: [{ address: \"198.18.2.2:5060\" }] }",
     "c.yaml:11: peers[pbx].profile: there is no profile 'carier'; did you mean 'carrier'?"},
    {12, "routes: [{ name: r, match: { peer: [carrier] }, to: [pbxx] }]",
     "c.yaml:12: routes[r].to[0]: there is no peer 'pbxx'; did you mean 'pbx'?"},
    {12, "routes: [{ name: r, to: [{ table: lcr }] }]",
     "c.yaml:12: routes[r].to[0].table: there is no table 'lcr'; name one that is defined under tables"},
    {12, "routes: [{ name: r, rules: [nat], to: [pbx] }]",
     "c.yaml:12: routes[r].rules[0]: there is no header rule 'nat'; name one that is defined under "
     "header_rules"},
    {13, "management: { tls_certificate: edge }",
     "c.yaml:13: management.tls_certificate: there is no certificate 'edge'; name one that is defined under "
     "tls.certificates"},
};
INSTANTIATE_TEST_SUITE_P(Names, OptionMistake, testing::ValuesIn(kNameMistakes));

TEST(OptionChecker, FindsNothingWrongWithTheGoodConfiguration) {
  const LoadedConfig loaded = load_text(joined(kGoodLines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
  EXPECT_FALSE(loaded.is_refused_by_run());
}

TEST(OptionChecker, RefusesListsLongerThanTheFastPathCanNumber) {
  std::string line = "  - { name: inside, port: inside, listen: [{ transport: udp, port: 5060 }";
  for (int port = 40'000; port < 40'064; ++port)
    line += ", { transport: udp, port: " + std::to_string(port) + " }";
  EXPECT_THAT(errors_of(load_text(with_line(8, line + "] }"))),
              ElementsAre("c.yaml:8: realms[inside].listen: has 65 members; write at most 64"));
}

TEST(OptionChecker, SaysWhereANameWasGivenFirst) {
  const auto errors = errors_of(load_text(
      with_line(11, "  - { name: carrier, realm: inside, targets: [{ address: \"198.18.2.2:5060\" }] }")));
  ASSERT_EQ(errors.size(), 2u);  // and the route's pbx is gone
  EXPECT_THAT(errors[0], testing::MatchesRegex(
                             "c.yaml:11: peers.carrier..name: 'carrier' is the name of another peer already, "
                             "in .*/c.yaml:10; choose another name"));
}

TEST(OptionChecker, ReportsAllMistakesOfAFileAtOnceInTheOrderOfLines) {
  std::vector<std::string> lines = kGoodLines;
  lines[11] = "routes: [{ name: inbound, to: [px] }]";
  lines[1] = "node: { nam: edge-1 }";
  lines[4] = "  - { name: inside, device: \"af_paket:s-in\", addresses: [198.18.2.1/24], mtu: 9001 }";
  const auto errors = errors_of(load_text(joined(lines)));
  ASSERT_EQ(errors.size(), 5u);
  EXPECT_EQ(errors[0], "c.yaml:2: node.nam: there is no such key; did you mean 'name'?");
  EXPECT_EQ(errors[1], "c.yaml:2: node.name: is missing; write a name");
  EXPECT_THAT(errors[2], testing::StartsWith(
                             "c.yaml:5: ports[inside].device: 'af_paket:s-in' is not a device; write pci:"));
  EXPECT_EQ(errors[3], "c.yaml:5: ports[inside].mtu: '9001' is too large; write 1280 to 9000");
  EXPECT_EQ(errors[4], "c.yaml:12: routes[inbound].to[0]: there is no peer 'px'; did you mean 'pbx'?");
}

TEST(OptionChecker, WarnsOnceForEachTopmostKeyThatIsNotBuilt) {
  EXPECT_THAT(
      warnings_of(load_text(with_line(13, "cluster: { mode: pair }"))),
      ElementsAre("c.yaml:13: cluster: not built yet; it is checked but has no effect in this version"));
  EXPECT_THAT(warnings_of(load_text(with_line(13, "management: { traces: \"http://127.0.0.1:4318\" }"))),
              ElementsAre(testing::StartsWith("c.yaml:13: management.traces: not built yet")));
}

TEST(OptionChecker, WarnsOfWordsThatAreNotBuilt) {
  const LoadedConfig loaded = load_text(with_line(
      10,
      "  - { name: carrier, realm: outside, media: { ice: auto }, targets: [{ address: \"198.18.1.2:5060\" "
      "}] }"));
  EXPECT_THAT(warnings_of(loaded),
              ElementsAre("c.yaml:10: peers[carrier].media.ice: 'auto' is not built yet; it is checked but "
                          "has no effect in this version"));
}

struct Weakening {
  std::size_t line;
  const char* text;
  const char* key;
};
class SecurityWeakening : public testing::TestWithParam<Weakening> {};

TEST_P(SecurityWeakening, IsAWarningThatRunRefuses) {
  const LoadedConfig loaded = load_text(with_line(GetParam().line, GetParam().text));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  std::vector<std::string> keys;
  for (const ConfigProblem& problem : loaded.problems)
    if (problem.weakens_security) keys.push_back(problem.key);
  EXPECT_THAT(keys, ElementsAre(GetParam().key));
  EXPECT_TRUE(loaded.is_refused_by_run());
}

const Weakening kWeakenings[] = {
    {13, "profiles: [{ name: default, srtp: { mode: required, keying: [dtls] } }]",
     "profiles[default].srtp.keying"},
    {10,
     "  - { name: carrier, realm: outside, srtp: { mode: required, keying: [dtls] }, targets: [{ address: "
     "\"198.18.1.2:5060\" }] }",
     "peers[carrier].srtp.keying"},
};
INSTANTIATE_TEST_SUITE_P(Each, SecurityWeakening, testing::ValuesIn(kWeakenings));

TEST(OptionChecker, RefusesEncryptionThatNobodyWouldDo) {
  const LoadedConfig loaded =
      load_text(with_line(13, "profiles: [{ name: default, srtp: { mode: required, keying: [dtls] } }]"));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_TRUE(loaded.is_refused_by_run());
}

TEST(OptionChecker, TakesAListenerThatAsksForCertificates) {
  std::vector<std::string> lines = kGoodLines;
  lines[6] =
      "  - { name: outside, port: outside, listen: [{ transport: udp }, { transport: tls, certificate: e, "
      "client_certificate: required }] }";
  lines.push_back("tls: { certificates: [{ name: e, certificate: a, key: b }] }");
  const LoadedConfig loaded = load_text(joined(lines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_FALSE(loaded.is_refused_by_run());
}

TEST(OptionChecker, DoesNotRefuseWhatWeakensNothing) {
  EXPECT_FALSE(load_text(with_line(13, "security: { blocklists: [] }")).is_refused_by_run());
  EXPECT_FALSE(load_text(with_line(13, "profiles: [{ name: default, srtp: { mode: required } }]"))
                   .is_refused_by_run());
}

// RFC 5922 §7.2
TEST(OptionChecker, WildcardIsANameOnlyWhereTheOperatorExpectsOneOfACertificate) {
  const auto with_tls = [](const std::string& keys) {
    return errors_of(load_text(with_line(
        11, "  - { name: pbx, realm: inside, targets: [{ address: \"198.18.2.2:5060\" }], " + keys + " }")));
  };
  EXPECT_THAT(with_tls("tls: { name: \"*.example.net\" }"), IsEmpty());
  EXPECT_EQ(with_tls("tls: { name: \"*.*.example.net\" }").size(), 1u);
  EXPECT_EQ(with_tls("tls: { name: \"sip.*.net\" }").size(), 1u);
}

TEST(ConfigProblem, NeverPrintsControlBytesRaw) {
  const auto errors = errors_of(load_text(with_line(2, "node: { name: \"e\\x1b[31m\" }")));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], testing::HasSubstr("'e\\x1b[31m'"));
}

}  // namespace
}  // namespace sallyport::mgmt
