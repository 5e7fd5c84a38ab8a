// classify_stage_test.cpp — for a listener, for Linux, or for nobody.
#include "dataplane/stages/classify_stage.h"

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
      {"TCP to a listener", ethernet(ipv4(tcp_syn("198.18.1.2", "198.18.1.1", 5060), {.protocol = 6})),
       DropReason::TcpNotAdmitted},
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

}  // namespace
}  // namespace sallyport::dataplane
