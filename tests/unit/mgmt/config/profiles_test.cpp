// profiles_test.cpp — the shipped profiles: each is right as a file, and gives a peer what it says.
#include <gmock/gmock.h>

#include "mgmt/config/shipped_profiles.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

LoadedConfig with_carrier(const std::string& keys) {
  return load_text(with_line(
      10,
      "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }], " + keys + " }"));
}

ProfileConfig profile_of(const std::string& keys) {
  const LoadedConfig loaded = with_carrier(keys);
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  return loaded.config.peers.at(0).profile;
}

class ShippedProfileFile : public testing::TestWithParam<const char*> {};

// The file's text below `profiles:`, as an operator would copy it.
std::string as_written(std::string_view text) {
  std::string out = "profiles:\n";
  bool is_first_key = true;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string line(text.substr(from, end - from));
    const bool is_key = !line.empty() && line.front() != '#';
    out += (is_key && is_first_key ? "  - " : "    ") + line + "\n";
    is_first_key = is_first_key && !is_key;
    from = end + 1;
  }
  return out;
}

TEST_P(ShippedProfileFile, IsRightWhenItIsCopiedIntoAConfiguration) {
  const auto found =
      std::ranges::find(shipped_profiles(), std::string_view(GetParam()), &ShippedProfile::name);
  ASSERT_NE(found, shipped_profiles().end());
  const LoadedConfig loaded = load_text(joined(kGoodLines) + as_written(found->text));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  ASSERT_EQ(loaded.config.profiles.size(), 1u);
  EXPECT_EQ(loaded.config.profiles[0].name, GetParam());
  EXPECT_FALSE(loaded.is_refused_by_run());
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedProfileFile, testing::Values("carrier", "pbx", "teams"));

TEST(Profiles, ACarrierGetsNoTransfersAndBelievesItsPeers) {
  const ProfileConfig carrier = profile_of("profile: carrier");
  EXPECT_EQ(carrier.name, "carrier");
  EXPECT_THAT(carrier.methods, Not(Contains("REFER")));
  EXPECT_THAT(carrier.events, IsEmpty());
  EXPECT_EQ(carrier.refer, ReferMode::Refuse);
  EXPECT_EQ(carrier.redirect, RedirectMode::Refuse);
  EXPECT_EQ(carrier.identity_accept, IdentityAccept::Pai);
  EXPECT_EQ(carrier.media.latch, LatchMode::Sdp);
  ASSERT_EQ(carrier.response_map.size(), 1u);
  EXPECT_EQ(carrier.response_map[0].out, 486);
  EXPECT_EQ(carrier.timers.ring, 180s) << "what it leaves out is as in default";
}

TEST(Profiles, APbxMayBendTheGrammarAndForwardCalls) {
  const ProfileConfig pbx = profile_of("profile: pbx");
  EXPECT_EQ(pbx.strictness, Strictness::Lenient);
  EXPECT_EQ(pbx.redirect, RedirectMode::Follow);
  EXPECT_EQ(pbx.refer, ReferMode::Resolve);
  EXPECT_EQ(pbx.media.latch, LatchMode::Signalled);
}

TEST(Profiles, APeersOwnKeysLieOverAShippedProfile) {
  const ProfileConfig carrier = profile_of("profile: carrier, features: { refer: resolve }");
  EXPECT_EQ(carrier.refer, ReferMode::Resolve);
  EXPECT_EQ(carrier.media.latch, LatchMode::Sdp);
}

TEST(Profiles, CausesOfTheTelephoneNetworkCountAsTheCodesThatAreWritten) {
  const ProfileConfig profile = profile_of(
      "responses: { causes: [{ cause: 34, code: 503 }, { cause: 17, code: 486 }], send_cause: auto }");
  ASSERT_EQ(profile.cause_map.size(), 2u);
  EXPECT_EQ(profile.cause_map[0].cause, 34);
  EXPECT_EQ(profile.cause_map[0].code, 503);
  EXPECT_TRUE(profile.send_cause);
  EXPECT_FALSE(profile_of("responses: { to: via }").send_cause);
  EXPECT_THAT(errors_of(with_carrier("responses: { causes: [{ cause: 128, code: 503 }] }")),
              ElementsAre(HasSubstr("peers[carrier].responses.causes[0].cause: ")));
  EXPECT_THAT(errors_of(with_carrier("responses: { causes: [{ cause: 34, code: 200 }] }")),
              ElementsAre(HasSubstr("peers[carrier].responses.causes[0].code: ")));
  EXPECT_THAT(errors_of(with_carrier("responses: { causes: [{ cause: 34 }] }")),
              ElementsAre(HasSubstr("peers[carrier].responses.causes[0].code: is missing")));
}

TEST(Profiles, AFilesOwnProfileReplacesTheShippedOneOfThatName) {
  const LoadedConfig loaded =
      load_text(with_line(10,
                          "  - { name: carrier, realm: outside, profile: carrier, targets: [{ address: "
                          "\"198.18.1.2:5060\" }] }") +
                "profiles: [{ name: carrier, strictness: strict }]\n");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.peers[0].profile.strictness, Strictness::Strict);
  EXPECT_EQ(loaded.config.peers[0].profile.media.latch, LatchMode::Signalled);
}

TEST(Profiles, AnUnknownOneIsAnErrorWithASuggestion) {
  EXPECT_THAT(errors_of(with_carrier("profile: carier")),
              ElementsAre("c.yaml:10: peers[carrier].profile: there is no profile 'carier'; did you mean "
                          "'carrier'?"));
  EXPECT_THAT(errors_of(with_carrier("profile: lync")), ElementsAre(HasSubstr("there is no profile 'lync'")));
}

// ---- teams ----

std::string teams_text(const std::string& listen, const std::string& realm, const std::string& peer) {
  std::vector<std::string> lines = kGoodLines;
  lines[6] = "  - { name: outside, port: outside, listen: [" + listen + "]" + realm + " }";
  lines[9] = "  - { name: carrier, realm: outside, profile: teams" + peer +
             ", targets: [{ domain: sip.pstnhub.microsoft.com }] }";
  return joined(lines) + "tls: { certificates: [{ name: edge, certificate: e.pem, key: e.key }] }\n";
}
constexpr const char* kTlsListener = "{ transport: tls, port: 5061, certificate: edge }";

TEST(Profiles, TeamsGetsHoldAsInactiveAndKeysOnlyOverTls) {
  const LoadedConfig loaded =
      load_text(teams_text(kTlsListener, ", advertise: { domain: sbc.example.com }", ", transport: tls"));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
  const ProfileConfig& teams = loaded.config.peers.at(0).profile;
  EXPECT_EQ(teams.media.hold, HoldMode::Inactive);
  EXPECT_EQ(teams.srtp.mode, SrtpMode::Required);
  EXPECT_TRUE(teams.srtp.sdes_only_over_tls);
  EXPECT_EQ(teams.responses_to, ResponsesTo::Source);
  EXPECT_EQ(teams.refer, ReferMode::Resolve);
}

TEST(Profiles, WhatTeamsAsksForBesidesItsProfileIsAnErrorEach) {
  EXPECT_THAT(
      errors_of(load_text(
          teams_text("{ transport: udp }", "", ", health: { ping: never }, media: { hold: pass }"))),
      testing::UnorderedElementsAre(
          HasSubstr(
              "peers[carrier].transport: is not tls, and Teams speaks nothing else; write transport: tls"),
          HasSubstr("realms[outside].advertise.domain: is none, and Teams takes a Contact only with the name "
                    "that our certificate shows; write advertise: { domain: NAME } in that realm"),
          HasSubstr("peers[carrier].health: never pings, and Teams sends calls only to who sends it OPTIONS"),
          HasSubstr("peers[carrier].tls: has no certificate, and Teams asks for ours"),
          HasSubstr("peers[carrier].media: changes hold, and Teams understands a=inactive alone")));
}

}  // namespace
}  // namespace sallyport::mgmt
