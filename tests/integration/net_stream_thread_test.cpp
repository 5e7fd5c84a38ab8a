// net_stream_thread_test.cpp — the stream thread between a real tap and an lcore that the test plays.
#include "dataplane/stream/stream_thread.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include <array>
#include <chrono>
#include <cstring>
#include <optional>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "tests/integration/net_frames.h"
#include "tests/integration/net_shell.h"

namespace sallyport::dataplane {
namespace {

constexpr PortIndex kPort{0};
constexpr unsigned kPackets = 511;

// DPDK can be started once in a process.
bool start_eal() {
  static const bool is_started = [] {
    std::array<const char*, 9> arguments{"net_tests",      "--no-huge", "-m", "64",         "--no-pci",
                                         "--no-telemetry", "-l",        "0",  "--no-shconf"};
    return rte_eal_init(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data())) >= 0;
  }();
  return is_started;
}

class StreamThreadTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start_eal()) << rte_strerror(rte_errno);
    pool_ = rte_pktmbuf_pool_create("stream_test", kPackets, 0, RTE_ALIGN(sizeof(PacketMeta), 8),
                                    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    ASSERT_NE(pool_, nullptr);
  }
  void TearDown() override {
    if (thread_) thread_->stop();
    FromStream message;
    while (outbox_.receive(message)) rte_pktmbuf_free(message.packet);
    EXPECT_EQ(rte_mempool_avail_count(pool_), kPackets) << "a packet was lost";
    rte_mempool_free(pool_);
  }

  StreamPort port() {
    StreamPort result;
    auto made = NetworkNamespace::create(name_);
    EXPECT_TRUE(made);
    if (made) result.network_namespace = std::move(*made);
    result.mac = own_.mac;
    result.addresses = {{own_.address, 24}};
    return result;
  }
  Result<std::unique_ptr<StreamThread>, NetError> start(StreamPort port) {
    StreamSetup setup;
    setup.ports.push_back(std::move(port));
    setup.lcores = {{&inbox_, &outbox_, &bell_}};
    setup.pool = pool_;
    return StreamThread::start(std::move(setup));
  }
  void start_well() {
    auto started = start(port());
    ASSERT_TRUE(started) << started.error().message;
    thread_ = std::move(*started);
  }

  void send(const Frame& frame) {
    MbufPtr packet(rte_pktmbuf_alloc(pool_));
    ASSERT_TRUE(packet);
    std::memcpy(rte_pktmbuf_append(packet.get(), static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    ToStream message;
    message.port = kPort;
    message.packet = packet.get();
    ASSERT_TRUE(inbox_.send(message));
    static_cast<void>(packet.release());
    thread_->doorbell().ring();
  }
  void ask(const IpAddress& destination) {
    ToStream message;
    message.kind = ToStream::Kind::Resolve;
    message.port = kPort;
    message.destination = destination;
    ASSERT_TRUE(inbox_.send(message));
    thread_->doorbell().ring();
  }

  // True as soon as is_done() is; it is looked at whenever the stream thread rings, and now and then.
  template <class IsDone>
  bool wait_until(IsDone&& is_done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      bell_.announce_sleep();
      const bool done = is_done();
      if (!done && outbox_.empty()) {
        pollfd waiting{bell_.fd(), POLLIN, 0};
        ::poll(&waiting, 1, 20);
      }
      bell_.wake_up();
      if (done) return true;
    }
    return false;
  }
  // Answers ARP for far_ meanwhile, when it is_there_.
  std::optional<FromStream> wait_for(FromStream::Kind kind, int icmp_type = -2) {
    std::optional<FromStream> found;
    wait_until([&] {
      FromStream message;
      while (!found && outbox_.receive(message)) {
        if (message.kind == FromStream::Kind::Packet) {
          const MbufPtr packet(message.packet);
          const std::span frame(rte_pktmbuf_mtod(packet.get(), const std::uint8_t*), packet->data_len);
          const auto arp = arp_in(frame);
          frame_bytes_ = packet->pkt_len;
          if (arp && arp->operation == 1 && arp->target == far_.address && is_there_)
            send(arp_reply(far_, own_));
          if (kind != FromStream::Kind::Packet) continue;
          const bool is_wanted =
              icmp_type >= 0 ? icmp_type_in(frame) == icmp_type : arp && arp->operation == 2;
          if (is_wanted) found = message;
        } else if (message.kind == kind) {
          found = message;
        }
      }
      return found.has_value();
    });
    return found;
  }
  std::uint64_t dropped(DropReason reason) { return thread_->counters(kPort).dropped.value(reason); }

  const std::string name_ = unique_name("stream");
  Host own_{{2, 0, 0, 0, 0, 1}, *IpAddress::parse("198.18.1.1")};
  Host far_{{2, 0, 0, 0, 0, 2}, *IpAddress::parse("198.18.1.2")};
  bool is_there_ = true;
  std::uint32_t frame_bytes_ = 0;
  rte_mempool* pool_ = nullptr;
  Mailbox<ToStream> inbox_{256};
  Mailbox<FromStream> outbox_{32};
  Doorbell bell_;
  std::unique_ptr<StreamThread> thread_;
};

TEST_F(StreamThreadTest, CarriesArpBetweenLcoreAndLinux) {
  start_well();
  send(arp_request(far_, own_.address));
  ASSERT_TRUE(wait_for(FromStream::Kind::Packet));
  EXPECT_EQ(thread_->network_namespace(kPort), name_);
  EXPECT_EQ(thread_->counters(kPort).rx_packets[3].value(), 1u);
  EXPECT_GE(thread_->counters(kPort).tx_packets[3].value(), 1u);
}

TEST_F(StreamThreadTest, CarriesPing) {
  start_well();
  send(ping(far_, own_, 1400));
  ASSERT_TRUE(wait_for(FromStream::Kind::Packet, 0));
  EXPECT_EQ(frame_bytes_, 14u + 20 + 8 + 1400);
}

TEST_F(StreamThreadTest, CarriesFramesOfSeveralSegmentsBothWays) {
  auto big = port();
  big.mtu = 9000;
  auto started = start(std::move(big));
  ASSERT_TRUE(started);
  thread_ = std::move(*started);
  const Frame frame = ping(far_, own_, 8000);
  rte_mbuf* packet = nullptr;
  for (std::size_t at = 0; at < frame.size(); at += 2000) {
    rte_mbuf* const segment = rte_pktmbuf_alloc(pool_);
    const std::size_t size = std::min<std::size_t>(2000, frame.size() - at);
    std::memcpy(rte_pktmbuf_append(segment, static_cast<std::uint16_t>(size)), frame.data() + at, size);
    if (packet == nullptr)
      packet = segment;
    else
      ASSERT_EQ(rte_pktmbuf_chain(packet, segment), 0);
  }
  ToStream message;
  message.port = kPort;
  message.packet = packet;
  ASSERT_TRUE(inbox_.send(message));
  thread_->doorbell().ring();
  ASSERT_TRUE(wait_for(FromStream::Kind::Packet, 0));
  EXPECT_EQ(frame_bytes_, 14u + 20 + 8 + 8000);
}

TEST_F(StreamThreadTest, ResolvesADestinationThroughTheLcoreThatAsked) {
  start_well();
  ask(far_.address);
  const auto answer = wait_for(FromStream::Kind::NextHop);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->destination, far_.address);
  EXPECT_EQ(answer->mac, far_.mac);
  ask(*IpAddress::parse("203.0.113.1"));
  EXPECT_TRUE(wait_for(FromStream::Kind::NoRoute));
}

TEST_F(StreamThreadTest, SaysThatNobodyAnswers) {
  start_well();
  is_there_ = false;
  ask(far_.address);
  EXPECT_TRUE(wait_for(FromStream::Kind::NoNeighbour));
}

TEST_F(StreamThreadTest, ResolvesConfiguredPeersBeforeAnybodyAsks) {
  auto peered = port();
  peered.kept_fresh = {far_.address};
  auto started = start(std::move(peered));
  ASSERT_TRUE(started);
  thread_ = std::move(*started);
  std::uint64_t asked = 0;
  EXPECT_TRUE(wait_until([&] {
    FromStream message;
    while (outbox_.receive(message)) {
      if (message.kind != FromStream::Kind::Packet) continue;
      const MbufPtr packet(message.packet);
      const auto arp =
          arp_in(std::span(rte_pktmbuf_mtod(packet.get(), const std::uint8_t*), packet->data_len));
      asked += arp && arp->target == far_.address;
    }
    return asked > 0;
  }));
}

TEST_F(StreamThreadTest, DropsAndCountsWhatLinuxHasNoBusinessToSend) {
  start_well();
  const std::uint64_t before = dropped(DropReason::EgressNotAllowed);
  send(arp_reply(far_, own_));
  send(udp(far_, own_, 9));  // Linux wants to say port unreachable
  send(arp_request(far_, own_.address));
  EXPECT_TRUE(wait_for(FromStream::Kind::Packet));
  send(udp(far_, own_, 9));
  EXPECT_TRUE(wait_until([&] {
    FromStream message;
    while (outbox_.receive(message)) {
      const MbufPtr packet(message.packet);
      if (!packet) continue;
      const std::span frame(rte_pktmbuf_mtod(packet.get(), const std::uint8_t*), packet->data_len);
      const auto arp = arp_in(frame);
      if (arp && arp->operation == 1 && arp->target == far_.address) send(arp_reply(far_, own_));
      EXPECT_NE(icmp_type_in(frame), 3);
    }
    return dropped(DropReason::EgressNotAllowed) > before;
  }));
}

TEST_F(StreamThreadTest, CountsFramesThatFindTheLcoresMailboxFull) {
  start_well();
  for (unsigned i = 0; i < outbox_.capacity() + 8; ++i) send(arp_request(far_, own_.address));
  EXPECT_TRUE(wait_until([&] { return dropped(DropReason::LcoreRingFull) >= 8; }));
}

TEST_F(StreamThreadTest, CountsFramesForWhichThereIsNoBuffer) {
  start_well();
  send(arp_request(far_, own_.address));
  ASSERT_TRUE(wait_for(FromStream::Kind::Packet));
  std::array<rte_mbuf*, kPackets> all{};
  std::size_t taken = 0;
  while (taken < all.size() && (all[taken] = rte_pktmbuf_alloc(pool_)) != nullptr) ++taken;
  run("ip netns exec " + name_ + " ping -c 1 -W 1 198.18.1.77");  // Linux wants to ask who that is
  EXPECT_TRUE(wait_until([&] { return dropped(DropReason::NoBuffer) > 0; }));
  for (std::size_t i = 0; i < taken; ++i) rte_pktmbuf_free(all[i]);
}

TEST_F(StreamThreadTest, LeavesNothingBehindWhenStopped) {
  start_well();
  for (int i = 0; i < 100; ++i) send(arp_request(far_, own_.address));
  thread_->stop();
  thread_->stop();
  EXPECT_FALSE(run("ip netns list | grep -w " + name_));
}

TEST_F(StreamThreadTest, SurvivesThatSomebodyDeletesTheTap) {
  start_well();
  ASSERT_TRUE(run("ip -n " + name_ + " link del sp0"));
  send(arp_request(far_, own_.address));
  ask(far_.address);
  EXPECT_TRUE(wait_for(FromStream::Kind::NoRoute));
  EXPECT_EQ(dropped(DropReason::NoBuffer), 1u);
}

TEST_F(StreamThreadTest, LeavesNothingBehindWhenItCannotStart) {
  auto wrong = port();
  wrong.addresses.push_back(wrong.addresses.front());
  const auto started = start(std::move(wrong));
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("198.18.1.1/24"), std::string::npos) << started.error().message;
  EXPECT_FALSE(run("ip netns list | grep -w " + name_));
}

}  // namespace
}  // namespace sallyport::dataplane
