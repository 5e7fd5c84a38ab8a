// packet_pool.cpp — buffers for tests, and the main function that starts EAL before them.
#include "tests/unit/dataplane/stages/packet_pool.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace sallyport::test {
namespace {

rte_mempool* the_pool = nullptr;  // made by main before the first test

}  // namespace

void WithPackets::SetUp() { free_before_ = rte_mempool_avail_count(the_pool); }

void WithPackets::TearDown() {
  release();
  EXPECT_EQ(rte_mempool_avail_count(the_pool), free_before_) << "a buffer leaked";
}

rte_mbuf* WithPackets::packet(const Bytes& frame) {
  rte_mbuf* made = rte_pktmbuf_alloc(the_pool);
  char* room = made == nullptr ? nullptr : rte_pktmbuf_append(made, static_cast<std::uint16_t>(frame.size()));
  if (room == nullptr) std::abort();
  std::copy(frame.begin(), frame.end(), room);
  return made;
}

rte_mbuf* WithPackets::chained(const Bytes& frame, std::size_t segment) {
  rte_mbuf* head = nullptr;
  for (std::size_t at = 0; at < frame.size(); at += segment) {
    const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t size = std::min(segment, frame.size() - at);
    rte_mbuf* piece = packet(Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)));
    if (head == nullptr) {
      head = piece;
    } else if (rte_pktmbuf_chain(head, piece) != 0) {
      std::abort();
    }
  }
  return head;
}

Bytes WithPackets::content(const rte_mbuf* packet) {
  Bytes bytes(packet->pkt_len);
  const void* read = rte_pktmbuf_read(packet, 0, packet->pkt_len, bytes.data());
  if (read != bytes.data()) std::copy_n(static_cast<const std::uint8_t*>(read), bytes.size(), bytes.begin());
  return bytes;
}

void WithPackets::fill(const std::vector<rte_mbuf*>& packets) {
  release();
  burst_.count = packets.size();
  std::copy(packets.begin(), packets.end(), burst_.packets.begin());
}

void WithPackets::fill(const std::vector<Bytes>& frames) {
  std::vector<rte_mbuf*> packets;
  for (const Bytes& frame : frames) packets.push_back(packet(frame));
  fill(packets);
}

void WithPackets::release() {
  for (std::size_t i = 0; i < burst_.count; ++i)
    if (burst_.verdicts[i] != dataplane::Verdict::Consumed) rte_pktmbuf_free(burst_.packets[i]);
  burst_ = {};
}

// EAL can be started only once in a process, and before any other thread.
int run_with_eal(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  std::array<std::string, 9> words{argv[0],
                                   "--no-huge",
                                   "--no-pci",
                                   "--no-telemetry",
                                   "--no-shconf",
                                   "-m",
                                   "128",
                                   "--log-level=error",
                                   "--file-prefix=stages_tests_" + std::to_string(getpid())};
  std::array<char*, words.size() + 1> arguments{};
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  if (rte_eal_init(static_cast<int>(words.size()), arguments.data()) < 0) {
    std::fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
    return 1;
  }
  constexpr auto kPrivate = static_cast<std::uint16_t>((sizeof(dataplane::PacketMeta) + 63) / 64 * 64);
  the_pool = rte_pktmbuf_pool_create("packets", 8191, 0, kPrivate, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
  if (the_pool == nullptr) return 1;
  const int result = RUN_ALL_TESTS();
  rte_eal_cleanup();
  return result;
}

}  // namespace sallyport::test

int main(int argc, char** argv) { return sallyport::test::run_with_eal(argc, argv); }
