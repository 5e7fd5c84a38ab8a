// flow_keeper_test.cpp — which flows begin, go on and end, by what leaves a tap and what goes in.
#include "dataplane/stream/flow_keeper.h"

#include <gtest/gtest.h>

#include <string>

#include "dataplane/packet/udp_header.h"

namespace sallyport::dataplane {
namespace {

using State = LinuxFlowState;

constexpr Timestamp kNow{1h};
const Endpoint kListener = *parse_endpoint("198.18.1.1:5060", 0),
               kOther = *parse_endpoint("198.18.1.1:40000", 0),
               kRemote = *parse_endpoint("198.18.1.2:5061", 0), kBgp = *parse_endpoint("198.18.1.2:179", 0),
               kDns = *parse_endpoint("198.18.1.9:53", 0);

PortServices services(std::vector<LinuxServiceKind> kinds) {
  SbcConfig config;
  PortConfig& port = config.ports.emplace_back();
  port.name = "outside";
  for (const LinuxServiceKind kind : kinds) port.services.push_back({kind, 0});
  return PortServices(config, port);
}

class FlowKeeperTest : public testing::Test {
 protected:
  FlowKeeperTest() {
    keeper_.add_port({}, {kListener});
    keeper_.add_port(services({LinuxServiceKind::Dns, LinuxServiceKind::Bgp}), {});
    keeper_.advance(kNow);
  }

  LinuxSegment tcp(std::uint8_t flags, const Endpoint& local = kListener, const Endpoint& remote = kRemote,
                   PortIndex port = PortIndex{0}) const {
    return {{port, 6, local, remote}, flags, 1000};
  }
  // The reason, or "leaves".
  std::string sent(const LinuxSegment& segment) {
    const auto outcome = keeper_.let_leave(segment);
    return outcome ? "leaves" : std::string(to_string(outcome.error()));
  }
  void arrives(std::uint8_t flags, std::uint32_t acknowledged = 1001) {
    keeper_.on_arrival({{PortIndex{0}, 6, kListener, kRemote}, flags, acknowledged});
  }
  State state(const Endpoint& local = kListener, const Endpoint& remote = kRemote) const {
    return flows_.find({PortIndex{0}, 6, local, remote}, now_);
  }
  void pass(Duration time) { keeper_.advance(now_ += time); }

  LinuxFlows flows_{16, HashKey{3, 4}};
  FlowKeeper keeper_{&flows_, 10min};
  Timestamp now_ = kNow;
};

TEST_F(FlowKeeperTest, AHandshakeThatIsNotConfirmedIsForgotten) {
  EXPECT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  EXPECT_EQ(state(), State::HalfOpen);
  pass(15s);
  EXPECT_EQ(state(), State::None);
}

TEST_F(FlowKeeperTest, OnlyWhoSawOurSequenceNumberConfirmsAHandshake) {
  ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  arrives(kTcpAck, 1000);
  arrives(kTcpAck, 1002);
  arrives(0, 1001);
  arrives(kTcpAck | kTcpRst, 1001);
  EXPECT_EQ(sent(tcp(kTcpAck)), "leaves") << "Linux answers a blind segment";
  EXPECT_EQ(state(), State::HalfOpen);
  arrives(kTcpAck, 1001);
  EXPECT_EQ(state(), State::Established);
  pass(10min);
  EXPECT_EQ(state(), State::Established);
  pass(1min);
  EXPECT_EQ(state(), State::None);
}

TEST_F(FlowKeeperTest, WhatLeavesKeepsAConnection) {
  ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  arrives(kTcpAck);
  for (int i = 0; i < 5; ++i) {
    pass(10min);
    EXPECT_EQ(sent(tcp(kTcpAck)), "leaves");
  }
  EXPECT_EQ(state(), State::Established);
}

TEST_F(FlowKeeperTest, AConnectionThatEndedIsForgottenSoon) {
  for (const std::uint8_t flag : {kTcpFin, kTcpRst}) {
    ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
    arrives(kTcpAck);
    EXPECT_EQ(sent(tcp(static_cast<std::uint8_t>(flag | kTcpAck))), "leaves");
    EXPECT_EQ(sent(tcp(kTcpAck)), "leaves") << "of the other side's FIN";
    EXPECT_EQ(state(), State::Closing);
    pass(30s);
    EXPECT_EQ(state(), State::None);
  }
}

TEST_F(FlowKeeperTest, AResetFromOutsideIsBelievedOnlyIfLinuxFallsSilent) {
  ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  arrives(kTcpAck);
  arrives(kTcpRst);
  EXPECT_EQ(state(), State::Doubted);
  EXPECT_EQ(sent(tcp(kTcpAck)), "leaves");
  EXPECT_EQ(state(), State::Established);
  arrives(kTcpRst);
  pass(150s);
  EXPECT_EQ(state(), State::None);
}

TEST_F(FlowKeeperTest, ANewHandshakeBeginsAnew) {
  ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  arrives(kTcpAck);
  ASSERT_EQ(sent(tcp(kTcpFin | kTcpAck)), "leaves");
  ASSERT_EQ(sent(tcp(kTcpSyn | kTcpAck)), "leaves");
  EXPECT_EQ(state(), State::HalfOpen);
}

TEST_F(FlowKeeperTest, OnlyListenersAnswerAndOnlyThePermittedOpen) {
  EXPECT_EQ(sent(tcp(kTcpSyn | kTcpAck, kOther)), "egress_not_allowed");
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther)), "egress_not_allowed");
  EXPECT_EQ(sent(tcp(kTcpSyn)), "egress_not_allowed") << "a listener's port opens nothing either";
  for (const std::uint8_t flags : {kTcpAck, kTcpFin, kTcpRst, std::uint8_t{0}})
    EXPECT_EQ(sent(tcp(flags, kOther)), "egress_not_allowed") << int{flags};
  ASSERT_TRUE(keeper_.permit_tcp(PortIndex{0}, kOther, kRemote));
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther, kBgp)), "egress_not_allowed") << "elsewhere";
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther)), "leaves");
  EXPECT_EQ(state(kOther), State::Opening);
  EXPECT_EQ(sent(tcp(kTcpAck, kOther)), "leaves");
  EXPECT_EQ(state(kOther), State::Established);
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther)), "egress_not_allowed") << "it is open";
  keeper_.revoke_tcp(PortIndex{0}, kOther, kRemote);
  EXPECT_EQ(state(kOther), State::Closing);
  EXPECT_EQ(sent(tcp(kTcpFin | kTcpAck, kOther)), "leaves");
  pass(30s);
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther)), "egress_not_allowed");
}

TEST_F(FlowKeeperTest, BothSidesMayOpenAtTheSameTime) {
  ASSERT_TRUE(keeper_.permit_tcp(PortIndex{0}, kOther, kRemote));
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther)), "leaves");
  EXPECT_EQ(sent(tcp(kTcpSyn | kTcpAck, kOther)), "leaves");
}

TEST_F(FlowKeeperTest, AListenersConnectionThatWasForgottenIsTakenUpAgain) {
  EXPECT_EQ(sent(tcp(kTcpRst)), "egress_not_allowed") << "Linux knows of none";
  EXPECT_EQ(sent(tcp(kTcpAck)), "leaves");
  EXPECT_EQ(state(), State::Established);
}

TEST_F(FlowKeeperTest, ServicesOpenWhatTheyAreFor) {
  const PortIndex with{1};
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther, kBgp, with)), "leaves");
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther, kDns, with)), "leaves");
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther, kRemote, with)), "egress_not_allowed");
  EXPECT_EQ(sent(tcp(kTcpSyn, kOther, kBgp)), "egress_not_allowed") << "not on the other port";
  EXPECT_EQ(sent(tcp(kTcpSyn | kTcpAck, {kOther.address, 179}, kRemote, with)), "leaves");
  EXPECT_EQ(sent({{with, 17, kOther, kDns}}), "leaves");
  EXPECT_EQ(flows_.find({with, 17, kOther, kDns}, kNow), State::HalfOpen);
  EXPECT_EQ(sent({{with, 17, kOther, kRemote}}), "egress_not_allowed");
  EXPECT_EQ(sent({{PortIndex{0}, 17, kOther, kDns}}), "egress_not_allowed");
}

TEST_F(FlowKeeperTest, SaysWhenThereIsNoRoom) {
  Endpoint remote = kRemote;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < 4 * flows_.capacity(); ++i) {
    remote = {IpAddress::v4(0x0A000000 + static_cast<std::uint32_t>(i)), 5060};
    refused += keeper_.permit_tcp(PortIndex{0}, kOther, remote) ? 0 : 1;
  }
  EXPECT_EQ(refused, 3 * flows_.capacity());
  EXPECT_EQ(sent(tcp(kTcpSyn | kTcpAck)), to_string(DropReason::LinuxFlowTableFull));
  EXPECT_EQ(state(), State::None);
}

TEST_F(FlowKeeperTest, WithoutATableNothingLeaves) {
  FlowKeeper none(nullptr, 10min);
  none.add_port({}, {kListener});
  EXPECT_EQ(none.let_leave(tcp(kTcpSyn | kTcpAck)).error(), DropReason::EgressNotAllowed);
  EXPECT_FALSE(none.permit_tcp(PortIndex{0}, kOther, kRemote));
  none.revoke_tcp(PortIndex{0}, kOther, kRemote);
  none.on_arrival({{PortIndex{0}, 6, kListener, kRemote}, kTcpAck, 1});
}

}  // namespace
}  // namespace sallyport::dataplane
