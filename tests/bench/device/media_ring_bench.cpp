// media_ring_bench.cpp — what the relay adds to moving a packet: turns of an lcore over ring devices, against
// a loop that receives, swaps the MACs and sends as testpmd's macswap does, on the same devices and frames.
//
// media_ring_bench [flows] [rounds]: frames of 214 octets, flows in random order. Only the turns are timed;
// the fastest tenth of the rounds counts, for the machine does other things too.
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRound = 512;          // packets of one round: less than a ring holds
constexpr std::size_t kVoice = 160;          // G.711, 20 ms: a frame of 214 octets
constexpr std::uint16_t kMacswapBurst = 32;  // testpmd's

RigSettings roomy() {
  RigSettings settings;
  for (RealmConfig& realm : settings.config.realms) {
    realm.media.ports = {10000, 59999};
    realm.media_limit.bits_per_second = 0;
  }
  return settings;
}

class Bench {
 public:
  Bench(std::size_t flows, std::size_t rounds) : rounds_(rounds), rig_(roomy()) {
    for (std::size_t i = 0; i < flows; ++i) {
      const TestStream stream = make_stream(rig_, {.call = i + 1});
      order(rig_, stream.command);
      frames_.push_back(udp_frame(stream.from_caller, rtp(0, kVoice)));
    }
    sequences_.resize(flows);
    (void)run(2 * flows / kRound + 4, &Bench::turn);  // learns, resolves
    rig_.turn_stream();
  }

  void report() {
    const double swapped = best(&Bench::macswap), relayed = best(&Bench::turn);
    std::printf("flows %6zu: macswap %.1f ns, relay %.1f ns, added %.1f ns a packet\n", frames_.size(),
                swapped, relayed, relayed - swapped);
  }

 private:
  using Work = void (Bench::*)();

  [[nodiscard]] double best(Work work) {
    std::vector<double> times = run(rounds_, work);
    std::sort(times.begin(), times.end());
    return times[times.size() / 10];
  }

  // Nanoseconds a packet, of each round.
  [[nodiscard]] std::vector<double> run(std::size_t rounds, Work work) {
    std::vector<double> times;
    for (std::size_t i = 0; i < rounds; ++i) {
      fill();
      const auto begun = Clock::now();
      (this->*work)();
      const std::chrono::duration<double, std::nano> took = Clock::now() - begun;
      rig_.turn_stream();
      const std::size_t left = drain(kInside);
      if (left == kRound) times.push_back(took.count() / kRound);
      rig_.now += 100us;
    }
    if (times.size() < rounds / 2) std::printf("packets were lost in %zu rounds\n", rounds - times.size());
    return times;
  }

  void fill() {
    for (std::size_t i = 0; i < kRound; ++i) {
      const std::size_t flow = frames_.size() == 1 ? 0 : random_() % frames_.size();
      const Bytes& frame = frames_[flow];
      rte_mbuf* const packet = rte_pktmbuf_alloc(rig_.pools->main());
      if (packet == nullptr) std::abort();
      auto* const at = reinterpret_cast<std::uint8_t*>(
          rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())));
      std::memcpy(at, frame.data(), frame.size());
      const std::uint16_t sequence = ++sequences_[flow];
      at[44] = static_cast<std::uint8_t>(sequence >> 8);
      at[45] = static_cast<std::uint8_t>(sequence);
      packets_[i] = packet;
    }
    rte_ring* const ring = rte_ring_lookup((rig_.config.ports[kOutside].device.name + "_in").c_str());
    if (rte_ring_enqueue_bulk(ring, reinterpret_cast<void**>(packets_.data()), kRound, nullptr) == 0)
      std::abort();
  }

  std::size_t drain(std::size_t port) {
    rte_ring* const ring = rte_ring_lookup((rig_.config.ports[port].device.name + "_out").c_str());
    const unsigned count =
        rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(packets_.data()), kRound, nullptr);
    rte_pktmbuf_free_bulk(packets_.data(), count);
    return count;
  }

  void turn() {
    for (std::size_t i = 0; i < kRound / kBurstMax; ++i) rig_.turn_lcore();
  }

  void macswap() {
    const std::uint16_t from = rig_.devices[0]->id(), to = rig_.devices[1]->id();
    std::array<rte_mbuf*, kMacswapBurst> burst;
    for (std::size_t i = 0; i < kRound / kMacswapBurst; ++i) {
      const std::uint16_t count = rte_eth_rx_burst(from, 0, burst.data(), kMacswapBurst);
      for (std::uint16_t k = 0; k < count; ++k) {
        if (k + 1 < count) rte_prefetch0(rte_pktmbuf_mtod(burst[k + 1], void*));
        auto* const header = rte_pktmbuf_mtod(burst[k], rte_ether_hdr*);
        std::swap(header->dst_addr, header->src_addr);
      }
      if (rte_eth_tx_burst(to, 0, burst.data(), count) != count) std::abort();
    }
  }

  std::size_t rounds_;
  LcoreRig rig_;
  std::vector<Bytes> frames_;
  std::vector<std::uint16_t> sequences_;
  std::array<rte_mbuf*, kRound> packets_{};
  std::mt19937 random_{1};
};

}  // namespace
}  // namespace sallyport::dataplane

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2000;
  std::vector<std::size_t> flows{1, 10000};
  if (argc > 1) flows = {std::strtoul(argv[1], nullptr, 10)};
  for (const std::size_t count : flows) sallyport::dataplane::Bench(count, rounds).report();
  return 0;
}
