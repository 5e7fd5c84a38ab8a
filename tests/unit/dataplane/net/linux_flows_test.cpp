// linux_flows_test.cpp — what is remembered, for how long, and who makes room.
#include "dataplane/net/linux_flows.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sallyport::dataplane {
namespace {

using State = LinuxFlowState;

constexpr HashKey kKey{7, 8};
constexpr Timestamp kNow{1h};

Endpoint at(std::uint32_t address, std::uint16_t port) { return {IpAddress::v4(address), port}; }

LinuxFlow flow(std::uint32_t remote = 0xC6120102, std::uint16_t remote_port = 40000) {
  return {PortIndex{0}, 6, at(0xC6120101, 5060), at(remote, remote_port)};
}

TEST(LinuxFlows, KnowAFlowUntilItsTimeIsOver) {
  LinuxFlows flows(0, kKey);
  EXPECT_EQ(flows.find(flow(), kNow), State::None);
  ASSERT_TRUE(flows.set(flow(), State::Established, kNow + 10s, kNow));
  EXPECT_EQ(flows.find(flow(), kNow), State::Established);
  EXPECT_EQ(flows.find(flow(), kNow + 9s), State::Established);
  EXPECT_EQ(flows.find(flow(), kNow + 10s), State::None);
}

TEST(LinuxFlows, TellFlowsApartByEachPartOfTheirName) {
  LinuxFlows flows(0, kKey);
  ASSERT_TRUE(flows.set(flow(), State::Established, kNow + 10s, kNow));
  LinuxFlow other = flow();
  other.port = PortIndex{1};
  EXPECT_EQ(flows.find(other, kNow), State::None);
  other = flow();
  other.protocol = 17;
  EXPECT_EQ(flows.find(other, kNow), State::None);
  other = flow();
  std::swap(other.local, other.remote);
  EXPECT_EQ(flows.find(other, kNow), State::None);
  other = flow();
  std::swap(other.local.port, other.remote.port);
  EXPECT_EQ(flows.find(other, kNow), State::None);
  EXPECT_EQ(flows.find(flow(0xC6120103), kNow), State::None);
  EXPECT_EQ(flows.find(flow(0xC6120102, 40001), kNow), State::None);
  EXPECT_EQ(flows.find(flow(), kNow), State::Established);
}

TEST(LinuxFlows, KeepAMarkAndChangeInPlace) {
  LinuxFlows flows(0, kKey);
  ASSERT_TRUE(flows.set(flow(), State::HalfOpen, kNow + 15s, kNow, 0xffffffff));
  EXPECT_EQ(flows.look(flow(), kNow).mark, 0xffffffffu);
  ASSERT_TRUE(flows.set(flow(), State::Closing, kNow + 30s, kNow));
  EXPECT_EQ(flows.look(flow(), kNow).state, State::Closing);
  EXPECT_EQ(flows.look(flow(), kNow).mark, 0u);
  EXPECT_EQ(flows.used(), 1u);
}

// More half-open flows than there are places: the newest are there, and all that are established.
TEST(LinuxFlows, HalfOpenFlowsMakeRoomForAllOthers) {
  LinuxFlows flows(100, kKey);
  for (std::uint32_t i = 0; i < 100; ++i)
    ASSERT_TRUE(flows.set(flow(0x0A000000 + i), State::Established, kNow + 600s, kNow));
  for (std::uint32_t i = 0; i < 10 * flows.capacity(); ++i)
    (void)flows.set(flow(0x0B000000 + i), State::HalfOpen, kNow + 15s + i * 1ms, kNow);
  EXPECT_EQ(flows.used(), flows.capacity());
  for (std::uint32_t i = 0; i < 100; ++i)
    EXPECT_EQ(flows.find(flow(0x0A000000 + i), kNow), State::Established) << i;
  for (std::uint32_t i = 0; i < 1000; ++i)
    EXPECT_TRUE(flows.set(flow(0x0C000000 + i), State::Opening, kNow + 15s, kNow)) << i;
}

TEST(LinuxFlows, RefuseWhatHasNoRoomAmongEstablishedOnes) {
  LinuxFlows flows(0, kKey);
  std::size_t refused = 0;
  for (std::uint32_t i = 0; i < 4 * flows.capacity(); ++i)
    refused += flows.set(flow(0x0A000000 + i), State::Established, kNow + 600s, kNow) ? 0 : 1;
  EXPECT_EQ(refused, 3 * flows.capacity());
  EXPECT_FALSE(flows.set(flow(), State::HalfOpen, kNow + 15s, kNow));
  EXPECT_TRUE(flows.set(flow(), State::HalfOpen, kNow + 700s, kNow + 601s)) << "their time is over";
}

TEST(LinuxFlows, HoldWhatTheyHaveRoomForWithoutRefusingAny) {
  LinuxFlows flows(20000, kKey);
  for (std::uint32_t i = 0; i < 20000; ++i)
    EXPECT_TRUE(flows.set(flow(0x0A000000 + i), State::Established, kNow + 600s, kNow)) << i;
  EXPECT_EQ(LinuxFlows::bytes_for(20000), flows.capacity() * 16);
}

TEST(LinuxFlows, AreReadWhileTheyAreWritten) {
  LinuxFlows flows(0, kKey);
  ASSERT_TRUE(flows.set(flow(), State::Established, kNow + 600s, kNow));
  std::atomic<bool> is_over{false};
  std::thread reader([&] {
    while (!is_over.load()) EXPECT_EQ(flows.find(flow(), kNow), State::Established);
  });
  for (std::uint32_t i = 0; i < 100'000; ++i)
    (void)flows.set(flow(0x0B000000 + i), State::HalfOpen, kNow + 15s, kNow);
  is_over.store(true);
  reader.join();
}

}  // namespace
}  // namespace sallyport::dataplane
