// locator_test.cpp — where a server is, as its names say it: RFC 3263 §4, RFC 2782, RFC 3403; threats R14.
#include "sipalg/location/locator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/name_zone.h"

namespace sallyport::sip {
namespace {

using tests::DnsAnswerBuilder;
using tests::NameZone;
using Texts = std::vector<std::string>;

class LocatorTest : public ::testing::Test {
 protected:
  LocatorTest() {
    config.ports.resize(1);
    config.ports[0].addresses = {*parse_prefix("198.18.1.1/24"), *parse_prefix("fd18:1::1/64")};
    settings.key = {1, 2};
  }
  Locator& locator() {
    if (!locator_) {
      allowed_.emplace(config);
      locator_.emplace(settings, *allowed_);
    }
    return *locator_;
  }
  std::uint32_t add(LocateQuestion question) { return locator().add(std::move(question)); }
  // Lets time pass; what was asked is answered at once, until nothing is due any more.
  void wait(Duration time) {
    const Timestamp until = now + time;
    for (unsigned turns = 0; turns < 20000; ++turns) {
      const auto next = locator().next_deadline();
      if (!next || *next > until) break;
      now = std::max(now, *next);
      locator().on_deadline(now);
      settle();
    }
    now = until;
  }
  void settle() {
    for (bool goes_on = true; goes_on;) {
      while (locator().next_change(now)) ++changes;
      std::vector<DnsQuery> queries;
      for (DnsQuery query; locator().next_query(now, query);) queries.push_back(query);
      goes_on = !queries.empty();
      zone.answer(queries, [this](const DnsReply& reply) { locator().on_reply(now, reply); });
    }
  }
  Texts found(LocateQuestion question) {
    const std::uint32_t number = add(std::move(question));
    wait(0s);
    return texts(number);
  }
  Texts texts(std::uint32_t number) {
    Texts texts;
    for (const LocatedTarget& target : locator().location(number).targets)
      texts.push_back(to_string(target.address));
    return texts;
  }
  LocationState state(std::uint32_t number = 0) { return locator().location(number).state; }

  SbcConfig config;
  NameCacheSettings settings;
  NameZone zone;
  Timestamp now{std::chrono::hours(1)};
  unsigned changes = 0;

 private:
  std::optional<MediaTargets> allowed_;
  std::optional<Locator> locator_;
};

TEST_F(LocatorTest, APortMeansAddressesOfTheDomainItself) {
  zone.put_service("_sip._udp.sip.test", {1, 1, 5070, "other.test"});
  zone.put_address("sip.test", "203.0.113.1");
  zone.put_address("sip.test", "2001:db9::1");
  EXPECT_EQ(found({"sip.test", 5080}), (Texts{"[2001:db9::1]:5080", "203.0.113.1:5080"}));
  EXPECT_EQ(zone.times_asked(DnsType::Naptr, "sip.test"), 0);
  EXPECT_EQ(zone.times_asked(DnsType::Srv, "_sip._udp.sip.test"), 0);
}

TEST_F(LocatorTest, TheTransportNamesTheSrvRecords) {
  zone.put_service("_sip._udp.sip.test", {1, 1, 5061, "u.test"});
  zone.put_service("_sip._tcp.sip.test", {1, 1, 5062, "t.test"});
  zone.put_service("_sips._tcp.sip.test", {1, 1, 5063, "s.test"});
  zone.put_address("u.test", "203.0.113.1");
  zone.put_address("t.test", "203.0.113.2");
  zone.put_address("s.test", "203.0.113.3");
  EXPECT_EQ(found({"sip.test", 0, Transport::Udp}), Texts{"203.0.113.1:5061"});
  EXPECT_EQ(found({"sip.test", 0, Transport::Tcp}), Texts{"203.0.113.2:5062"});
  EXPECT_EQ(found({"sip.test", 0, Transport::Tls}), Texts{"203.0.113.3:5063"});
}

TEST_F(LocatorTest, WithoutSrvTheDomainIsAskedWithTheDefaultPort) {
  zone.put_address("sip.test", "203.0.113.1");
  EXPECT_EQ(found({"sip.test", 0, Transport::Udp}), Texts{"203.0.113.1:5060"});
  EXPECT_EQ(found({"sip.test", 0, Transport::Tls}), Texts{"203.0.113.1:5061"});
}

TEST_F(LocatorTest, NaptrChoosesTheNameForTheConfiguredTransportOnly) {
  zone.put(DnsType::Naptr, "sip.test")
      .pointer("sip.test", {1, 1, "s", "SIPS+D2T", "", "_sips._tcp.elsewhere.test"})
      .pointer("sip.test", {2, 9, "s", "SIP+D2U", "", "_sip._udp.far.test"})
      .pointer("sip.test", {2, 3, "S", "SIP+D2U", "", "_sip._udp.near.test"})
      .pointer("sip.test", {1, 0, "u", "SIP+D2U", "!.*!sip:x@evil!", ""});
  zone.put_service("_sip._udp.near.test", {1, 1, 5070, "edge.test"});
  zone.put_service("_sip._udp.far.test", {1, 1, 5090, "edge.test"});
  zone.put_service("_sip._tcp.sip.test", {1, 1, 5080, "edge.test"});
  zone.put_address("edge.test", "203.0.113.1");
  EXPECT_EQ(found({"sip.test", 0, Transport::Udp}), Texts{"203.0.113.1:5070"});
  EXPECT_EQ(found({"sip.test", 0, Transport::Tcp}), Texts{"203.0.113.1:5080"});
}

TEST_F(LocatorTest, AResolverThatKnowsNoNaptrDoesNotStandInTheWay) {
  zone.silent.insert("sip.test");
  zone.put_service("_sip._udp.sip.test", {1, 1, 5070, "edge.test"});
  zone.put_address("edge.test", "203.0.113.1");
  EXPECT_EQ(found({"sip.test"}), Texts{"203.0.113.1:5070"});
}

// RFC 2782
TEST_F(LocatorTest, TargetsStandByPriorityAndThenWeight) {
  zone.put(DnsType::Srv, "_sip._udp.sip.test")
      .service("_sip._udp.sip.test", {20, 9, 5060, "c.test"})
      .service("_sip._udp.sip.test", {10, 1, 5060, "b.test"})
      .service("_sip._udp.sip.test", {10, 8, 5060, "a.test"});
  zone.put_address("a.test", "203.0.113.1");
  zone.put_address("b.test", "203.0.113.2");
  zone.put_address("c.test", "203.0.113.3");
  EXPECT_EQ(found({"sip.test"}), (Texts{"203.0.113.1:5060", "203.0.113.2:5060", "203.0.113.3:5060"}));
  EXPECT_EQ(locator().location(0).targets[2].priority, 20);
  EXPECT_EQ(locator().location(0).targets[0].weight, 8);
}

TEST_F(LocatorTest, ADotSaysThatTheServiceIsNotOffered) {
  zone.put_service("_sip._udp.sip.test", {0, 0, 0, ""});
  zone.put_address("sip.test", "203.0.113.1");
  EXPECT_TRUE(found({"sip.test"}).empty());
  EXPECT_EQ(state(), LocationState::NotOffered);
}

// RFC 7984 §4
TEST_F(LocatorTest, OnlyFamiliesThatWeCanSendFromAreAsked) {
  zone.put_address("sip.test", "203.0.113.1");
  zone.put_address("sip.test", "2001:db9::1");
  EXPECT_EQ(found({"sip.test", 5060, Transport::Udp, true, false}), Texts{"203.0.113.1:5060"});
  EXPECT_EQ(zone.times_asked(DnsType::Aaaa, "sip.test"), 0);
}

TEST_F(LocatorTest, DnsThatLiesCannotSendUsToOurselvesOrToNoHost) {
  unsigned n = 0;
  for (const std::string_view address :
       {"198.18.1.1", "198.18.1.255", "198.18.1.0", "127.0.0.1", "169.254.1.1", "224.0.0.1",
        "255.255.255.255", "0.0.0.0", "::1", "fe80::1", "ff02::1", "::", "fd18:1::1", "64:ff9b::7f00:1"}) {
    const std::string name = "n" + std::to_string(n) + ".test";
    zone.put_address(name, address);
    EXPECT_TRUE(found({name, 5060}).empty()) << address;
    EXPECT_EQ(state(n++), LocationState::Refused) << address;
  }
  zone.put_service("_sip._udp.sip.test", {1, 1, 0, "n0.test"});
  EXPECT_TRUE(found({"sip.test"}).empty());
}

TEST_F(LocatorTest, HugeAnswersAreBounded) {
  DnsAnswerBuilder& services = zone.put(DnsType::Srv, "_sip._udp.sip.test");
  for (unsigned host = 0; host < 40; ++host) {
    const std::string name = "h" + std::to_string(host) + ".test";
    services.service("_sip._udp.sip.test", {host, 1, 5060, name});
    DnsAnswerBuilder& addresses = zone.put(DnsType::A, name);
    for (unsigned i = 0; i < 40; ++i)
      addresses.address(name, to_string(IpAddress::v4(0xcb000000u + host * 64 + i)));
  }
  EXPECT_EQ(found({"sip.test"}).size(), Locator::kAddressesMax);
  EXPECT_LE(locator().figures().held, 3 + 2 * Locator::kHostsMax);
}

TEST_F(LocatorTest, NamesThatLeadInCirclesEnd) {
  zone.put_service("_sip._udp.sip.test", {1, 1, 5060, "a.test"});
  zone.put(DnsType::A, "a.test").alias("a.test", "_sip._udp.sip.test").alias("_sip._udp.sip.test", "a.test");
  zone.put(DnsType::Naptr, "sip.test").pointer("sip.test", {1, 1, "s", "SIP+D2U", "", "sip.test"});
  EXPECT_TRUE(found({"sip.test"}).empty());
  EXPECT_EQ(state(), LocationState::NoAnswer);
  zone.asked.clear();
  wait(10min);
  EXPECT_LT(zone.asked.size(), 100u);  // and are not asked for all the time
}

TEST_F(LocatorTest, AServiceThatIsAnAliasOfItselfEnds) {
  zone.put(DnsType::Srv, "_sip._udp.sip.test").alias("_sip._udp.sip.test", "_sip._udp.sip.test");
  zone.put_address("sip.test", "203.0.113.1");
  EXPECT_TRUE(found({"sip.test"}).empty());
  EXPECT_EQ(state(), LocationState::NoAnswer);
}

TEST_F(LocatorTest, AFailureIsNoReasonToTryTheDefaultPort) {
  zone.put(DnsType::Srv, "_sip._udp.sip.test").code(2);
  zone.put_address("sip.test", "203.0.113.1");
  EXPECT_TRUE(found({"sip.test"}).empty());
  EXPECT_EQ(state(), LocationState::NoAnswer);
}

TEST_F(LocatorTest, AnAnswerThatSaysTheSameIsNoChange) {
  zone.put(DnsType::A, "sip.test")
      .address("sip.test", "203.0.113.1", 10)
      .address("sip.test", "203.0.113.2", 10);
  (void)found({"sip.test", 5060});
  const unsigned before = changes;
  zone.put(DnsType::A, "sip.test")
      .address("sip.test", "203.0.113.2", 10)
      .address("sip.test", "203.0.113.1", 10);
  wait(60s);
  EXPECT_GT(zone.times_asked(DnsType::A, "sip.test"), 4);
  EXPECT_EQ(changes, before);
}

TEST_F(LocatorTest, TargetsThatLeaveDnsAreGone) {
  zone.put_address("sip.test", "203.0.113.1", 10);
  (void)found({"sip.test", 5060});
  zone.take_all_away();
  wait(10s);
  EXPECT_TRUE(texts(0).empty());
  EXPECT_EQ(state(), LocationState::NoRecords);
}

TEST_F(LocatorTest, OldHostsServeUntilNewOnesAreFound) {
  zone.put_service("_sip._udp.sip.test", {1, 1, 5060, "old.test"}, 10);
  zone.put_address("old.test", "203.0.113.1");
  (void)found({"sip.test", 0, Transport::Udp, true, false});
  zone.put_service("_sip._udp.sip.test", {1, 1, 5060, "new.test"}, 10);
  zone.put_address("new.test", "203.0.113.2");
  // Step by step, so that the moment between the two answers is seen.
  now += 10s;
  locator().on_deadline(now);
  for (unsigned i = 0; i < 10; ++i) {
    while (locator().next_change(now)) {
    }
    EXPECT_EQ(texts(0).size(), 1u);
    std::vector<DnsQuery> queries;
    for (DnsQuery query; locator().next_query(now, query);) queries.push_back(query);
    zone.answer(queries, [this](const DnsReply& reply) { locator().on_reply(now, reply); });
  }
  EXPECT_EQ(texts(0), Texts{"203.0.113.2:5060"});
  EXPECT_EQ(locator().figures().held, 3u);  // the old host is forgotten
}

TEST_F(LocatorTest, ManyLocationsOfOneNameAreWorkedOutABoundedNumberAtATime) {
  zone.put_address("sip.test", "203.0.113.1", 10);
  for (unsigned i = 0; i < 3 * Locator::kWorkMax; ++i) (void)add({"sip.test", 5060});
  unsigned turns = 0;
  for (; locator().next_deadline() == Timestamp{}; ++turns) settle();
  EXPECT_GE(turns, 3u);
  for (unsigned i = 0; i < 3 * Locator::kWorkMax; ++i) EXPECT_EQ(texts(i).size(), 1u);
  EXPECT_EQ(zone.times_asked(DnsType::A, "sip.test"), 1);
}

TEST_F(LocatorTest, WithoutRoomForAQuestionANameIsNotFoundAndNothingIsLost) {
  settings.names_max = 2;
  zone.put_service("_sip._udp.sip.test", {1, 1, 5060, "a.test"});
  zone.put_address("a.test", "203.0.113.1");
  EXPECT_TRUE(found({"sip.test"}).empty());
  EXPECT_EQ(state(), LocationState::NoAnswer);
  EXPECT_GT(locator().figures().full, 0u);
}

TEST_F(LocatorTest, ALocationThatIsRemovedIsForgottenAndItsNumberUsedAnew) {
  zone.put_address("a.test", "203.0.113.1", 60);
  zone.put_address("b.test", "203.0.113.2", 60);
  const std::uint32_t a = add({"a.test", 5060}), b = add({"b.test", 5060});
  wait(1s);
  locator().remove(a);
  locator().remove(b);
  EXPECT_EQ(locator().figures().held, 0u);
  const auto asked = zone.asked.size();
  wait(1h);
  EXPECT_EQ(zone.asked.size(), asked);
  const std::uint32_t again = add({"b.test", 5061});
  EXPECT_LE(again, 1u);
  EXPECT_TRUE(locator().location(again).targets.empty());
  wait(0s);
  EXPECT_EQ(texts(again), Texts{"203.0.113.2:5061"});
}

TEST_F(LocatorTest, AReplyForALocationThatWasRemovedDoesNothing) {
  zone.put_address("a.test", "203.0.113.1");
  const std::uint32_t a = add({"a.test", 5060});
  (void)locator().next_change(now);
  std::vector<DnsQuery> queries;
  for (DnsQuery query; locator().next_query(now, query);) queries.push_back(query);
  ASSERT_FALSE(queries.empty());
  locator().remove(a);
  const std::uint32_t other = add({"other.test", 5060});
  EXPECT_EQ(other, a);
  EXPECT_FALSE(locator().next_change(now));
  zone.answer(queries, [this](const DnsReply& reply) { locator().on_reply(now, reply); });
  EXPECT_FALSE(locator().next_change(now));
  EXPECT_EQ(locator().location(other).state, LocationState::Unknown);
  EXPECT_EQ(locator().figures().answers, 0u);
}

TEST_F(LocatorTest, RoomForMoreNamesMayBeMadeLater) {
  settings.names_max = 0;
  zone.put_address("sip.test", "203.0.113.1");
  EXPECT_TRUE(found({"sip.test", 5060}).empty());
  locator().remove(0);
  locator().set_names_max(2);
  EXPECT_EQ(found({"sip.test", 5060}), Texts{"203.0.113.1:5060"});
}

}  // namespace
}  // namespace sallyport::sip
