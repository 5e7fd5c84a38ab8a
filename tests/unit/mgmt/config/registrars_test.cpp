// registrars_test.cpp — registrars as configured: their places among the peers, and what can't be.
#include <gmock/gmock.h>

#include "mgmt/config/align_peers.h"
#include "policy/decide/earned_trust.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LoadedConfig with_registrars(const std::string& registrars, const std::string& more = {}) {
  return load_text(joined(kGoodLines) + "registrars: [" + registrars + "]\n" + more);
}
constexpr const char* kPhones = "{ name: phones, realm: outside, upstream: pbx, domains: [example.com] }";

TEST(Registrars, EachHasAPlaceBehindThePeers) {
  const LoadedConfig loaded = with_registrars(
      std::string(kPhones) +
          ", { name: homes, realm: inside, mode: local, users_file: u, domains: [home.example], "
          "profile: loose, keepalive: never }",
      "profiles: [{ name: loose, strictness: lenient }]\n");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty()) << "registrars are built";
  const SbcConfig& config = loaded.config;
  ASSERT_EQ(config.peers.size(), 4u);
  const PeerConfig &phones = config.peers[2], &homes = config.peers[3];
  EXPECT_EQ(phones.name, "phones");
  EXPECT_EQ(phones.realm, "outside");
  EXPECT_EQ(phones.registrar, 0);
  EXPECT_EQ(phones.profile.name, "default");
  EXPECT_TRUE(phones.targets.empty() && phones.sources.empty());
  EXPECT_FALSE(phones.health.ping);
  EXPECT_EQ(homes.registrar, 1);
  EXPECT_EQ(homes.profile.name, "loose");
  EXPECT_EQ(homes.profile.strictness, Strictness::Lenient);
  EXPECT_EQ(homes.profile.media.inactivity, 60s) << "what the profile leaves out is as in default";
  EXPECT_EQ(config.registrars[0].profile, "default");
  EXPECT_EQ(config.registrars[0].keepalive, 25s);
  EXPECT_EQ(config.registrars[1].keepalive, Duration{});
  EXPECT_EQ(place_of_registrar(config, 1), PeerIndex{3});
  EXPECT_EQ(registrar_of(config, PeerIndex{2}), &config.registrars[0]);
  EXPECT_EQ(registrar_of(config, PeerIndex{0}), nullptr);
}

TEST(Registrars, AShippedProfileIsFoundToo) {
  const LoadedConfig loaded = with_registrars(
      "{ name: phones, realm: outside, profile: pbx, upstream: pbx, domains: [example.com] }");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.peers.at(2).profile.redirect, RedirectMode::Follow);
}

TEST(Registrars, RoutesAndEmergencyMayNameThem) {
  EXPECT_THAT(
      warnings_of(load_text(with_line(
          12,
          "routes: [{ name: a, match: { registrar: [phones] }, to: [pbx] }, { name: b, match: { peer: "
          "[pbx] }, to: [{ registrar: phones }, carrier] }]\n"
          "emergency: { to: [{ registrar: phones }] }\nregistrars: [" +
              std::string(kPhones) + "]"))),
      IsEmpty());
}

TEST(Registrars, ARegistrarIsNoPeerForRoutesAndTables) {
  EXPECT_THAT(errors_of(load_text(with_line(
                  12, "routes: [{ name: a, to: [phones] }]\nregistrars: [" + std::string(kPhones) + "]"))),
              ElementsAre(HasSubstr("routes[a].to[0]: there is no peer 'phones'")));
}

struct Mistake {
  const char* registrar;
  const char* said;
};

class RegistrarMistake : public testing::TestWithParam<Mistake> {};

TEST_P(RegistrarMistake, IsNamedWithLineAndKey) {
  EXPECT_THAT(errors_of(with_registrars(GetParam().registrar)), ElementsAre(HasSubstr(GetParam().said)));
}

const Mistake kMistakes[] = {
    {"{ name: pbx, realm: outside, upstream: carrier, domains: [example.com] }",
     "c.yaml:13: registrars[pbx].name: 'pbx' is the name of a peer already, in "},
    {"{ name: p, realm: outside, upstream: pbx, domains: [] }", "registrars[p].domains: is empty"},
    {"{ name: p, realm: outside, upstream: pbx }", "registrars[p].domains: is missing"},
    {"{ name: p, realm: outside, upstream: nobody, domains: [a.b] }",
     "registrars[p].upstream: there is no peer 'nobody'"},
    {"{ name: p, realm: nowhere, upstream: pbx, domains: [a.b] }",
     "registrars[p].realm: there is no realm 'nowhere'"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], profile: odd }",
     "registrars[p].profile: there is no profile 'odd'"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [A.b] }",
     "registrars[p].domains: 'A.b' has capital letters; write it in small letters"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b, a.b] }",
     "registrars[p].domains: 'a.b' is written twice"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], refresh: { outside: 2h } }",
     "c.yaml:13: registrars[p].refresh: lasts longer outside than inside"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], refresh: { inside: 30s } }",
     "c.yaml:13: registrars[p].refresh: lasts longer outside than inside"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], refresh: { outside: 9s } }",
     "registrars[p].refresh.outside: "},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], keepalive: 4s }",
     "registrars[p].keepalive: "},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b], keepalive: none }",
     "registrars[p].keepalive: "},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b] }, { name: q, realm: outside, upstream: pbx, "
     "domains: [c.d, a.b] }",
     "registrars[q].domains: 'a.b' is a domain of registrar 'p' of that realm already"},
    {"{ name: p, realm: outside, upstream: pbx, domains: [a.b] }, { name: p, realm: inside, upstream: pbx, "
     "domains: [a.b] }",
     "registrars[p].name: 'p' is the name of another registrar already"},
};
INSTANTIATE_TEST_SUITE_P(Each, RegistrarMistake, testing::ValuesIn(kMistakes));

TEST(Registrars, RoomForRegistrationsCountsAsMemoryOnceThereIsOne) {
  EXPECT_EQ(with_registrars(kPhones).memory_bytes_needed - load_text(joined(kGoodLines)).memory_bytes_needed,
            100'000u * 2000 + policy::EarnedTrust::memory_for(100'000) - policy::EarnedTrust::memory_for(0));
}

TEST(Registrars, APlaceStaysWhereItIsWhenPeersComeAndGo) {
  SbcConfig running = with_registrars(kPhones).config;
  std::vector<std::string> lines = kGoodLines;
  lines[9] = "  - { name: new-1, realm: outside, targets: [{ address: \"198.18.1.8:5060\" }] }\n" + lines[9];
  lines[10] += "\n  - { name: new-2, realm: inside, targets: [{ address: \"198.18.2.8:5060\" }] }";
  SbcConfig next = load_text(joined(lines) + "registrars: [" + kPhones +
                             "]\nprofiles: [{ name: default, strictness: strict }]\n")
                       .config;
  ASSERT_TRUE(align_peers(running, {}, next));
  std::vector<std::string> names;
  for (const PeerConfig& peer : next.peers) names.push_back(peer.name);
  EXPECT_THAT(names, ElementsAre("carrier", "pbx", "phones", "new-1", "new-2"));
  EXPECT_EQ(place_of_registrar(next, 0), PeerIndex{2});
  EXPECT_FALSE(next.peers[2].is_retired);
  EXPECT_EQ(next.peers[2].profile.strictness, Strictness::Strict) << "profiles are live";
}

}  // namespace
}  // namespace sallyport::mgmt
