// peer_answers_test.cpp — peers and addresses as operators and programs see them.
#include "mgmt/peers/peer_answers.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/http/openapi.h"
#include "mgmt/log/log_line.h"
#include "mgmt/peers/explain_address.h"
#include "mgmt/peers/peers_table.h"
#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

class TrunkDesk : public FakeDesk {
 public:
  std::vector<sip::TrunkView> trunks_;
  [[nodiscard]] std::vector<sip::TrunkView> trunks(Timestamp) const override { return trunks_; }
};

class TrunkEngines : public CallEngines {
 public:
  TrunkDesk desk_;
  bool is_stuck_ = false;
  [[nodiscard]] std::size_t count() const override { return 1; }
  [[nodiscard]] std::size_t home_of(std::string_view) const override { return 0; }
  bool run(std::size_t, const Work& work) override {
    if (!is_stuck_) work(desk_, moment(10'000), out_);
    return !is_stuck_;
  }
  [[nodiscard]] std::uint64_t calls_active() const override { return 0; }

 private:
  sip::EngineOutput out_;
};

SbcConfig peers_config() {
  SbcConfig config;
  for (const char* name : {"outside", "inside"}) {
    RealmConfig& realm = config.realms.emplace_back();
    realm.name = name;
    realm.listen.emplace_back().addresses = {*IpAddress::parse("198.18.1.1")};
  }
  config.realms[1].trust = RealmTrust::Trusted;
  PeerConfig& carrier = config.peers.emplace_back();
  carrier.name = "carrier";
  carrier.realm = "outside";
  carrier.balance = Balance::Weighted;
  carrier.targets.emplace_back().address = *parse_endpoint("198.18.1.2:5060", 0);
  carrier.targets.emplace_back().domain = "sip.example.net";
  carrier.sources = {*parse_prefix("203.0.113.0/28")};
  PeerConfig& pbx = config.peers.emplace_back();
  pbx.name = "pbx";
  pbx.realm = "inside";
  pbx.targets.emplace_back().address = *parse_endpoint("198.18.2.2:5060", 0);
  config.security.access = {{*parse_prefix("192.0.2.0/24"), "outside", AccessAction::Deny},
                            {*parse_prefix("198.51.100.0/24"), "", AccessAction::Trusted}};
  return config;
}

class PeerAnswersTest : public testing::Test {
 protected:
  PeerAnswersTest() {
    plane_.peers.resize(3);
    plane_.peers[0].active = {3, 7};
    plane_.peers[0].limit = {200, 100};
    engines_.desk_.trunks_ = {{.peer = "carrier",
                               .is_probed = true,
                               .targets = {{.host = "198.18.1.2:5060",
                                            .address = *parse_endpoint("198.18.1.2:5060", 0),
                                            .since = moment(4000),
                                            .round_trip = std::chrono::microseconds(2500),
                                            .last_code = 200}},
                               .registration = sip::RegistrationView{.aor = "sip:+4930@example.net",
                                                                     .state = "registered",
                                                                     .expires_at = moment(70'000),
                                                                     .next_at = moment(60'000),
                                                                     .last_code = 200,
                                                                     .registrar = "198.18.1.2:5060"}}};
    add_peer_commands(commands_, answers());
    add_peer_paths(router_, answers());
  }
  PeerAnswers answers() {
    return {[this]() -> Result<std::vector<PeerView>, CallDeskFailure> {
              auto seen = see_trunks(engines_, fake_wall_time);
              if (!seen) return fail(seen.error());
              return peer_views(config_, plane_, board_, *seen);
            },
            [this] { return make_value<const SbcConfig>(config_); },
            [this](const IpAddress& address) -> Result<EndpointsAt, CallDeskFailure> {
              EndpointsAt found;
              found.clocks = {moment(10'000), fake_wall_time()};
              for (const sip::EndpointView& one : endpoints_)
                if (one.remote.address == address) found.endpoints.push_back(one);
              found.is_cut = endpoints_are_cut_;
              return found;
            }};
  }
  [[nodiscard]] Json peers() {
    return Json::parse(commands_.answer(show_request("peers")))["result"]["peers"];
  }
  [[nodiscard]] Json explained(const std::string& of) {
    const auto answer = explain_if_address(answers(), of);
    return answer && *answer ? Json::parse(**answer) : Json();
  }
  [[nodiscard]] std::string reasons(const std::string& of) {
    std::string out;
    const Json answer = explained(of);
    for (const Json& reason : answer["reasons"]) out += reason["text"].get<std::string>() + "\n";
    return out;
  }
  [[nodiscard]] HttpResponse get(const std::string& target) { return router_.answer({"GET", target}); }

  SbcConfig config_ = peers_config();
  policy::TargetBoard board_{config_};
  dataplane::DataPlaneSnapshot plane_;
  TrunkEngines engines_;
  std::vector<sip::EndpointView> endpoints_;
  bool endpoints_are_cut_ = false;
  ControlCommands commands_;
  Router router_;
};

TEST_F(PeerAnswersTest, APeerShowsItsTargetsLimitsAndRegistration) {
  const Json carrier = peers()[0];
  EXPECT_EQ(carrier["name"], "carrier");
  EXPECT_EQ(carrier["up"], true);
  EXPECT_EQ(carrier["balance"], "weighted");
  EXPECT_EQ(carrier["calls"]["in"]["active"], 3);
  EXPECT_EQ(carrier["calls"]["out"]["limit"], 100);
  const Json target = carrier["targets"][0];
  EXPECT_EQ(target["state"], "up");
  EXPECT_EQ(target["since"], "2026-11-21T12:00:04.000Z");
  EXPECT_EQ(target["round_trip_ms"], 2.5);
  EXPECT_EQ(carrier["registration"]["state"], "registered");
  EXPECT_EQ(carrier["registration"]["expires"], "2026-11-21T12:01:10.000Z");
}

TEST_F(PeerAnswersTest, ATargetIsUnknownUnresolvedDownOrSetAside) {
  EXPECT_EQ(peers()[0]["targets"][1]["state"], "unresolved");
  EXPECT_EQ(peers()[0]["targets"][1]["target"], "sip.example.net");
  EXPECT_TRUE(peers()[0]["targets"][1]["address"].is_null());
  EXPECT_EQ(peers()[1]["targets"][0]["state"], "unknown") << "nobody asks it";
  const auto targets = board_.targets_of(PeerIndex{1});
  targets->front()->aside_until_ns.store(moment(20'000).time_since_epoch().count(),
                                         std::memory_order_relaxed);
  EXPECT_EQ(peers()[1]["targets"][0]["state"], "set_aside");
  targets->front()->is_up.store(false, std::memory_order_relaxed);
  EXPECT_EQ(peers()[1]["targets"][0]["state"], "down");
  EXPECT_EQ(peers()[1]["up"], false);
}

TEST_F(PeerAnswersTest, AnEngineThatDoesNotAnswerIsNoDaemon) {
  engines_.is_stuck_ = true;
  EXPECT_EQ(Json::parse(commands_.answer(show_request("peers")))["status"], 69);
  EXPECT_EQ(get("/api/v1/peers").status, 503u);
}

TEST_F(PeerAnswersTest, RestGivesPages) {
  const Json first = Json::parse(get("/api/v1/peers?limit=1").body);
  ASSERT_EQ(first["peers"].size(), 1u);
  EXPECT_EQ(first["next"], "1");
  const Json second = Json::parse(get("/api/v1/peers?limit=1&cursor=1").body);
  EXPECT_EQ(second["peers"][0]["name"], "pbx");
  EXPECT_TRUE(second["next"].is_null());
  EXPECT_EQ(Json::parse(get("/api/v1/peers?cursor=99").body)["peers"].size(), 0u);
  for (const char* const bad : {"?limit=0", "?limit=1001", "?limit=x", "?cursor=-1"})
    EXPECT_EQ(get(std::string("/api/v1/peers") + bad).status, 400u) << bad;
}

TEST_F(PeerAnswersTest, AnAddressIsExplainedByRuleByPeerAndByRealm) {
  EXPECT_THAT(reasons("198.18.1.2"),
              HasSubstr("realm outside: known: it is peer carrier, whose target 198.18.1.2:5060 it is"));
  EXPECT_THAT(
      reasons("198.18.1.2:5060"),
      HasSubstr("target 198.18.1.2:5060 of peer carrier over udp is up since 2026-11-21T12:00:04.000Z, "
                "round trip 2.5 ms, last answer 200, 0 calls"));
  EXPECT_THAT(reasons("203.0.113.5"), HasSubstr("whose sources have 203.0.113.0/28"));
  EXPECT_THAT(reasons("192.0.2.9"),
              HasSubstr("realm outside: denied: access rule 1 (192.0.2.0/24) denies it"));
  EXPECT_THAT(reasons("192.0.2.9"), HasSubstr("realm inside: trusted: no peer and no access rule names it"));
  EXPECT_THAT(reasons("198.51.100.1"),
              HasSubstr("realm outside: trusted: access rule 2 (198.51.100.0/24) trusts it"));
  EXPECT_EQ(explained("198.18.1.2")["realms"][0]["peer"], "carrier");
  EXPECT_FALSE(explain_if_address(answers(), "67408c3e-00000001"));
  EXPECT_FALSE(explain_if_address(answers(), "abc@198.18.1.2"));
}

TEST_F(PeerAnswersTest, AnAddressIsExplainedByWhoRegisteredFromThere) {
  sip::EndpointView& phone = endpoints_.emplace_back();
  phone.aor = "1001@example.com";
  phone.registrar = "phones";
  phone.remote = *parse_endpoint("198.51.100.77:40001", 0);
  phone.is_behind_nat = true;
  phone.since = moment(4000);
  phone.expires = moment(70'000);
  EXPECT_THAT(
      reasons("198.51.100.77"),
      HasSubstr("1001@example.com registered from 198.51.100.77:40001 over udp at registrar phones since "
                "2026-11-21T12:00:04.000Z, until 2026-11-21T12:01:10.000Z, behind a NAT\n"));
  EXPECT_THAT(reasons("198.51.100.78"), testing::Not(HasSubstr("registered")));
  endpoints_are_cut_ = true;
  EXPECT_THAT(reasons("198.51.100.78"), HasSubstr("there may be more registrations from there"));
}

TEST_F(PeerAnswersTest, ARegistrarIsNoPeerThatCouldBeDown) {
  PeerConfig& place = config_.peers.emplace_back();
  place.name = "phones";
  place.realm = "outside";
  place.registrar = 0;
  ASSERT_EQ(peers().size(), 2u);
  EXPECT_EQ(peers()[1]["name"], "pbx");
}

TEST_F(PeerAnswersTest, OpenApiKnowsEveryMemberOfAPeer) {
  const Json schemas = Json::parse(openapi_json())["components"]["schemas"];
  const Json peer = peers()[0], &known = schemas["Peer"]["properties"];
  EXPECT_EQ(peer.size(), known.size());
  for (const auto& [name, value] : peer.items()) EXPECT_TRUE(known.contains(name)) << name;
  for (const auto& [name, value] : peer["targets"][0].items())
    EXPECT_TRUE(known["targets"]["items"]["properties"].contains(name)) << name;
  for (const auto& [name, value] : peer["registration"].items())
    EXPECT_TRUE(known["registration"]["oneOf"][0]["properties"].contains(name)) << name;
}

TEST_F(PeerAnswersTest, TheTableHasARowForEachTarget) {
  const std::string json = Json{{"peers", peers()}}.dump();
  const std::string table = peers_table(json, false).value();
  for (const char* const part : {"carrier", "3 of 200", "7 of 100", "198.18.1.2:5060", "up", "2.5",
                                 "sip.example.net", "unresolved", "registered", "sip:+4930@example.net"})
    EXPECT_THAT(table, HasSubstr(part));
  EXPECT_FALSE(peers_table("[]", false));
  EXPECT_FALSE(peers_table("", false));
  EXPECT_EQ(peers_table("{}", false).value(), "no peer is configured\n");
  EXPECT_THAT(address_lines(explained("198.18.1.2").dump(), false).value(),
              HasSubstr("address 198.18.1.2\nrealm outside: known"));
}

TEST_F(PeerAnswersTest, APeerThatAReloadTookOutIsShownWhileCallsGoThroughIt) {
  config_.peers[0].is_retired = true;
  ASSERT_EQ(peers().size(), 2u);
  EXPECT_EQ(peers()[0]["retired"], true);
  EXPECT_THAT(reasons("198.18.1.2"), HasSubstr("it is, which a reload took out: "));
  EXPECT_THAT(peers_table(Json{{"peers", peers()}}.dump(), false).value(), HasSubstr("carrier (retired)"));
  plane_.peers[0].active = {0, 0};
  ASSERT_EQ(peers().size(), 1u);
  EXPECT_EQ(peers()[0]["name"], "pbx");
}

// What the guard has dropped before anything of it was read.
TEST(ExplainAddress, SaysHowManyPacketsAreDroppedSinceWhenAndWhy) {
  SbcConfig config = peers_config();
  config.ports.emplace_back().name = "outside";
  const std::vector<PeerView> peers;
  const EndpointsAt endpoints;
  AddressFacts facts{peers, endpoints};
  facts.clocks = {moment(10'000), fake_wall_time()};
  facts.drops = {{.port = PortIndex{0},
                  .reason = dataplane::DropReason::SourceRate,
                  .packets = 1234,
                  .since = moment(4'000),
                  .last = moment(9'500)}};
  const Json said = explain_address(*IpAddress::parse("203.0.113.7"), config, facts);
  const std::string since = iso_8601(facts.clocks.wall_at(moment(4'000))),
                    last = iso_8601(facts.clocks.wall_at(moment(9'500)));
  ASSERT_EQ(said["drops"].size(), 1u);
  EXPECT_EQ(said["drops"][0], Json({{"port", "outside"},
                                    {"reason", "source_rate"},
                                    {"packets", 1234},
                                    {"since", since},
                                    {"last", last}}));
  EXPECT_EQ(said["reasons"][0]["text"], "since " + since +
                                            " 1234 of its packets dropped on port outside, the last at " +
                                            last + ": source_rate");
  facts.drops.clear();
  EXPECT_TRUE(explain_address(*IpAddress::parse("203.0.113.7"), config, facts)["drops"].empty());
}

}  // namespace
}  // namespace sallyport::mgmt
