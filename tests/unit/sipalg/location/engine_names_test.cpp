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
  std::vector<std::string> board(PeerIndex peer = PeerIndex{0}) {
    std::vector<std::string> targets;
    for (const auto& one : *shared->targets.targets_of(peer)) targets.push_back(to_string(one->address));
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

}  // namespace
}  // namespace sallyport::sip
