// shard_vdev_test.cpp — what a shard does besides answering: tasks, events, errors of the network, the end.
#include <gtest/gtest.h>

#include <set>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/header_writer.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"
#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"
#include "tests/support/message_builder.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0, kInside = 1;

// Destination unreachable, port unreachable, about a datagram from the port's listener to `remote`.
Bytes port_unreachable(const Flow& flow, std::uint16_t remote_port) {
  Flow sent = flow;
  std::swap(sent.source, sent.destination);
  sent.destination.port = remote_port;
  const Bytes quoted = udp_frame(sent, "INVITE");
  const std::size_t link = flow.vlan ? 18 : 14, ip = kIpv4Bytes;
  Bytes frame = udp_frame(flow, std::string(8 + 28 - 8, '\0'));  // its UDP header makes room for ICMP's
  std::uint8_t* const icmp = frame.data() + link + ip;
  const std::span message(icmp, frame.size() - link - ip);
  std::fill(message.begin(), message.end(), std::uint8_t{0});
  icmp[0] = 3;
  icmp[1] = 3;
  std::copy_n(quoted.begin() + static_cast<std::ptrdiff_t>(link), message.size() - 8, icmp + 8);
  InternetSum sum;
  sum.add(message);
  store16(icmp + 2, sum.checksum());
  std::uint8_t* const header = frame.data() + link;
  header[9] = kProtocolIcmp;
  store16(header + 10, 0);
  InternetSum header_sum;
  header_sum.add({header, ip});
  store16(header + 10, header_sum.checksum());
  return frame;
}

sip::Path path_to(const LcoreRig& rig, std::size_t port, const IpAddress& address) {
  return {RealmIndex(port), {rig.config.ports[port].addresses[0].address, 5060}, {address, 5060}};
}

TEST(ShardTurn, EveryEngineHearsThatAFlowOfOursIsUnreachable) {
  LcoreRig rig({.lcores = 2, .shards = 3});
  const Flow flow = flow_to(rig, kInside);
  rig.arrive(kInside, port_unreachable(flow, 5062));
  for (int i = 0; i < 2; ++i)
    for (std::size_t lcore = 0; lcore < 2; ++lcore) rig.turn_lcore(lcore);
  for (std::size_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ(rig.links->unreachable(0, shard).used() + rig.links->unreachable(1, shard).used(), 1U);
    EXPECT_TRUE(rig.shards[shard]->has_mail());
  }
  rig.turn();
  for (std::size_t shard = 0; shard < 3; ++shard) EXPECT_FALSE(rig.shards[shard]->has_mail());
  EXPECT_TRUE(rig.to_taps.empty()) << "not a matter for Linux";
  EXPECT_EQ(rig.received(kInside, PacketClass::Exception), 1U);
}

// RFC 3261 §18.4, §8.1.3.1: what the network says of a target counts as its 503.
TEST(ShardTurn, ACallWhoseOnlyTargetIsUnreachableFailsAtOnce) {
  RigSettings settings;
  settings.shards = 2;
  RouteConfig& route = settings.config.routes.emplace_back();
  route.name = "inbound";
  route.match.peers = {settings.config.peers[kOutside].name};
  route.to = {RouteToPeer{settings.config.peers[kInside].name}};
  settings.config.peers[kInside].targets.resize(1);
  LcoreRig rig(std::move(settings));
  const Flow caller = flow_to(rig, kOutside), callee = flow_to(rig, kInside);
  rig.arrive(kOutside, udp_frame(caller, tests::MessageBuilder("INVITE")
                                             .uri("sip:+15551234567@198.18.1.1")
                                             .contact("<sip:a@198.18.1.2>")
                                             .build()));
  rig.turn();
  const Arrived invite = datagram_of(rig.sent(kInside));
  ASSERT_TRUE(invite.payload.starts_with("INVITE ")) << invite.payload;
  (void)rig.sent(kOutside);  // 100
  rig.arrive(kInside, port_unreachable(callee, invite.destination.port));
  rig.turn();
  const auto answers = rig.sent(kOutside);
  ASSERT_FALSE(answers.empty());
  EXPECT_GE(tests::status_of(datagram_of({answers.front()}).payload), 500);
  EXPECT_EQ(rig.shards[0]->engine().counters().calls_active.value() +
                rig.shards[1]->engine().counters().calls_active.value(),
            0U);
}

// RFC 3261 §18.4, §16.6 step 7: not after `setup`, which is for whoever hears us and says nothing.
TEST(ShardTurn, ACallGoesToTheNextTargetAtOnceWhenNobodyIsAtTheFirst) {
  for (const auto kind : {FromStream::Kind::NoNeighbour, FromStream::Kind::NoRoute}) {
    RigSettings settings;
    RouteConfig& route = settings.config.routes.emplace_back();
    route.name = "inbound";
    route.match.peers = {settings.config.peers[kOutside].name};
    route.to = {RouteToPeer{settings.config.peers[kInside].name}};
    auto& targets = settings.config.peers[kInside].targets;
    targets[1].address = Endpoint{IpAddress::v4(0xc6120203), 5060};
    const IpAddress dead = targets[0].address->address;
    LcoreRig rig(std::move(settings));
    rig.arrive(kOutside, udp_frame(flow_to(rig, kOutside), tests::MessageBuilder("INVITE")
                                                               .uri("sip:+15551234567@198.18.1.1")
                                                               .contact("<sip:a@198.18.1.2>")
                                                               .build()));
    std::vector<Bytes> sent;
    for (int i = 0; i < 6 && sent.empty(); ++i) {
      rig.turn_lcore();
      rig.turn_shards();
      for (ToStream question; rig.links->stream(0).to.receive(question);)
        rig.answer(question.destination == dead ? kind : FromStream::Kind::NextHop,
                   to_position(question.port), question.destination);
      rig.turn_lcore();
      sent = rig.sent(kInside);
    }
    ASSERT_FALSE(sent.empty());
    const Arrived invite = datagram_of({sent.front()});
    EXPECT_TRUE(invite.payload.starts_with("INVITE ")) << invite.payload;
    EXPECT_EQ(to_string(invite.destination), "198.18.2.3:5060");
    (void)rig.sent(kOutside);
  }
}

TEST(ShardTurn, SendsWhatATaskPutsIntoTheOutput) {
  LcoreRig rig;
  const sip::Path path = path_to(rig, kOutside, IpAddress::v4(0xc6120102));
  rig.shards[0]->with_engine(
      [&](sip::SipEngine&, sip::EngineOutput& out) { EXPECT_TRUE(out.send(path, "hello", 1)); });
  rig.turn();
  const Arrived arrived = datagram_of(rig.sent(kOutside));
  EXPECT_EQ(arrived.payload, "hello");
  EXPECT_EQ(arrived.destination, path.remote);
  EXPECT_EQ(arrived.source, path.local);
}

// As with a network card that has a queue for each of four lcores.
TEST(ShardTurn, WhatGoesToOneAddressLeavesByOneLcore) {
  LcoreRig rig;
  std::vector<std::unique_ptr<Mailbox<ShardOutput>>> outboxes;
  ShardSetup setup;
  for (std::size_t lcore = 0; lcore < 4; ++lcore) {
    outboxes.push_back(std::make_unique<Mailbox<ShardOutput>>(512));
    setup.lcores.push_back(
        {&rig.links->to_shard(0, 0), &rig.links->unreachable(0, 0), outboxes.back().get(), {lcore, lcore}});
  }
  setup.owner = SourceOwner(PrefixLimit{}, HashKey{1, 2}, 4);
  setup.pool = rig.pools->main();
  setup.policy = rig.policy.get();
  setup.events = &rig.events->line(0);
  setup.commands = rig.commands[0].get();
  setup.engine.message_ring_bytes = 100'000;
  Shard shard(rig.config, std::move(setup));
  std::set<std::size_t> lcores;
  for (std::uint32_t net = 0; net < 64; ++net) {
    const sip::Path path = path_to(rig, kOutside, IpAddress::v4(0x0a000002 + (net << 8)));
    for (int i = 0; i < 3; ++i)
      shard.with_engine(
          [&](sip::SipEngine&, sip::EngineOutput& out) { EXPECT_TRUE(out.send(path, "x", 0)); });
    for (std::size_t lcore = 0; lcore < 4; ++lcore) {
      std::size_t sent = 0;
      for (ShardOutput output; outboxes[lcore]->receive(output); ++sent) rte_pktmbuf_free(output.packet);
      EXPECT_TRUE(sent == 0 || sent == 3) << sent;
      if (sent != 0) lcores.insert(lcore);
    }
  }
  EXPECT_EQ(lcores.size(), 4U) << "they share the addresses between them";
}

TEST(ShardTurn, TellsEventsAndHearsOfTheJournal) {
  LcoreRig rig;
  rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) {
    out.add(Timestamp{1s}, sip::RecordEvent{1, {}});
    out.add(Timestamp{1s}, sip::AlarmEvent{"call_table_full", true, ""});
  });
  auto event = rig.events->take(0);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<sip::RecordEvent>(event->what).sequence, 1U);
  event = rig.events->take(0);
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<sip::AlarmEvent>(event->what).name, "call_table_full");
  EXPECT_FALSE(rig.events->take(0));
  EXPECT_FALSE(rig.shards[0]->has_mail());
  rig.events->journalled(0, 1);
  EXPECT_TRUE(rig.shards[0]->has_mail());
  EXPECT_EQ(rig.shards[0]->run_once(rig.now), 1U);
  EXPECT_FALSE(rig.shards[0]->has_mail());
}

TEST(ShardTurn, ComesBackSoonWhileRecordsWaitForTheWriter) {
  LcoreRig rig;
  rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) {
    for (std::uint64_t i = 1; i <= EventLine::kOnTheWay + 10; ++i)
      out.add(Timestamp{1s}, sip::RecordEvent{i, {}});
  });
  const auto deadline = rig.shards[0]->next_deadline(rig.now);
  ASSERT_TRUE(deadline);
  EXPECT_LE(*deadline, rig.now + 10ms);
  std::uint64_t taken = 0;
  for (int turn = 0; turn < 2; ++turn) {
    while (const auto event = rig.events->take(0))
      EXPECT_EQ(std::get<sip::RecordEvent>(event->what).sequence, ++taken);
    rig.shards[0]->run_once(rig.now);
  }
  EXPECT_EQ(taken, EventLine::kOnTheWay + 10);
}

TEST(ShardTurn, SavingTakesInWhatHasArrivedAndRefusesTheRest) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  rig.arrive(kInside, udp_frame(flow, options(flow, 1)));
  rig.turn_lcore();
  for (const auto& saved : rig.shards[0]->save(rig.now)) EXPECT_FALSE(saved.is_call) << "no call is up";
  rig.arrive(kInside, udp_frame(flow, options(flow, 2)));
  rig.arrive(kInside, port_unreachable(flow, 5060));
  rig.turn();
  const auto frames = rig.sent(kInside);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_NE(datagram_of(frames).payload.find("call-1\r\n"), std::string::npos);
  EXPECT_EQ(rig.dropped(kInside, DropReason::Stopping), 1U);
  EXPECT_FALSE(rig.shards[0]->next_deadline(rig.now)) << "timers rest too";
  rig.events->journalled(0, 5);
  EXPECT_FALSE(rig.shards[0]->has_mail());
}

}  // namespace
}  // namespace sallyport::dataplane
