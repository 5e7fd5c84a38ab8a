// engine_names_test.cpp — a SipEngine whose peers are known by name: RFC 3263 §4; threats R14.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "policy/route/target_board.h"
#include "sipalg/engine/sip_engine.h"
#include "tests/support/message_builder.h"
#include "tests/support/name_zone.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;
using tests::NameZone;

class EngineNames : public ::testing::Test {
 protected:
  EngineNames() {
    config.dataplane.capacity.sources = 4096;
    config.realms.resize(1);
    config.realms[0].name = "outside";
    config.realms[0].listen.resize(1);
    config.realms[0].listen[0].addresses = {*IpAddress::parse("198.18.1.1"), *IpAddress::parse("fd18:1::1")};
    config.peers.resize(1);
    config.peers[0].name = "carrier";
    config.peers[0].realm = "outside";
    config.peers[0].targets = {target("sip.example.net")};
    settings.transactions_max = 64;
    settings.calls_max = 16;
    settings.message_ring_bytes = 65536;
  }
  static PeerTarget target(std::string domain, std::uint16_t port = 0) {
    PeerTarget one;
    one.domain = std::move(domain);
    one.domain_port = port;
    return one;
  }
  SipEngine& engine() {
    if (!engine_) {
      shared = std::make_unique<SharedPolicy>(config, HashKey{5, 6});
      engine_ = std::make_unique<SipEngine>(config, *shared, settings);
    }
    return *engine_;
  }
  // Lets time pass; name servers answer at once.
  void wait(Duration time) {
    const Timestamp until = now + time;
    for (unsigned turns = 0; turns < 10000; ++turns) {
      const auto next = engine().next_deadline();
      if (!next || *next > until) break;
      now = std::max(now, *next);
      step([&](EngineOutput& out) { engine().on_deadline(now, out); });
    }
    now = until;
  }
  void step(const std::function<void(EngineOutput&)>& one) {
    EngineOutput out;
    one(out);
    for (const EngineEvent& event : out.events())
      if (const auto* const alarm = std::get_if<AlarmEvent>(&event.what);
          alarm != nullptr && alarm->name == "dns_failed")
        alarms.push_back(*alarm);
    sent += out.sends().size();
    zone.answer(out.dns(), [&](const DnsReply& reply) {
      step([&](EngineOutput& more) { engine().on_dns(now, reply, more); });
    });
  }
  // A reload: peers in the places that they had.
  void adopt(const SbcConfig& next) {
    SipEngine& running = engine();
    shared->adopt(make_value<Rulebook>(make_value<SbcConfig>(next), shared->targets));
    step([&](EngineOutput& out) { running.adopt(now, out); });
  }
  std::vector<std::string> board(PeerIndex peer = PeerIndex{0}) {
    std::vector<std::string> targets;
    const auto listed = shared->targets.targets_of(peer);
    for (const auto& one : *listed) targets.push_back(to_string(one->address));
    return targets;
  }
  std::size_t receive_from(std::string_view remote, TrustClass trust = TrustClass::Untrusted) {
    const std::string bytes = MessageBuilder("OPTIONS").build();
    MessageInput input;
    input.realm = RealmIndex{0};
    input.trust = trust;
    input.local = *parse_endpoint("198.18.1.1:5060", 0);
    input.remote = *parse_endpoint(remote, 0);
    input.bytes = bytes;
    sent = 0;
    step([&](EngineOutput& out) { engine().on_message(now, input, out); });
    return sent;
  }

  SbcConfig config;
  SipEngineSettings settings;
  std::unique_ptr<SharedPolicy> shared;
  NameZone zone;
  Timestamp now{std::chrono::hours(1)};
  std::vector<AlarmEvent> alarms;
  std::size_t sent = 0;

 private:
  std::unique_ptr<SipEngine> engine_;
};

// RFC 3263 §4.1, §4.2
TEST_F(EngineNames, ADomainIsResolvedOverSrvAndPublished) {
  zone.put_service("_sip._udp.sip.example.net", {10, 5, 5070, "edge.example.net"});
  zone.put_address("edge.example.net", "203.0.113.7");
  zone.put_address("edge.example.net", "2001:db9::7");
  (void)engine();
  EXPECT_TRUE(board().empty());
  wait(0s);
  EXPECT_EQ(board(), (std::vector<std::string>{"[2001:db9::7]:5070", "203.0.113.7:5070"}));
  const auto targets = shared->targets.targets_of(PeerIndex{0});
  EXPECT_EQ((*targets)[0]->host, "sip.example.net");
  EXPECT_EQ((*targets)[0]->priority, 10);
  EXPECT_EQ((*targets)[0]->srv_weight, 5);
  EXPECT_TRUE(alarms.empty());
}

TEST_F(EngineNames, NamesAndAddressesOfAPeerStandInTheOrderOfTheConfiguration) {
  PeerTarget by_address;
  by_address.address = parse_endpoint("203.0.113.1:5060", 0);
  config.peers[0].targets = {target("a.example.net", 5080), by_address, target("b.example.net", 5090)};
  zone.put_address("a.example.net", "203.0.113.2");
  zone.put_address("b.example.net", "203.0.113.3");
  wait(0s);
  EXPECT_EQ(board(), (std::vector<std::string>{"203.0.113.2:5080", "203.0.113.1:5060", "203.0.113.3:5090"}));
  EXPECT_EQ((*shared->targets.targets_of(PeerIndex{0}))[2]->configured, 2);
  EXPECT_EQ((*shared->targets.targets_of(PeerIndex{0}))[2]->host, "b.example.net:5090");
}

TEST_F(EngineNames, AnEngineThatDoesNotOwnTheTrunksAsksNothing) {
  settings.owns_trunks = false;
  EXPECT_FALSE(engine().next_deadline());
  wait(1h);
  EXPECT_TRUE(zone.asked.empty());
  EXPECT_TRUE(engine().desk().names_of_peers(now).empty());
}

TEST_F(EngineNames, TheAddressesOfANameCountAsSourcesOfItsPeer) {
  zone.put_address("sip.example.net", "203.0.113.7");
  wait(0s);
  EXPECT_EQ(receive_from("203.0.113.7:5060"), 1u);
  EXPECT_EQ(receive_from("203.0.113.7:6060"), 1u);
  EXPECT_EQ(receive_from("203.0.113.8:5060"), 0u);
  EXPECT_EQ(receive_from("203.0.113.7:5060", TrustClass::Denied), 0u);
  EXPECT_EQ(engine().counters(RealmIndex{0}).dropped.value(SipDropReason::Stranger), 2u);
}

TEST_F(EngineNames, AnAddressThatLeftDnsIsAStrangerAgain) {
  zone.put_address("sip.example.net", "203.0.113.7", 10);
  wait(1s);
  EXPECT_EQ(receive_from("203.0.113.7:5060"), 1u);
  zone.put_address("sip.example.net", "203.0.113.9", 10);
  wait(10s);
  EXPECT_EQ(board(), std::vector<std::string>{"203.0.113.9:5060"});
  EXPECT_EQ(receive_from("203.0.113.9:5060"), 1u);
  EXPECT_EQ(receive_from("203.0.113.7:5060"), 0u);
}

TEST_F(EngineNames, AnAlarmIsUpWhileAPeersNameCannotBeResolved) {
  zone.is_down = true;
  wait(1s);
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_EQ(alarms[0].name, "dns_failed");
  EXPECT_TRUE(alarms[0].active);
  EXPECT_EQ(alarms[0].subject, "carrier");
  EXPECT_EQ(alarms[0].detail, "sip.example.net: no name server could say");
  EXPECT_TRUE(board().empty());
  zone.is_down = false;
  zone.put_address("sip.example.net", "203.0.113.7");
  wait(10s);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_FALSE(alarms[1].active);
  EXPECT_EQ(board().size(), 1u);
}

TEST_F(EngineNames, AStaleAnswerServesWhileNoServerAnswersAndThenAlarms) {
  config.dns.serve_stale = 10min;
  zone.put_address("sip.example.net", "203.0.113.7", 60);
  wait(1s);
  zone.is_down = true;
  wait(5min);
  EXPECT_EQ(board().size(), 1u);
  EXPECT_TRUE(alarms.empty());
  auto view = engine().desk().names_of_peers(now);
  ASSERT_EQ(view.size(), 1u);
  EXPECT_TRUE(view[0].is_stale);
  EXPECT_EQ(view[0].name, "sip.example.net");
  EXPECT_EQ(view[0].state, "found");
  wait(7min);
  EXPECT_TRUE(board().empty());
  ASSERT_EQ(alarms.size(), 1u);
  zone.is_down = false;
  wait(2min);
  EXPECT_EQ(board().size(), 1u);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_FALSE(alarms[1].active);
  view = engine().desk().names_of_peers(now);
  EXPECT_FALSE(view[0].is_stale);
  ASSERT_TRUE(view[0].ttl_left);
  EXPECT_LE(*view[0].ttl_left, 60s);
}

class EngineNamesReload : public EngineNames {
 protected:
  EngineNamesReload() {
    config.peer_places = 4;
    zone.put_address("sip.example.net", "203.0.113.7", 3600);
    zone.put_address("other.example.net", "203.0.113.8", 3600);
    next = config;
  }
  using Board = std::vector<std::string>;
  SbcConfig next;
};

TEST_F(EngineNamesReload, ANameThatStaysIsNotAskedAgainWhereverItStands) {
  wait(1s);
  ASSERT_EQ(board(), Board{"203.0.113.7:5060"});
  const auto asked = zone.asked.size();
  const auto due = engine().next_deadline();
  const auto fact = shared->targets.targets_of(PeerIndex{0})->front();
  zone.is_down = true;  // nothing may depend on it
  PeerTarget by_address;
  by_address.address = parse_endpoint("203.0.113.1:5060", 0);
  next.peers[0].targets.insert(next.peers[0].targets.begin(), by_address);
  next.peers[0].targets[1].weight = 7;
  adopt(next);
  EXPECT_EQ(zone.asked.size(), asked);
  EXPECT_EQ(board(), (Board{"203.0.113.1:5060", "203.0.113.7:5060"}));
  const auto after = shared->targets.targets_of(PeerIndex{0})->back();
  EXPECT_EQ(after->configured, 1);
  EXPECT_EQ(after->weight, 7u);
  EXPECT_TRUE(is_same_target(*fact, *after));
  const auto views = engine().desk().names_of_peers(now);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].configured, 1);
  ASSERT_TRUE(due && engine().next_deadline());
}

TEST_F(EngineNamesReload, ANewNameIsAskedForAtOnceAndNoOtherListIsEmptyMeanwhile) {
  wait(1s);
  next.peers[0].targets.push_back(target("other.example.net"));
  next.peers.push_back(next.peers[0]);
  next.peers[1].name = "second";
  std::vector<DnsQuery> queries;
  {
    shared->adopt(make_value<Rulebook>(make_value<SbcConfig>(next), shared->targets));
    EXPECT_EQ(board(), Board{"203.0.113.7:5060"});
    EngineOutput out;
    engine().adopt(now, out);
    queries = out.dns();
  }
  EXPECT_FALSE(queries.empty());
  EXPECT_EQ(board(), Board{"203.0.113.7:5060"});
  zone.answer(queries, [&](const DnsReply& reply) {
    step([&](EngineOutput& out) { engine().on_dns(now, reply, out); });
    EXPECT_FALSE(board().empty());
  });
  wait(0s);
  EXPECT_EQ(board(), (Board{"203.0.113.7:5060", "203.0.113.8:5060"}));
  EXPECT_EQ(board(PeerIndex{1}), board());
  EXPECT_EQ(receive_from("203.0.113.8:5060"), 1u);
}

TEST_F(EngineNamesReload, ANameThatIsGoneIsForgottenWithItsAlarmAndALateReplyDoesNothing) {
  next.peers[0].targets.push_back(target("gone.example.net", 5060));
  config = next;
  zone.silent.insert("gone.example.net");
  wait(1s);
  ASSERT_EQ(alarms.size(), 1u);
  std::vector<DnsQuery> late;
  while (late.empty()) {
    now = *engine().next_deadline();
    EngineOutput out;
    engine().on_deadline(now, out);
    late = out.dns();
  }
  SbcConfig after = next;
  after.peers[0].targets.pop_back();
  adopt(after);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_FALSE(alarms[1].active);
  EXPECT_EQ(alarms[1].subject, "carrier");
  zone.silent.clear();
  zone.put_address("gone.example.net", "203.0.113.99");
  const std::uint64_t version = shared->targets.version();
  zone.answer(late, [&](const DnsReply& reply) {
    step([&](EngineOutput& out) { engine().on_dns(now, reply, out); });
  });
  EXPECT_EQ(shared->targets.version(), version);
  EXPECT_EQ(board(), Board{"203.0.113.7:5060"});
  EXPECT_EQ(engine().desk().names_of_peers(now).size(), 1u);
}

TEST_F(EngineNamesReload, AlarmsOfAPeerThatIsTakenOutAreCleared) {
  zone.is_down = true;
  wait(1s);
  ASSERT_EQ(alarms.size(), 1u);
  adopt(next);
  EXPECT_EQ(alarms.size(), 1u) << "nothing has changed";
  next.peers[0].is_retired = true;
  adopt(next);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_FALSE(alarms[1].active);
  EXPECT_EQ(alarms[1].subject, "carrier");
  const auto asked = zone.asked.size();
  wait(1h);
  EXPECT_EQ(zone.asked.size(), asked) << "nobody is asked for it any more";
  EXPECT_TRUE(engine().desk().names_of_peers(now).empty());
  EXPECT_EQ(alarms.size(), 2u);
}

TEST_F(EngineNamesReload, WithNoNameAtTheStartThereIsRoomForThoseThatComeLater) {
  PeerTarget by_address;
  by_address.address = parse_endpoint("203.0.113.1:5060", 0);
  config.peers[0].targets = {by_address};
  wait(1s);
  for (unsigned round = 0; round < 50; ++round) {
    adopt(next);
    ASSERT_EQ(board(), Board{"203.0.113.7:5060"});
    adopt(config);
    ASSERT_EQ(board(), Board{"203.0.113.1:5060"});
  }
  EXPECT_TRUE(alarms.empty());
}

}  // namespace
}  // namespace sallyport::sip
