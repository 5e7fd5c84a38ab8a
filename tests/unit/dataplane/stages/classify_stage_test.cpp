// classify_stage_test.cpp — for a listener, for Linux, or for nobody.
#include "dataplane/stages/classify_stage.h"

#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stages/parse_stage.h"
#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

class ClassifyStageTest : public WithPackets {
 protected:
  void run() {
    ParseStage(ports_).process(Timestamp{}, burst_);
    stage_.process(Timestamp{}, burst_);
  }

  SbcConfig config_ = small_config();
  PortTable ports_ = ports_of(config_);
  ClassifyStage stage_{ListenerTable(config_, ports_)};
};

TEST_F(ClassifyStageTest, NamesTheListenerAndItsRealm) {
  fill({sip_frame_v4(), sip_frame_v6(), ethernet(ipv4(udp({}, {.destination_port = 5070})))});
  run();
  const ListenerIndex listeners[] = {ListenerIndex{0}, ListenerIndex{0}, ListenerIndex{2}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Continue);
    EXPECT_EQ(burst_.meta[i]->packet_class, PacketClass::Signalling);
    EXPECT_EQ(burst_.meta[i]->listener, listeners[i]);
    EXPECT_EQ(burst_.meta[i]->realm, RealmIndex{0});
  }
}

TEST_F(ClassifyStageTest, GivesLinuxWhatIsItsToAnswer) {
  fill({ethernet(arp()), ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 8, Bytes(4)), {.protocol = 1}))});
  run();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Continue);
    EXPECT_EQ(burst_.meta[i]->packet_class, PacketClass::Exception);
  }
}

TEST_F(ClassifyStageTest, DropsWhatIsForNobody) {
  struct Case {
    const char* name;
    Bytes frame;
    DropReason reason;
  };
  const std::vector<Case> cases{
      {"UDP to a closed port", ethernet(ipv4(udp({}, {.destination_port = 5061}))), DropReason::NoListener},
      {"UDP to the link-local address",
       ethernet(ipv6(udp({}, {.source = "fe80::2", .destination = "fe80::ff:fe00:1"}),
                     {.source = "fe80::2", .destination = "fe80::ff:fe00:1"})),
       DropReason::NoListener},
      {"SYN to a port where only UDP is listened for",
       ethernet(ipv4(tcp_syn("198.18.1.2", "198.18.1.1", 5070), {.protocol = 6})),
       DropReason::TcpNotAdmitted},
      {"SYN to a port that a service would have",
       ethernet(ipv4(tcp_syn("198.18.1.2", "198.18.1.1", 179), {.protocol = 6})), DropReason::TcpNotAdmitted},
      {"SYN behind a fragment header",
       ethernet(ipv6(joined(fragment_header({.next_header = 6}), tcp_syn("fd18:1::2", "fd18:1::1", 5060)),
                     {.next_header = 44})),
       DropReason::TcpFragment},
      {"OSPF", ethernet(ipv4(Bytes(24), {.protocol = 89})), DropReason::UnusedProtocol},
      {"VRRP", ethernet(ipv4(Bytes(24), {.protocol = 112})), DropReason::UnusedProtocol},
      {"ICMP unreachable", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 3, Bytes(32)), {.protocol = 1})),
       DropReason::IcmpNotEcho},
      {"router advertisement",
       ethernet(ipv6(icmp("fd18:1::2", "fd18:1::1", 134, Bytes(12)), {.next_header = 58, .hop_limit = 255})),
       DropReason::IcmpNotEcho},
      {"SCTP", ethernet(ipv4(Bytes(12), {.protocol = 132})), DropReason::UnusedProtocol},
      {"GRE", ethernet(ipv4(Bytes(12), {.protocol = 47})), DropReason::UnusedProtocol},
      {"no next header", ethernet(ipv6({}, {.next_header = 59})), DropReason::UnusedProtocol},
  };
  for (const auto& [name, frame, reason] : cases) {
    fill({frame});
    run();
    EXPECT_EQ(burst_.verdicts[0], Verdict::Drop) << name;
    EXPECT_EQ(to_string(burst_.drop_reasons[0]), to_string(reason)) << name;
  }
}

TEST_F(ClassifyStageTest, LeavesAloneWhatIsDecided) {
  fill({sip_frame_v4()});
  ParseStage(ports_).process(Timestamp{}, burst_);
  burst_.drop(0, DropReason::BadUdpHeader);
  stage_.process(Timestamp{}, burst_);
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::BadUdpHeader);
  EXPECT_EQ(burst_.meta[0]->packet_class, PacketClass::Unknown);
}

// With services on the port `outside`, and a table of flows.
class ClassifyForLinuxTest : public WithPackets {
 protected:
  static SbcConfig config_with_services() {
    SbcConfig config = small_config();
    config.ports[0].services = {{LinuxServiceKind::Dns},  {LinuxServiceKind::Bgp},
                                {LinuxServiceKind::Bfd},  {LinuxServiceKind::Ospf},
                                {LinuxServiceKind::Vrrp}, {LinuxServiceKind::Udp, 161}};
    return config;
  }
  // None: it goes on, as `kind`.
  void expect(const char* name, const Bytes& frame, policy::ExceptionKind kind, DropReason reason) {
    fill({frame});
    ParseStage(ports_).process(kNow, burst_);
    stage_.process(kNow, burst_);
    const bool is_dropped = burst_.verdicts[0] == Verdict::Drop;
    EXPECT_EQ(is_dropped ? to_string(burst_.drop_reasons[0]) : "",
              reason == DropReason::kCount ? "" : to_string(reason))
        << name;
    if (!is_dropped) {
      EXPECT_EQ(burst_.meta[0]->exception, kind) << name;
      EXPECT_EQ(burst_.meta[0]->packet_class, PacketClass::Exception) << name;
    }
  }
  void expect_taken(const char* name, const Bytes& frame, policy::ExceptionKind kind) {
    expect(name, frame, kind, DropReason::kCount);
  }
  void expect_dropped(const char* name, const Bytes& frame, DropReason reason) {
    expect(name, frame, policy::ExceptionKind::None, reason);
  }
  // From the carrier's port 40000, as tcp_syn() is.
  static Bytes segment(std::uint8_t flags, std::uint16_t to) {
    Bytes tcp = tcp_syn("198.18.1.2", "198.18.1.1", to);
    tcp[13] = flags;
    store16(tcp.data() + 16,
            load16(tcp.data() + 16) + 2u - flags);  // one's complement: less where it is more
    return ethernet(ipv4(tcp, {.protocol = 6}));
  }
  void remember(std::uint8_t protocol, std::uint16_t local, std::uint16_t remote, LinuxFlowState state) {
    const LinuxFlow flow{PortIndex{0}, protocol, {ip("198.18.1.1"), local}, {ip("198.18.1.2"), remote}};
    ASSERT_TRUE(flows_.set(flow, state, kNow + 10s, kNow));
  }
  // An ICMP error about a segment of ours from 198.18.1.1:40000.
  static Bytes error_about(std::uint16_t remote, std::uint8_t code) {
    const Bytes sent = ipv4(tcp_syn("198.18.1.1", "198.18.1.2", remote),
                            {.source = "198.18.1.1", .destination = "198.18.1.2", .protocol = 6});
    return ethernet(ipv4(icmp("198.18.1.9", "198.18.1.1", 3, joined({0, 0, 5, 0}, sent), code),
                         {.source = "198.18.1.9", .protocol = 1}));
  }

  static constexpr Timestamp kNow{1h};
  SbcConfig config_ = config_with_services();
  PortTable ports_ = ports_of(config_);
  LinuxFlows flows_{16, HashKey{1, 2}};
  ClassifyStage stage_{ListenerTable(config_, ports_), LinuxSide(config_, &flows_)};
};

TEST_F(ClassifyForLinuxTest, ASynToAListenerOrToAServiceIsAHandshake) {
  using enum policy::ExceptionKind;
  expect_taken("SYN to the listener", segment(kTcpSyn, 5060), Handshake);
  EXPECT_EQ(burst_.meta[0]->listener, ListenerIndex{1});
  EXPECT_EQ(burst_.meta[0]->realm, RealmIndex{0});
  expect_taken("SYN to BGP", segment(kTcpSyn, 179), Handshake);
  EXPECT_EQ(burst_.meta[0]->realm, RealmIndex::kNone);
  expect_taken("SYN with ECN", segment(kTcpSyn | 0xc0, 5060), Handshake);
  expect_dropped("SYN elsewhere", segment(kTcpSyn, 5061), DropReason::TcpNotAdmitted);
  for (const int more : {int{kTcpFin}, int{kTcpRst}, int{kTcpAck}, 0x08, 0x20})
    expect_dropped("SYN and more", segment(static_cast<std::uint8_t>(kTcpSyn | more), 5060),
                   DropReason::TcpNotAdmitted);
}

TEST_F(ClassifyForLinuxTest, OtherSegmentsAreLinuxsWhenTheFlowIs) {
  using enum policy::ExceptionKind;
  for (const std::uint8_t flags : {kTcpAck, kTcpRst, kTcpFin, std::uint8_t{0}})
    expect_dropped("no flow", segment(flags, 5060), DropReason::TcpNotAdmitted);
  remember(6, 5060, 40000, LinuxFlowState::HalfOpen);
  for (const std::uint8_t flags : {kTcpAck, kTcpRst, kTcpFin, std::uint8_t{kTcpSyn | kTcpAck}})
    expect_taken("of the flow", segment(flags, 5060), Flow);
  expect_dropped("of another", segment(kTcpAck, 5070), DropReason::TcpNotAdmitted);
}

TEST_F(ClassifyForLinuxTest, DatagramsAreLinuxsWhenAskedForOrOfAService) {
  using enum policy::ExceptionKind;
  const auto datagram = [](std::uint16_t from, std::uint16_t to) {
    return ethernet(ipv4(udp({}, {.source_port = from, .destination_port = to})));
  };
  expect_dropped("an answer that nobody asked for", datagram(53, 40000), DropReason::NoListener);
  remember(17, 40000, 53, LinuxFlowState::HalfOpen);
  expect_taken("the answer", datagram(53, 40000), Flow);
  expect_dropped("from another port", datagram(54, 40000), DropReason::NoListener);
  expect_taken("SNMP", datagram(40000, 161), Service);
  expect_taken("BFD", datagram(50000, 3784), Service);
  expect_dropped("a question", datagram(40000, 53), DropReason::NoListener);
}

TEST_F(ClassifyForLinuxTest, RoutingProtocolsReachLinuxByTheirGroups) {
  using enum policy::ExceptionKind;
  const auto hello = [](const char* group, std::uint8_t protocol, MacAddress mac) {
    return ethernet(ipv4(Bytes(24), {.destination = group, .protocol = protocol}), {.destination = mac});
  };
  const MacAddress all_ospf{1, 0, 0x5e, 0, 0, 5}, all_vrrp{1, 0, 0x5e, 0, 0, 18};
  expect_taken("OSPF", hello("224.0.0.5", 89, all_ospf), Service);
  expect_taken("VRRP", hello("224.0.0.18", 112, all_vrrp), Service);
  expect_taken("OSPF to us", ethernet(ipv4(Bytes(24), {.protocol = 89})), Service);
  expect_dropped("OSPF to the group of VRRP", hello("224.0.0.18", 89, all_vrrp), DropReason::UnusedProtocol);
  expect_dropped("OSPF with another group's MAC", hello("224.0.0.5", 89, all_vrrp),
                 DropReason::OtherDestinationMac);
  expect_dropped("UDP to a group",
                 ethernet(ipv4(udp({}, {.destination = "224.0.0.5"}), {.destination = "224.0.0.5"}),
                          {.destination = all_ospf}),
                 DropReason::NotOurAddress);
  expect_dropped("OSPF to a group that is not its own", hello("224.0.0.7", 89, {1, 0, 0x5e, 0, 0, 7}),
                 DropReason::NotOurAddress);
}

TEST_F(ClassifyForLinuxTest, ErrorsAboutAFlowOfLinuxReachIt) {
  using enum policy::ExceptionKind;
  expect_dropped("no flow", error_about(5062, 4), DropReason::ErrorQuotesNoFlow);
  remember(6, 40000, 5062, LinuxFlowState::Established);
  expect_taken("too big", error_about(5062, 4), PathError);
  expect_dropped("unreachable, of a connection that stands", error_about(5062, 1),
                 DropReason::ErrorQuotesNoFlow);
  remember(6, 40000, 5062, LinuxFlowState::Opening);
  expect_taken("unreachable, of one that we open", error_about(5062, 1), PathError);
}

}  // namespace
}  // namespace sallyport::dataplane
