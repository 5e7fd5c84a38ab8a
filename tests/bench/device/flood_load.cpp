// flood_load.cpp — a known peer's calls with voice, the PBX that answers them, and a flood beside them: over
// two memifs, outside and inside, in one process, paced. It sleeps between bursts, so that it may share its
// processor with the signalling threads of what it measures.
//
//   flood_load OUTSIDE-SOCKET INSIDE-SOCKET
// Each line of its input is one run, answered by a line of JSON:
//   KIND FRAMES-A-SECOND SECONDS CALLS-A-SECOND VOICE-PACKETS
// KIND: quiet, or one of flood_frames.cpp.
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/device/flood_frames.h"
#include "tests/bench/device/load_frames.h"
#include "tests/bench/device/voice_calls.h"

namespace sallyport::bench {
namespace {

constexpr std::uint16_t kBurst = 32;
constexpr std::uint64_t kFloodAtOnce = 256;  // of one turn: the ring has 2,048
constexpr std::int64_t kTurn = 100'000;      // between two turns
constexpr std::int64_t kGrace = 10 * kSecond;
constexpr std::array<CallEnd, 2> kEnds{CallEnd{0xC6120102, 0xC6120101}, CallEnd{0xC6120202, 0xC6120201}};
constexpr std::array<Mac, 2> kMacs{Mac{0x02, 0x53, 0x50, 0, 1, 2}, Mac{0x02, 0x53, 0x50, 0, 2, 2}};

std::int64_t now_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::uint32_t get16(const std::uint8_t* at) noexcept {
  return static_cast<std::uint32_t>(at[0] << 8 | at[1]);
}
std::uint32_t get32(const std::uint8_t* at) noexcept { return get16(at) << 16 | get16(at + 2); }

// One memif. It answers ARP for every address of its network but the server's, as a switch with many hosts.
class Wire {
 public:
  Wire(std::uint16_t port, rte_mempool* pool, Side side, CallEnd end)
      : port_(port), pool_(pool), side_(side), end_(end) {}

  [[nodiscard]] bool is_found() const noexcept { return server_mac_ != Mac{}; }
  [[nodiscard]] const Mac& server_mac() const noexcept { return server_mac_; }
  void ask() { send_frame(arp_request(own_mac(), end_.own, end_.server)); }

  void send(const Datagram& datagram) {
    const FrameAddresses addresses{own_mac(),
                                   server_mac_,
                                   datagram.source,
                                   datagram.destination,
                                   datagram.source_port,
                                   datagram.destination_port};
    send_frame(udp_frame(addresses, datagram.payload));
  }

  // How many of them the other side took.
  std::uint64_t send_flood(FloodFrames& flood, std::uint64_t count) {
    std::uint64_t taken = 0;
    while (count > 0) {
      std::array<rte_mbuf*, kBurst> packets{};
      const auto burst = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, kBurst));
      if (rte_pktmbuf_alloc_bulk(pool_, packets.data(), burst) != 0) return taken;
      for (std::uint16_t i = 0; i < burst; ++i) {
        const std::size_t size = flood.write_next(rte_pktmbuf_mtod(packets[i], std::uint8_t*));
        packets[i]->data_len = static_cast<std::uint16_t>(size);
        packets[i]->pkt_len = static_cast<std::uint32_t>(size);
        counts_.flood_octets += size;
      }
      const std::uint16_t sent = rte_eth_tx_burst(port_, 0, packets.data(), burst);
      for (std::uint16_t i = sent; i < burst; ++i) rte_pktmbuf_free(packets[i]);
      taken += sent;
      count -= burst;
      if (sent < burst) return taken;
    }
    return taken;
  }

  template <class Heard>
  void receive(Heard&& heard) {
    std::array<rte_mbuf*, kBurst> packets{};
    std::uint16_t count = 0;
    while ((count = rte_eth_rx_burst(port_, 0, packets.data(), kBurst)) > 0)
      for (std::uint16_t i = 0; i < count; ++i) {
        const std::uint8_t* const bytes = rte_pktmbuf_mtod(packets[i], const std::uint8_t*);
        on_frame({bytes, packets[i]->data_len}, heard);
        rte_pktmbuf_free(packets[i]);
      }
  }

  struct Counts {
    std::uint64_t refused = 0;                         // of the calls: no room in the ring
    std::uint64_t stray_frames = 0, stray_octets = 0;  // to somebody who is not there: answers to the flood
    std::uint64_t flood_octets = 0;
  };
  [[nodiscard]] Counts take_counts() { return std::exchange(counts_, {}); }

 private:
  [[nodiscard]] const Mac& own_mac() const noexcept { return kMacs[static_cast<std::size_t>(side_)]; }

  void send_frame(const std::vector<std::uint8_t>& frame) {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
    if (packet == nullptr) return void(++counts_.refused);
    std::memcpy(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    if (rte_eth_tx_burst(port_, 0, &packet, 1) == 1) return;
    ++counts_.refused;
    rte_pktmbuf_free(packet);
  }

  template <class Heard>
  void on_frame(std::span<const std::uint8_t> frame, Heard&& heard) {
    if (frame.size() < 42) return;
    if (get16(&frame[12]) != 0x0800 || frame[23] != 17) return on_arp(frame);
    const std::size_t size = get16(&frame[38]);
    if (frame[14] != 0x45 || size < 8 || 34 + size > frame.size()) return;
    const Datagram datagram{side_,
                            get32(&frame[26]),
                            get32(&frame[30]),
                            static_cast<std::uint16_t>(get16(&frame[34])),
                            static_cast<std::uint16_t>(get16(&frame[36])),
                            {reinterpret_cast<const char*>(&frame[42]), size - 8}};
    if (datagram.destination == end_.own) return heard(datagram);
    ++counts_.stray_frames;
    counts_.stray_octets += frame.size();
  }

  void on_arp(std::span<const std::uint8_t> frame) {
    if (arp_reply_from(frame, end_.server, server_mac_)) return;
    const std::uint32_t asked = get32(&frame[38]);
    if (asked == end_.server) return;
    if (const auto answer = arp_answer(frame, own_mac(), asked); !answer.empty()) send_frame(answer);
  }

  std::uint16_t port_;
  rte_mempool* pool_;
  Side side_;
  CallEnd end_;
  Mac server_mac_{};
  Counts counts_;
};

struct Order {
  std::string kind;
  double rate = 0, calls = 0;
  std::int64_t seconds = 0;
  std::uint32_t voice = 0;
};

class Load {
 public:
  Load(rte_mempool* pool, std::string run)
      : outside_(0, pool, Side::Outside, kEnds[0]),
        inside_(1, pool, Side::Inside, kEnds[1]),
        calls_(
            kEnds[0], kEnds[1],
            [this](const Datagram& one) { (one.side == Side::Outside ? outside_ : inside_).send(one); },
            std::move(run)) {}

  // Exchanges ARP until both MACs are known; false after ten seconds.
  bool find_server() {
    const std::int64_t until = now_of(CLOCK_MONOTONIC) + 10 * kSecond;
    while (now_of(CLOCK_MONOTONIC) < until) {
      if (!outside_.is_found()) outside_.ask();
      if (!inside_.is_found()) inside_.ask();
      for (int turns = 0; turns < 100; ++turns) {
        receive(now_of(CLOCK_MONOTONIC));
        nap();
      }
      if (outside_.is_found() && inside_.is_found()) return true;
    }
    return false;
  }

  void run(const Order& order) {
    FloodFrames flood(order.kind, {kMacs[0], outside_.server_mac(), kEnds[0].own, kEnds[0].server});
    (void)outside_.take_counts();
    (void)inside_.take_counts();
    const std::int64_t used = now_of(CLOCK_PROCESS_CPUTIME_ID), begin = now_of(CLOCK_MONOTONIC);
    const std::int64_t end = begin + order.seconds * kSecond;
    std::uint64_t begun = 0, flooded = 0, asked = 0;
    std::int64_t now = begin;
    // The flood goes on until the last call is over.
    for (; now < end || (calls_.in_flight() > 0 && now < end + kGrace); now = now_of(CLOCK_MONOTONIC)) {
      receive(now);
      const double since = static_cast<double>(now - begin) / kSecond;
      for (; now < end && static_cast<double>(begun) < order.calls * since; ++begun)
        calls_.begin(now, order.voice);
      calls_.on_time(now);
      const auto due = static_cast<std::uint64_t>(order.rate * since);
      if (!flood.is_empty() && due > asked) {
        // What could not be sent in time, for the processor was another's, is not sent later all at once.
        const std::uint64_t count = std::min(due - asked, kFloodAtOnce);
        asked = std::max(asked + count, due - std::min<std::uint64_t>(due, 4 * kFloodAtOnce));
        flooded += outside_.send_flood(flood, count);
      }
      nap();
    }
    report(order, static_cast<double>(now - begin) / kSecond, flooded,
           now_of(CLOCK_PROCESS_CPUTIME_ID) - used);
  }

 private:
  void receive(std::int64_t now) {
    const auto heard = [&](const Datagram& one) { calls_.on_datagram(one, now); };
    outside_.receive(heard);
    inside_.receive(heard);
  }

  static void nap() {
    const timespec turn{0, kTurn};
    nanosleep(&turn, nullptr);
  }

  void report(const Order& order, double seconds, std::uint64_t flooded, std::int64_t used) {
    VoiceCounts counts = calls_.take_counts();
    const Wire::Counts outside = outside_.take_counts(), inside = inside_.take_counts();
    std::ranges::sort(counts.setup);
    const auto share = [&](double part) {
      if (counts.setup.empty()) return 0.0;
      const auto at = static_cast<std::size_t>(part * static_cast<double>(counts.setup.size() - 1) + 0.5);
      return static_cast<double>(counts.setup[at]) / 1e6;
    };
    std::printf(
        "{\"kind\": \"%s\", \"seconds\": %.2f, \"frames\": %lu, \"frame_octets\": %lu, \"begun\": %lu, "
        "\"made\": %lu, \"failed\": %lu, \"resent\": %lu, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": "
        "%.2f, "
        "\"voice_in\": [%lu, %lu], \"voice_out\": [%lu, %lu], \"strange\": %lu, \"not_taken\": %lu, "
        "\"answers\": %lu, \"answer_octets\": %lu, \"own_share\": %.3f, \"refusal\": \"%s\"}\n",
        order.kind.c_str(), seconds, flooded, outside.flood_octets, counts.begun, counts.made, counts.failed,
        counts.resent, share(0.5), share(0.99), share(1), counts.voice_sent[0], counts.voice_heard[0],
        counts.voice_sent[1], counts.voice_heard[1], counts.voice_strange, outside.refused + inside.refused,
        outside.stray_frames, outside.stray_octets, static_cast<double>(used) / seconds / 1e9,
        counts.refusal.c_str());
    std::fflush(stdout);
  }

  Wire outside_, inside_;
  VoiceCalls calls_;
};

bool start_port(std::uint16_t port, rte_mempool* pool) {
  const rte_eth_conf configuration{};
  return rte_eth_dev_configure(port, 1, 1, &configuration) == 0 &&
         rte_eth_rx_queue_setup(port, 0, 2048, SOCKET_ID_ANY, nullptr, pool) == 0 &&
         rte_eth_tx_queue_setup(port, 0, 2048, SOCKET_ID_ANY, nullptr) == 0 && rte_eth_dev_start(port) == 0;
}

int run(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: see the beginning of flood_load.cpp\n", stderr);
    return 64;
  }
  prctl(PR_SET_TIMERSLACK, 1UL);
  std::vector<std::string> words{
      "flood_load",     "--no-huge",         "-m",         "256", "--no-pci", "--file-prefix=flood-load",
      "--no-telemetry", "--log-level=error", "--no-shconf"};
  for (int port = 0; port < 2; ++port) {
    words.emplace_back("--vdev");
    words.push_back("net_memif" + std::to_string(port) + ",role=client,id=0,socket=" + argv[port + 1] +
                    ",socket-abstract=no,rsize=11");
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) return 71;
  rte_mempool* pool =
      rte_pktmbuf_pool_create("load", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr || !start_port(0, pool) || !start_port(1, pool)) return 71;
  Load load(pool, "f" + std::to_string(getpid()) + "n");
  if (!load.find_server()) {
    std::fputs("flood_load: nobody answers ARP\n", stderr);
    return 69;
  }
  std::puts("ready");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    Order order;
    std::istringstream(line) >> order.kind >> order.rate >> order.seconds >> order.calls >> order.voice;
    load.run(order);
  }
  for (const std::uint16_t port : {std::uint16_t{0}, std::uint16_t{1}}) {
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }
  rte_eal_cleanup();
  return 0;
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) { return sallyport::bench::run(argc, argv); }
