// router_test.cpp — first match wins, keys are joined by AND, members by OR, emergencies go first.
#include "policy/route/router.h"

#include <gtest/gtest.h>

#include "policy/route/prefix_table.h"

namespace sallyport::policy {
namespace {

using Outcome = RouteDecision::Outcome;

constexpr PeerIndex kCarrier{0}, kPbx{1}, kSos{2}, kPhones{3};
constexpr RealmIndex kOutside{0}, kInside{1};

SbcConfig base_config() {
  SbcConfig config;
  for (const char* name : {"outside", "inside"}) config.realms.emplace_back().name = name;
  for (const char* name : {"carrier", "pbx", "sos"}) config.peers.emplace_back().name = name;
  config.registrars.emplace_back().name = "phones";
  PeerConfig& phones = config.peers.emplace_back();
  phones.name = "phones";
  phones.registrar = 0;
  for (const char* name : {"national", "strip"}) config.header_rules.emplace_back().name = name;
  return config;
}

RouteConfig& add_route(SbcConfig& config, const char* name, std::vector<RouteTarget> to) {
  RouteConfig& route = config.routes.emplace_back();
  route.name = name;
  route.to = std::move(to);
  return route;
}

RouteRequest request(std::string_view called = "+15550100") {
  RouteRequest request;
  request.peer = kCarrier;
  request.realm = kOutside;
  request.method = "INVITE";
  request.called = called;
  request.caller = "+4930123";
  request.host = "sbc.example.net";
  request.request_uri = "sip:+15550100@sbc.example.net";
  return request;
}

// The route that one request takes when `match` stands before a route for all.
std::uint16_t route_with(const RouteMatch& match, const RouteRequest& asked) {
  SbcConfig config = base_config();
  add_route(config, "tested", {RouteToPeer{"pbx"}}).match = match;
  add_route(config, "all", {RouteToPeer{"carrier"}});
  return Router(config).route(asked).route;
}

TEST(Router, NothingConfiguredMatchesNothing) {
  const Router router(base_config());
  const RouteDecision decision = router.route(request());
  EXPECT_EQ(decision.outcome, Outcome::NoMatch);
  EXPECT_EQ(decision.route, kNoRoute);
  EXPECT_TRUE(decision.targets.empty());
  ASSERT_NE(decision.retry_on, nullptr);
  EXPECT_TRUE(decision.retries_on(503));
  EXPECT_FALSE(decision.retries_on(486));
}

TEST(Router, TheFirstMatchWins) {
  SbcConfig config = base_config();
  add_route(config, "one", {RouteToPeer{"pbx"}}).match.called = {"^\\+1555"};
  add_route(config, "two", {RouteToPeer{"sos"}}).match.called = {"^\\+1"};
  const Router router(config);
  EXPECT_EQ(router.route(request("+15550100")).route, 0);
  EXPECT_EQ(router.route(request("+16660100")).route, 1);
  EXPECT_EQ(router.route(request("+25550100")).outcome, Outcome::NoMatch);
  EXPECT_EQ(router.name_of(1), "two");
  EXPECT_EQ(router.name_of(kNoRoute), "");
  EXPECT_EQ(router.name_of(kEmergencyRoute), "emergency");
}

TEST(Router, TargetsKeepTheirOrderAndNoneComesTwice) {
  SbcConfig config = base_config();
  RouteConfig& route = add_route(config, "one", {RouteToPeer{"sos"}, RouteToPeer{"pbx"}, RouteToPeer{"sos"}});
  route.rules = {"strip", "national"};
  route.retry_on = {486};
  const Router router(config);
  const RouteDecision decision = router.route(request());
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  ASSERT_EQ(decision.targets.size(), 2U);
  EXPECT_EQ(decision.targets[0], kSos);
  EXPECT_EQ(decision.targets[1], kPbx);
  EXPECT_EQ(std::vector(decision.rules.begin(), decision.rules.end()), (std::vector<std::uint16_t>{1, 0}));
  EXPECT_TRUE(decision.retries_on(486));
  EXPECT_FALSE(decision.retries_on(503));
}

TEST(Router, KeysAreJoinedByAndMembersByOr) {
  RouteMatch match;
  match.peers = {"pbx", "carrier"};
  match.realms = {"outside"};
  match.methods = {"INVITE", "MESSAGE"};
  match.called = {"^999", "^\\+1555"};
  match.caller = {"^\\+49"};
  EXPECT_EQ(route_with(match, request()), 0);
  for (auto spoil :
       {+[](RouteRequest& r) { r.peer = kSos; }, +[](RouteRequest& r) { r.realm = kInside; },
        +[](RouteRequest& r) { r.method = "OPTIONS"; }, +[](RouteRequest& r) { r.called = "1"; },
        +[](RouteRequest& r) { r.caller = ""; }, +[](RouteRequest& r) { r.peer = PeerIndex::kNone; }}) {
    RouteRequest other = request();
    spoil(other);
    EXPECT_EQ(route_with(match, other), 1);
  }
}

TEST(Router, HostsAreComparedWithoutRegardToCaseOrLastDot) {
  RouteMatch match;
  match.hosts = {"SBC.example.net"};
  RouteRequest asked = request();
  EXPECT_EQ(route_with(match, asked), 0);
  asked.host = "sbc.EXAMPLE.net.";
  EXPECT_EQ(route_with(match, asked), 0);
  asked.host = "sbc.example.net.evil";
  EXPECT_EQ(route_with(match, asked), 1);
}

TEST(Router, MethodsAreComparedWithRegardToCase) {
  RouteMatch match;
  match.methods = {"INVITE"};
  RouteRequest asked = request();
  asked.method = "invite";
  EXPECT_EQ(route_with(match, asked), 1);  // RFC 3261 §7.1
}

TEST(Router, EachNamedHeaderMustMatchAndOneFieldOfItIsEnough) {
  RouteMatch match;
  match.headers = {{"X-Tenant", "^blue$"}, {"user-agent", "Phone"}};
  RouteRequest asked = request();
  const HeaderView headers[] = {
      {"x-tenant", "red"}, {"X-TENANT", "blue"}, {"User-Agent", "Some Phone/1"}, {"X-Other", "blue"}};
  asked.headers = headers;
  EXPECT_EQ(route_with(match, asked), 0);
  asked.headers = std::span(headers).subspan(0, 2);
  EXPECT_EQ(route_with(match, asked), 1);
  asked.headers = std::span(headers).subspan(2);
  EXPECT_EQ(route_with(match, asked), 1);
}

TEST(Router, TimesMatchTheMinuteThatIsHandedIn) {
  RouteMatch match;
  match.times = {"mon-fri 08:00-18:00", "sun"};
  RouteRequest asked = request();
  EXPECT_EQ(route_with(match, asked), 1);  // not known
  asked.time = {9 * 60};
  EXPECT_EQ(route_with(match, asked), 0);
  asked.time = {19 * 60};
  EXPECT_EQ(route_with(match, asked), 1);
  asked.time = {6 * 1440};
  EXPECT_EQ(route_with(match, asked), 0);
}

TEST(Router, ARegistrarMatchesItsEndpointsOnly) {
  RouteMatch match;
  match.registrars = {"phones"};
  RouteRequest asked = request();
  EXPECT_EQ(route_with(match, asked), 1);
  asked.peer = kPhones;
  EXPECT_EQ(route_with(match, asked), 0);
}

TEST(Router, ARegistrarIsATargetByThePlaceOfItsEndpoints) {
  SbcConfig config = base_config();
  add_route(config, "to-phones", {RouteToRegistrar{"phones"}, RouteToPeer{"pbx"}});
  const Router router(config);
  const RouteDecision decision = router.route(request());
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  EXPECT_EQ(std::vector(decision.targets.begin(), decision.targets.end()), (std::vector{kPhones, kPbx}));
}

// A key that was written and could not be understood must not widen the route.
TEST(Router, WhatCannotBeUnderstoodMatchesNothing) {
  RouteMatch match;
  match.called = {"("};
  EXPECT_EQ(route_with(match, request()), 1);
  match = {};
  match.peers = {"nobody"};
  EXPECT_EQ(route_with(match, request()), 1);
  match = {};
  match.times = {"someday"};
  EXPECT_EQ(route_with(match, request()), 1);
  match = {};
  match.headers = {{"X", "("}};
  const HeaderView headers[] = {{"X", "("}};
  RouteRequest asked = request();
  asked.headers = headers;
  EXPECT_EQ(route_with(match, asked), 1);
}

TEST(Router, RejectAndRedirectEndTheList) {
  SbcConfig config = base_config();
  add_route(config, "no", {RouteReject{603}, RouteToPeer{"pbx"}}).match.called = {"^1$"};
  add_route(config, "away", {RouteRedirect{"sip:x@example.net"}}).match.called = {"^2$"};
  add_route(config, "else", {RouteToPeer{"pbx"}, RouteReject{486}}).match.called = {"^3$"};
  const Router router(config);
  const RouteDecision no = router.route(request("1")), away = router.route(request("2")),
                      other = router.route(request("3"));
  EXPECT_EQ(no.outcome, Outcome::Reject);
  EXPECT_EQ(no.reject_code, 603);
  EXPECT_TRUE(no.targets.empty());
  EXPECT_EQ(away.outcome, Outcome::Redirect);
  EXPECT_EQ(away.redirect_uri, "sip:x@example.net");
  EXPECT_EQ(other.outcome, Outcome::Targets);
  EXPECT_EQ(other.reject_code, 486);
}

TEST(Router, ATableThatWasNotReadAndARegistrarThatIsNotThereGiveNoTarget) {
  SbcConfig config = base_config();
  add_route(config, "one", {RouteToTable{"lcr"}, RouteToRegistrar{"nowhere"}});
  const RouteDecision decision = Router(config).route(request());
  EXPECT_EQ(decision.outcome, Outcome::Reject);
  EXPECT_EQ(decision.reject_code, 480);
  EXPECT_EQ(decision.route, 0);
}

struct Line {
  const char* prefix;
  std::uint16_t peer, weight;
};

// The lines are numbered from 2, as behind a line of titles.
void add_table(SbcConfig& config, const char* name, const std::vector<Line>& lines) {
  PrefixTable::Builder builder;
  std::uint32_t number = 1;
  for (const Line& line : lines) builder.add(*prefix_key(line.prefix), {++number, line.peer, line.weight});
  std::vector<PrefixTable::Builder::Repeated> repeated;
  config.tables.push_back({name,
                           "",
                           std::make_shared<const PrefixTable>(builder.build(repeated)),
                           {"carrier", "pbx", "sos", "retired"}});
}

TEST(Router, ATableGivesThePeersOfTheLongestPrefixTheHeaviestFirst) {
  SbcConfig config = base_config();
  add_table(config, "other", {{"+", 2, 1}});
  add_table(config, "lcr", {{"+1555", 0, 10}, {"+1555", 1, 90}, {"+1", 2, 1}});
  add_route(config, "one", {RouteToTable{"lcr"}, RouteToPeer{"sos"}});
  const Router router(config);
  const RouteDecision decision = router.route(request("+15550100"));
  ASSERT_EQ(decision.targets.size(), 3u);
  EXPECT_EQ(decision.targets[0], kPbx);
  EXPECT_EQ(decision.targets[1], kCarrier);
  EXPECT_EQ(decision.targets[2], kSos);
  EXPECT_EQ(decision.origins[0].table, 1);
  EXPECT_EQ(decision.origins[0].line, 3u);
  EXPECT_EQ(decision.origins[1].line, 2u);
  EXPECT_EQ(decision.origins[2].table, kNoTable);
  EXPECT_EQ(router.route(request("+1-444")).targets[0], kSos);
  EXPECT_EQ(router.route(request("%2B1555")).targets[0], kPbx) << "no spelling gets around it";
}

TEST(Router, TheWeightsOfATableAreShares) {
  SbcConfig config = base_config();
  add_table(config, "lcr", {{"+1", 0, 10}, {"+1", 1, 30}});
  add_route(config, "one", {RouteToTable{"lcr"}});
  const Router router(config);
  int pbx_first = 0;
  for (std::uint64_t call = 1; call <= 1000; ++call) {
    RouteRequest asked = request();
    asked.random = call * 0x9e3779b97f4a7c15u;
    const RouteDecision decision = router.route(asked);
    ASSERT_EQ(decision.targets.size(), 2u) << "the others follow";
    pbx_first += decision.targets[0] == kPbx ? 1 : 0;
  }
  EXPECT_NEAR(pbx_first, 750, 60);
}

TEST(Router, ALineWhosePeerIsNotThereGivesNoTarget) {
  SbcConfig config = base_config();
  add_table(config, "lcr", {{"+1", 3, 10}, {"+1", 77, 10}, {"+1", 1, 1}});
  add_route(config, "one", {RouteToTable{"lcr"}});
  const RouteDecision decision = Router(config).route(request());
  ASSERT_EQ(decision.targets.size(), 1u);
  EXPECT_EQ(decision.targets[0], kPbx);
}

// RFC 3261 §21.4.5
TEST(Router, ANumberThatNoTableKnowsGoesToTheNextTargetOrIsNotFound) {
  SbcConfig config = base_config();
  add_table(config, "lcr", {{"+49", 0, 1}});
  add_route(config, "then", {RouteToTable{"lcr"}, RouteToPeer{"sos"}}).match.called = {"^.15"};
  add_route(config, "alone", {RouteToTable{"lcr"}}).match.called = {"^.16"};
  add_route(config, "rejects", {RouteToTable{"lcr"}, RouteReject{486}});
  const Router router(config);
  const RouteDecision then = router.route(request("+15"));
  ASSERT_EQ(then.targets.size(), 1u);
  EXPECT_EQ(then.targets[0], kSos);
  EXPECT_EQ(router.route(request("+16")).reject_code, 404);
  EXPECT_EQ(router.route(request("+17")).reject_code, 486);
}

TEST(Router, AnEmergencyMayGoByATable) {
  SbcConfig config = base_config();
  add_table(config, "sos", {{"112", 2, 1}});
  config.emergency.to = {RouteToTable{"sos"}};
  add_route(config, "all", {RouteToPeer{"pbx"}});
  const RouteDecision decision = Router(config).route(request("112"));
  ASSERT_EQ(decision.targets.size(), 2u);
  EXPECT_EQ(decision.targets[0], kSos);
  EXPECT_EQ(decision.emergency_targets, 1);
}

// RFC 3261 §19.1.4, RFC 3966 §5.1.1
TEST(Router, NoSpellingOfANumberGetsAroundARoute) {
  SbcConfig config = base_config();
  add_route(config, "costly", {RouteReject{403}}).match.called = {"^\\+882"};
  add_route(config, "all", {RouteToPeer{"pbx"}});
  const Router router(config);
  for (const char* spelling : {"+8820001", "%2B8820001", "%2b%38820001", "+%38%38%320001", "+8-8-20001",
                               "+(882)0001", "%2B8.82%2D0001"})
    EXPECT_EQ(router.route(request(spelling)).outcome, Outcome::Reject) << spelling;
}

TEST(Router, MoreTargetsThanThereIsRoomForAreLeftOut) {
  SbcConfig config = base_config();
  std::vector<RouteTarget> targets;
  for (int i = 0; i < 20; ++i) {
    config.peers.emplace_back().name = "p" + std::to_string(i);
    targets.push_back(RouteToPeer{"p" + std::to_string(i)});
  }
  add_route(config, "many", std::move(targets));
  const RouteDecision decision = Router(config).route(request());
  EXPECT_EQ(decision.targets.size(), kTargetsMax);
  EXPECT_EQ(decision.targets[kTargetsMax - 1], PeerIndex{4 + kTargetsMax - 1});
}

TEST(Router, HostileNumbersMatchWithoutHarm) {
  SbcConfig config = base_config();
  add_route(config, "evil", {RouteToPeer{"pbx"}}).match.called = {"^(a+)+$", "^([0-9]+)*x$"};
  const Router router(config);
  std::string octets;
  for (int i = 0; i < 256; ++i) octets += static_cast<char>(i);
  for (const std::string& called : {std::string(4096, 'a') + "!", std::string(4096, '1'),
                                    std::string(4096, '%'), octets, std::string("\0", 1)}) {
    RouteRequest asked = request(called);
    asked.caller = called;
    asked.request_uri = called;
    EXPECT_EQ(router.route(asked).outcome, Outcome::NoMatch);
  }
}

// ---- emergencies, RFC 5031 §4.1 ----

TEST(RouterEmergency, NumbersAreKnownInAnySpelling) {
  const Router router(base_config());
  for (const char* number : {"112", "1-1-2", "(112)", "911", "%31%31%32", "112;phone-context=+49", "9.1.1"})
    EXPECT_TRUE(router.is_emergency(number, "")) << number;
  for (const char* number : {"", "+112", "1120", "0112", "11", "112x", "anonymous"})
    EXPECT_FALSE(router.is_emergency(number, "")) << number;
}

TEST(RouterEmergency, UrnsAndWhatIsBelowThemAreKnown) {
  const Router router(base_config());
  for (const char* uri : {"urn:service:sos", "URN:SERVICE:SOS", "urn:service:sos.fire",
                          "Urn:Service:sos.police", "urn:service:sos;x=y"})
    EXPECT_TRUE(router.is_emergency("", uri)) << uri;
  for (const char* uri : {"urn:service:sosfire", "urn:service:counseling", "urn:service:so", "sip:sos@x", ""})
    EXPECT_FALSE(router.is_emergency("", uri)) << uri;
}

TEST(RouterEmergency, ItsTargetsGoBeforeTheRoutes) {
  SbcConfig config = base_config();
  config.emergency.to = {RouteToPeer{"sos"}};
  RouteConfig& route = add_route(config, "all", {RouteToPeer{"pbx"}, RouteToPeer{"sos"}});
  route.rules = {"strip"};
  const Router router(config);
  const RouteDecision decision = router.route(request("112"));
  EXPECT_TRUE(decision.is_emergency);
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  ASSERT_EQ(decision.targets.size(), 2U);
  EXPECT_EQ(decision.targets[0], kSos);
  EXPECT_EQ(decision.targets[1], kPbx);
  EXPECT_EQ(decision.emergency_targets, 1);
  EXPECT_EQ(decision.route, 0);
  EXPECT_FALSE(router.route(request()).is_emergency);
  EXPECT_EQ(router.route(request()).emergency_targets, 0);
}

TEST(RouterEmergency, NoRouteIsNeeded) {
  SbcConfig config = base_config();
  config.emergency.to = {RouteToPeer{"sos"}};
  const RouteDecision decision = Router(config).route(request("911"));
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  EXPECT_EQ(decision.route, kEmergencyRoute);
  EXPECT_EQ(decision.targets[0], kSos);
}

TEST(RouterEmergency, ARouteThatRejectsDoesNotStopIt) {
  SbcConfig config = base_config();
  config.emergency.to = {RouteToPeer{"sos"}};
  add_route(config, "no", {RouteReject{403}});
  const RouteDecision decision = Router(config).route(request("112"));
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  EXPECT_EQ(decision.targets.size(), 1U);
  EXPECT_EQ(decision.reject_code, 403);  // once sos has failed
}

TEST(RouterEmergency, WithoutTargetsOfItsOwnItTakesTheRoute) {
  SbcConfig config = base_config();
  add_route(config, "all", {RouteToPeer{"pbx"}});
  const RouteDecision decision = Router(config).route(request("112"));
  EXPECT_TRUE(decision.is_emergency);
  ASSERT_EQ(decision.outcome, Outcome::Targets);
  EXPECT_EQ(decision.targets[0], kPbx);
}

TEST(RouterEmergency, WhatWasKnownBeforeTheRulesStays) {
  SbcConfig config = base_config();
  config.emergency.to = {RouteToPeer{"sos"}};
  RouteRequest asked = request("+49112");
  asked.is_emergency = true;
  EXPECT_TRUE(Router(config).route(asked).is_emergency);
}

}  // namespace
}  // namespace sallyport::policy
