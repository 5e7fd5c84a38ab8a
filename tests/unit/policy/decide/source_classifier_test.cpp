// source_classifier_test.cpp — the class of a source and the peer that it is.
#include "policy/decide/source_classifier.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr RealmIndex kOutside{0}, kInside{1};
constexpr PeerIndex kCarrier{0}, kPbx{1}, kBackup{2};

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

PeerConfig peer(std::string name, std::string realm, std::vector<const char*> targets,
                std::vector<const char*> sources = {}) {
  PeerConfig config;
  config.name = std::move(name);
  config.realm = std::move(realm);
  for (const char* target : targets) config.targets.push_back({parse_endpoint(target, 5060), "", 0, 1});
  for (const char* source : sources) config.sources.push_back(parse_prefix(source).value());
  return config;
}

SbcConfig two_sides() {
  SbcConfig config;
  config.ports.resize(2);
  config.ports[0].name = "outside";
  config.ports[1].name = "inside";
  config.realms.resize(2);
  config.realms[0].name = config.realms[0].port = "outside";
  config.realms[1].name = config.realms[1].port = "inside";
  config.realms[1].trust = RealmTrust::Trusted;
  config.peers.push_back(peer("carrier", "outside", {"198.18.1.2:5060"}, {"203.0.113.0/28"}));
  config.peers.push_back(peer("pbx", "inside", {"198.18.2.2:5060", "fd18:2::2"}));
  config.peers.push_back(peer("backup", "outside", {"198.18.1.3"}, {"203.0.113.4/32", "203.0.113.0/28"}));
  return config;
}

void add_rule(SbcConfig& config, std::string_view source, AccessAction action) {
  config.security.access.push_back({parse_prefix(source).value(), "", action});
}

TEST(SourceClassifier, TakesTheRealmsTrustForAStranger) {
  const SourceClassifier sources(two_sides());
  EXPECT_EQ(sources.classify(kOutside, ip("192.0.2.1")),
            (SourceClass{TrustClass::Untrusted, PeerIndex::kNone}));
  EXPECT_EQ(sources.classify(kInside, ip("192.0.2.1")), (SourceClass{TrustClass::Trusted, PeerIndex::kNone}));
}

TEST(SourceClassifier, KnowsAPeerByTargetAndBySource) {
  const SourceClassifier sources(two_sides());
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.1.2")), (SourceClass{TrustClass::Known, kCarrier}));
  EXPECT_EQ(sources.classify(kOutside, ip("203.0.113.15")), (SourceClass{TrustClass::Known, kCarrier}));
  EXPECT_EQ(sources.classify(kInside, ip("fd18:2::2")), (SourceClass{TrustClass::Known, kPbx}));
}

TEST(SourceClassifier, LetsTheLongestPrefixNameThePeerAndThenTheOrder) {
  const SourceClassifier sources(two_sides());
  EXPECT_EQ(sources.classify(kOutside, ip("203.0.113.4")).peer, kBackup);
  EXPECT_EQ(sources.classify(kOutside, ip("203.0.113.5")).peer, kCarrier);
}

TEST(SourceClassifier, KnowsARetiredPeerWhereNoOtherPeerIs) {
  SbcConfig config = two_sides();
  config.peers[0].is_retired = true;
  const SourceClassifier sources(config);
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.1.2")), (SourceClass{TrustClass::Known, kCarrier}));
  EXPECT_EQ(sources.classify(kOutside, ip("203.0.113.9")), (SourceClass{TrustClass::Known, kBackup}))
      << "of equal prefixes";
  config.peers[2].sources = {parse_prefix("198.18.0.0/16").value()};
  EXPECT_EQ(SourceClassifier(config).classify(kOutside, ip("198.18.1.2")),
            (SourceClass{TrustClass::Known, kBackup}))
      << "of a wider one";
}

TEST(SourceClassifier, KnowsAPeerOnlyInItsRealm) {
  const SourceClassifier sources(two_sides());
  EXPECT_EQ(sources.classify(kInside, ip("198.18.1.2")).trust, TrustClass::Trusted);
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.2.2")).trust, TrustClass::Untrusted);
}

TEST(SourceClassifier, KnowsAPeerWhereItsNameLeadsInItsRealmOnly) {
  const NamedAddress named[] = {{kCarrier, ip("192.0.2.7")}, {kCarrier, ip("2001:db8::7")}};
  const SourceClassifier sources(two_sides(), named);
  EXPECT_EQ(sources.classify(kOutside, ip("192.0.2.7")), (SourceClass{TrustClass::Known, kCarrier}));
  EXPECT_EQ(sources.classify(kOutside, ip("2001:db8::7")), (SourceClass{TrustClass::Known, kCarrier}));
  EXPECT_EQ(sources.classify(kOutside, ip("192.0.2.8")).trust, TrustClass::Untrusted);
  EXPECT_EQ(sources.classify(kInside, ip("192.0.2.7")).peer, PeerIndex::kNone);
}

TEST(SourceClassifier, LetsNoNameLeadWhereAnotherPeerIsConfigured) {
  const NamedAddress named[] = {{kBackup, ip("203.0.113.5")}, {kBackup, ip("198.18.1.2")}};
  const SourceClassifier sources(two_sides(), named);
  EXPECT_EQ(sources.classify(kOutside, ip("203.0.113.5")).peer, kCarrier) << "of a wider prefix";
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.1.2")).peer, kCarrier);
  SbcConfig config = two_sides();
  config.peers[0].is_retired = true;
  EXPECT_EQ(SourceClassifier(config, named).classify(kOutside, ip("198.18.1.2")).peer, kBackup);
}

TEST(SourceClassifier, DeniesAPeerWhereverItsNameLeads) {
  SbcConfig config = two_sides();
  add_rule(config, "192.0.2.0/24", AccessAction::Deny);
  const NamedAddress named[] = {{kCarrier, ip("192.0.2.7")}};
  EXPECT_EQ(SourceClassifier(config, named).classify(kOutside, ip("192.0.2.7")).trust, TrustClass::Denied);
}

TEST(SourceClassifier, DeniesEvenAPeer) {
  SbcConfig config = two_sides();
  add_rule(config, "198.18.1.0/24", AccessAction::Deny);
  const SourceClassifier sources(config);
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.1.2")),
            (SourceClass{TrustClass::Denied, PeerIndex::kNone}));
}

TEST(SourceClassifier, SetsTheClassOfAStrangerByRule) {
  SbcConfig config = two_sides();
  add_rule(config, "192.0.2.0/24", AccessAction::Trusted);
  add_rule(config, "198.18.0.0/16", AccessAction::Untrusted);
  const SourceClassifier sources(config);
  EXPECT_EQ(sources.classify(kOutside, ip("192.0.2.1")).trust, TrustClass::Trusted);
  EXPECT_EQ(sources.classify(kInside, ip("198.18.2.9")).trust, TrustClass::Untrusted);
  EXPECT_EQ(sources.classify(kOutside, ip("198.18.1.2")).trust, TrustClass::Known) << "a peer stays known";
}

TEST(SourceClassifier, GivesTheBestClassOfAPortsRealms) {
  SbcConfig config = two_sides();
  config.realms.push_back(config.realms[0]);
  config.realms[2].name = "second";
  config.realms[2].trust = RealmTrust::Trusted;
  config.security.access.push_back({parse_prefix("192.0.2.1").value(), "second", AccessAction::Deny});
  config.security.access.push_back({parse_prefix("192.0.2.2").value(), "", AccessAction::Deny});
  const SourceClassifier sources(config);
  EXPECT_EQ(sources.classify_on_port(PortIndex{0}, ip("192.0.2.9")).trust, TrustClass::Trusted);
  EXPECT_EQ(sources.classify_on_port(PortIndex{0}, ip("192.0.2.1")).trust, TrustClass::Untrusted);
  EXPECT_EQ(sources.classify_on_port(PortIndex{0}, ip("192.0.2.2")).trust, TrustClass::Denied);
  EXPECT_EQ(sources.classify_on_port(PortIndex{0}, ip("198.18.1.2")),
            (SourceClass{TrustClass::Known, kCarrier}));
}

TEST(SourceClassifier, TrustsNobodyOnAPortWithoutRealms) {
  SbcConfig config = two_sides();
  config.ports.resize(3);
  config.ports[2].name = "spare";
  const SourceClassifier sources(config);
  EXPECT_EQ(sources.classify_on_port(PortIndex{2}, ip("198.18.1.2")).trust, TrustClass::Untrusted);
}

}  // namespace
}  // namespace sallyport::policy
