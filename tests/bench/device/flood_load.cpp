// flood_load.cpp — a known peer's calls with voice, the PBX that answers them, and a flood beside them: over
// two memifs, outside and inside, in one process, paced. It sleeps between bursts, so that it may share its
// processor with the signalling threads of what it measures.
//
//   flood_load OUTSIDE-SOCKET INSIDE-SOCKET
// Each line of its input is one run, answered by a line of JSON:
//   KIND FRAMES-A-SECOND SECONDS CALLS-A-SECOND VOICE-PACKETS FAMILY
// KIND: quiet, or one of flood_frames.cpp. FAMILY: 4 or 6, what the calls go over.
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
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/device/flood_frames.h"
#include "tests/bench/device/frames6.h"
#include "tests/bench/device/load_frames.h"
#include "tests/bench/device/voice_calls.h"

namespace sallyport::bench {
namespace {

constexpr std::uint16_t kBurst = 32;
constexpr std::uint64_t kFloodAtOnce = 256;  // of one turn: the ring has 2,048
constexpr std::int64_t kTurn = 100'000;      // between two turns
constexpr std::int64_t kGrace = 10 * kSecond;
// By side: 198.18.1.2 and 198.18.2.2, fd18:1::2 and fd18:2::2; ours is the first of each network.
CallEnd end4(Side side) {
  const std::uint32_t network = side == Side::Outside ? 0xC6120100 : 0xC6120200;
  return {IpAddress::v4(network + 2), IpAddress::v4(network + 1)};
}
CallEnd end6(Side side) {
  std::array<std::uint8_t, 16> bytes{0xfd, 0x18, 0, static_cast<std::uint8_t>(side == Side::Outside ? 1 : 2)};
  bytes[15] = 1;
  const IpAddress server = IpAddress::v6(bytes);
  bytes[15] = 2;
  return {IpAddress::v6(bytes), server};
}
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

// UDP in a whole frame. RFC 791 §3.1, RFC 8200 §3, RFC 768
std::optional<Datagram> datagram_in(Side side, std::span<const std::uint8_t> frame) {
  if (frame.size() < 42) return std::nullopt;
  const bool is_v6 = get16(&frame[12]) == 0x86dd;
  const std::size_t udp = is_v6 ? 54 : 34;
  const bool is_udp = is_v6 ? frame[20] == 17 : get16(&frame[12]) == 0x0800 && frame[23] == 17;
  if (!is_udp || (!is_v6 && frame[14] != 0x45) || frame.size() < udp + 8) return std::nullopt;
  const std::size_t size = get16(&frame[udp + 4]);
  if (size < 8 || udp + size > frame.size()) return std::nullopt;
  const auto address = [&](std::size_t at) {
    return is_v6 ? IpAddress::v6_from_wire(&frame[at]) : IpAddress::v4_from_wire(&frame[at]);
  };
  return Datagram{side,
                  address(is_v6 ? 22 : 26),
                  address(is_v6 ? 38 : 30),
                  static_cast<std::uint16_t>(get16(&frame[udp])),
                  static_cast<std::uint16_t>(get16(&frame[udp + 2])),
                  {reinterpret_cast<const char*>(&frame[udp + 8]), size - 8}};
}

// One memif. It answers ARP and neighbour solicitations for every address but the server's, as a switch with
// many hosts.
class Wire {
 public:
  Wire(std::uint16_t port, rte_mempool* pool, Side side)
      : port_(port), pool_(pool), side_(side), ends_{end4(side), end6(side)} {}

  [[nodiscard]] bool is_found() const noexcept { return server_mac_ != Mac{}; }
  [[nodiscard]] const Mac& server_mac() const noexcept { return server_mac_; }
  void ask() {
    send_frame(arp_request(own_mac(), ends_[0].own.v4_host_order(), ends_[0].server.v4_host_order()));
  }

  void send(const Datagram& datagram) {
    const FrameEnds ends{own_mac(),
                         server_mac_,
                         datagram.source,
                         datagram.destination,
                         datagram.source_port,
                         datagram.destination_port};
    send_frame(udp_frame(ends, datagram.payload));
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
    const auto datagram = datagram_in(side_, frame);
    if (!datagram) return on_neighbour(frame);
    for (const CallEnd& end : ends_)
      if (datagram->destination == end.own) return heard(*datagram);
    ++counts_.stray_frames;
    counts_.stray_octets += frame.size();
  }

  void on_neighbour(std::span<const std::uint8_t> frame) {
    if (const auto target = solicited(frame)) {
      if (*target != ends_[1].server) send_frame(neighbour_answer(frame, own_mac()));
      return;
    }
    const std::uint32_t server = ends_[0].server.v4_host_order();
    if (frame.size() < 42 || arp_reply_from(frame, server, server_mac_)) return;
    const std::uint32_t asked = get32(&frame[38]);
    if (asked == server) return;
    if (const auto answer = arp_answer(frame, own_mac(), asked); !answer.empty()) send_frame(answer);
  }

  std::uint16_t port_;
  rte_mempool* pool_;
  Side side_;
  std::array<CallEnd, 2> ends_;  // over IPv4, over IPv6
  Mac server_mac_{};
  Counts counts_;
};

struct Order {
  std::string kind;
  double rate = 0, calls = 0;
  std::int64_t seconds = 0;
  std::uint32_t voice = 0;
  int family = 4;
};

class Load {
 public:
  Load(rte_mempool* pool, std::string run)
      : outside_(0, pool, Side::Outside),
        inside_(1, pool, Side::Inside),
        over4_(end4(Side::Outside), end4(Side::Inside), sender(), run + "v"),
        over6_(end6(Side::Outside), end6(Side::Inside), sender(), run + "s") {}

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
    const CallEnd from4 = end4(Side::Outside), from6 = end6(Side::Outside);
    FloodFrames flood(order.kind, {kMacs[0], outside_.server_mac(), from4.own, from4.server},
                      {kMacs[0], outside_.server_mac(), from6.own, from6.server}, number_);
    VoiceCalls& calls = order.family == 6 ? over6_ : over4_;
    (void)outside_.take_counts();
    (void)inside_.take_counts();
    const std::int64_t used = now_of(CLOCK_PROCESS_CPUTIME_ID), begin = now_of(CLOCK_MONOTONIC);
    const std::int64_t end = begin + order.seconds * kSecond;
    std::uint64_t begun = 0, flooded = 0, asked = 0;
    std::int64_t now = begin;
    // The flood goes on until the last call is over.
    for (; now < end || (calls.in_flight() > 0 && now < end + kGrace); now = now_of(CLOCK_MONOTONIC)) {
      receive(now);
      const double since = static_cast<double>(now - begin) / kSecond;
      for (; now < end && static_cast<double>(begun) < order.calls * since; ++begun)
        calls.begin(now, order.voice);
      calls.on_time(now);
      const auto due = static_cast<std::uint64_t>(order.rate * since);
      if (!flood.is_empty() && due > asked) {
        // What could not be sent in time, for the processor was another's, is not sent later all at once.
        const std::uint64_t count = std::min(due - asked, kFloodAtOnce);
        asked = std::max(asked + count, due - std::min<std::uint64_t>(due, 4 * kFloodAtOnce));
        flooded += outside_.send_flood(flood, count);
      }
      nap();
    }
    number_ = flood.number();
    report(order, calls.take_counts(), static_cast<double>(now - begin) / kSecond, flooded,
           now_of(CLOCK_PROCESS_CPUTIME_ID) - used);
  }

 private:
  VoiceCalls::Send sender() {
    return [this](const Datagram& one) { (one.side == Side::Outside ? outside_ : inside_).send(one); };
  }
  void receive(std::int64_t now) {
    const auto heard = [&](const Datagram& one) {
      (one.destination.is_v4() ? over4_ : over6_).on_datagram(one, now);
    };
    outside_.receive(heard);
    inside_.receive(heard);
  }

  static void nap() {
    const timespec turn{0, kTurn};
    nanosleep(&turn, nullptr);
  }

  void report(const Order& order, VoiceCounts counts, double seconds, std::uint64_t flooded,
              std::int64_t used) {
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
  VoiceCalls over4_, over6_;
  std::uint32_t number_ = 0;  // of the flood's last frame
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
    std::istringstream(line) >> order.kind >> order.rate >> order.seconds >> order.calls >> order.voice >>
        order.family;
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
