// memif_load.cpp — load over memif: `options` keeps a window of OPTIONS open and counts answers a second;
// `flood` sends UDP frames from one or many sources as fast as the ring takes them; `media` RTP of one or
// many streams (media_relay.cpp), in random order, and counts what comes back; `media_callers` that of the
// callers alone. With `rate` media is paced, by sleeping: others may share the processor.
//
// It answers ARP for its own address and asks for the other side's, so it needs no kernel at all.
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sys/prctl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/device/load_frames.h"

namespace sallyport::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Mac kOwnMac{0x02, 0x53, 0x50, 0x00, 0x00, 0x02};
constexpr std::uint16_t kBurst = 32;

struct Options {
  std::string mode = "options", socket;
  unsigned seconds = 5, window = 512, sources = 1, size = 214, warm_up = 1, rate = 0;
  std::uint32_t own = 0xC6120102, target = 0xC6120101;  // 198.18.1.2, 198.18.1.1
};

unsigned number(const std::string& text) {
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Words of the form key=value.
Options read_options(int argc, char** argv) {
  Options options;
  std::map<std::string, std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) words[word.substr(0, equals)] = word.substr(equals + 1);
  }
  if (words.contains("mode")) options.mode = words["mode"];
  if (words.contains("socket")) options.socket = words["socket"];
  if (words.contains("seconds")) options.seconds = number(words["seconds"]);
  if (words.contains("window")) options.window = number(words["window"]);
  if (words.contains("sources")) options.sources = std::max(1u, number(words["sources"]));
  if (words.contains("size")) options.size = number(words["size"]);
  if (words.contains("rate")) options.rate = number(words["rate"]);
  return options;
}

class Load {
 public:
  Load(const Options& options, std::uint16_t port, rte_mempool* pool)
      : options_(options), port_(port), pool_(pool) {}

  // Exchanges ARP until the other side's MAC is known; false after five seconds.
  bool find_target() {
    const auto deadline = Clock::now() + std::chrono::seconds(5);
    auto next_question = Clock::now();
    while (target_mac_ == Mac{} && Clock::now() < deadline) {
      if (Clock::now() >= next_question) {
        send_frame(arp_request(kOwnMac, options_.own, options_.target));
        next_question = Clock::now() + std::chrono::milliseconds(100);
      }
      receive();
    }
    return target_mac_ != Mac{};
  }

  void run_options() {
    const OptionsTemplate request = options_template("198.18.1.2", "198.18.1.1");
    const std::vector<std::uint8_t> frame = udp_frame(addresses(options_.own), request.text);
    std::vector<std::uint64_t> per_second;
    auto second_ends = Clock::now() + std::chrono::seconds(1);
    std::uint64_t answers_before = answers_;
    auto heard = Clock::now();
    std::uint64_t lost = 0;
    while (per_second.size() < options_.seconds + options_.warm_up) {
      const std::uint64_t open = sent_ - answers_ - lost;
      if (open + kBurst <= options_.window) send_options(frame, request);
      const std::uint64_t before = answers_;
      receive();
      const auto now = Clock::now();
      if (answers_ != before) heard = now;
      if (now - heard > std::chrono::milliseconds(200)) lost = sent_ - answers_, heard = now;
      if (now < second_ends) continue;
      per_second.push_back(answers_ - answers_before);
      answers_before = answers_;
      second_ends += std::chrono::seconds(1);
    }
    per_second.erase(per_second.begin(), per_second.begin() + options_.warm_up);
    std::sort(per_second.begin(), per_second.end());
    std::printf("answers_per_second min %lu median %lu max %lu lost %lu sent %lu\n", per_second.front(),
                per_second[per_second.size() / 2], per_second.back(), lost, sent_);
  }

  // `sources` streams; as fast as the ring takes it, or `rate` packets a second.
  void run_media() {
    std::string voice(options_.size - 42, 'v');
    voice.replace(0, 12, std::string("\x80\0\0\0\0\0\0\0\0\0\0\x01", 12));
    FrameAddresses flow = addresses(options_.own);
    flow.source_port = flow.destination_port = 0;
    const std::vector<std::uint8_t> frame = udp_frame(flow, voice);
    std::vector<std::uint16_t> sequences(options_.sources);
    std::uint32_t random = 12345;
    // A paced load is to be lost nowhere: what comes before the next hop is known is not counted.
    if (options_.rate != 0) {
      send_media(frame, sequences, random);
      receive_for(std::chrono::milliseconds(300));
      sent_ = not_taken_ = returned_ = 0;
    }
    const auto begins = Clock::now(), ends = begins + std::chrono::seconds(options_.seconds);
    for (auto now = begins; now < ends; now = Clock::now()) {
      const std::chrono::duration<double> since = now - begins;
      const bool is_ahead =
          options_.rate != 0 && static_cast<double>(sent_ + not_taken_) >= since.count() * options_.rate;
      if (is_ahead)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      else
        send_media(frame, sequences, random);
      receive();
    }
    receive_for(std::chrono::milliseconds(300));
    std::printf("sent %lu returned %lu not_taken %lu\n", sent_, returned_, not_taken_);
  }

  void run_flood() {
    std::string payload(options_.size > 42 ? options_.size - 42 : 1, 'x');
    const std::string start = "INVITE sip:a@198.18.1.1 SIP/2.0\r\n";
    payload.replace(0, std::min(start.size(), payload.size()), start, 0,
                    std::min(start.size(), payload.size()));
    const std::vector<std::uint8_t> frame = udp_frame(addresses(0xCB007101), payload);
    const auto ends = Clock::now() + std::chrono::seconds(options_.seconds);
    std::uint32_t random = 12345;
    while (Clock::now() < ends)
      for (int i = 0; i < 64; ++i) send_flood(frame, random);
    std::printf("sent %lu frames of %zu octets from %u sources in %u s\n", sent_, frame.size(),
                options_.sources, options_.seconds);
  }

 private:
  FrameAddresses addresses(std::uint32_t source) const {
    return {kOwnMac, target_mac_, source, options_.target};
  }

  void send_frame(const std::vector<std::uint8_t>& frame) {
    rte_mbuf* packet = make(frame);
    if (packet != nullptr && rte_eth_tx_burst(port_, 0, &packet, 1) == 0) rte_pktmbuf_free(packet);
  }

  rte_mbuf* make(const std::vector<std::uint8_t>& frame) {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_);
    if (packet == nullptr) return nullptr;
    std::memcpy(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())), frame.data(),
                frame.size());
    return packet;
  }

  void transmit(rte_mbuf** packets, std::uint16_t count) {
    const std::uint16_t taken = rte_eth_tx_burst(port_, 0, packets, count);
    sent_ += taken;
    not_taken_ += count - taken;
    for (std::uint16_t i = taken; i < count; ++i) rte_pktmbuf_free(packets[i]);
  }

  void send_options(const std::vector<std::uint8_t>& frame, const OptionsTemplate& request) {
    std::array<rte_mbuf*, kBurst> packets{};
    std::uint16_t count = 0;
    for (; count < kBurst; ++count) {
      packets[count] = make(frame);
      if (packets[count] == nullptr) break;
      std::uint8_t* payload = rte_pktmbuf_mtod_offset(packets[count], std::uint8_t*, 42);
      const std::uint32_t id = next_id_++ % 100'000'000;
      write_digits(payload + request.branch_digits, id);
      write_digits(payload + request.call_id_digits, id);
      payload[-2] = payload[-1] = 0;  // no UDP checksum: the digits change (RFC 768 allows it over IPv4)
    }
    transmit(packets.data(), count);
  }

  void send_flood(const std::vector<std::uint8_t>& frame, std::uint32_t& random) {
    std::array<rte_mbuf*, kBurst> packets{};
    std::uint16_t count = 0;
    for (; count < kBurst; ++count) {
      packets[count] = make(frame);
      if (packets[count] == nullptr) break;
      if (options_.sources > 1) patch_source(rte_pktmbuf_mtod(packets[count], std::uint8_t*), random);
    }
    transmit(packets.data(), count);
  }

  // Caller or callee of any stream. The checksum follows what changes (RFC 1624).
  void send_media(const std::vector<std::uint8_t>& frame, std::vector<std::uint16_t>& sequences,
                  std::uint32_t& random) {
    std::array<rte_mbuf*, kBurst> packets{};
    std::uint16_t count = 0;
    for (; count < kBurst; ++count) {
      packets[count] = make(frame);
      if (packets[count] == nullptr) break;
      random = random * 1664525 + 1013904223;
      const std::uint32_t stream = (random >> 8) % options_.sources;
      const bool is_caller = random >> 31 != 0 || options_.mode == "media_callers";
      const std::uint32_t port = (is_caller ? 10000 : 35000) + 2 * stream;
      const std::uint32_t sequence = ++sequences[stream];
      std::uint8_t* const udp = rte_pktmbuf_mtod_offset(packets[count], std::uint8_t*, 34);
      std::uint32_t sum =
          (~(static_cast<std::uint32_t>(udp[6] << 8 | udp[7])) & 0xffff) + 2 * port + sequence;
      while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
      const std::uint32_t checksum = ~sum & 0xffff;
      udp[0] = udp[2] = static_cast<std::uint8_t>(port >> 8);
      udp[1] = udp[3] = static_cast<std::uint8_t>(port);
      udp[6] = static_cast<std::uint8_t>(checksum >> 8);
      udp[7] = static_cast<std::uint8_t>(checksum);
      udp[10] = static_cast<std::uint8_t>(sequence >> 8);
      udp[11] = static_cast<std::uint8_t>(sequence);
    }
    transmit(packets.data(), count);
  }

  // Another source out of `sources`; the IPv4 checksum is corrected (RFC 1624), the UDP one left out.
  void patch_source(std::uint8_t* frame, std::uint32_t& random) const {
    random = random * 1664525 + 1013904223;
    const std::uint32_t source = 0x0B000000 + (random >> 8) % options_.sources;
    std::uint8_t* ip = frame + 14;
    ip[12] = static_cast<std::uint8_t>(source >> 24);
    ip[13] = static_cast<std::uint8_t>(source >> 16);
    ip[14] = static_cast<std::uint8_t>(source >> 8);
    ip[15] = static_cast<std::uint8_t>(source);
    ip[10] = ip[11] = 0;
    std::uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) sum += static_cast<std::uint32_t>(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    ip[10] = static_cast<std::uint8_t>(~sum >> 8);
    ip[11] = static_cast<std::uint8_t>(~sum);
    ip[26] = ip[27] = 0;
  }

  void receive_for(std::chrono::milliseconds time) {
    for (const auto until = Clock::now() + time; Clock::now() < until;) receive();
  }

  void receive() {
    std::array<rte_mbuf*, kBurst> packets{};
    const std::uint16_t count = rte_eth_rx_burst(port_, 0, packets.data(), kBurst);
    for (std::uint16_t i = 0; i < count; ++i) {
      const std::span<const std::uint8_t> frame(rte_pktmbuf_mtod(packets[i], const std::uint8_t*),
                                                packets[i]->data_len);
      if (frame.size() > 54 && frame[12] == 0x08 && frame[13] == 0x00 &&
          std::memcmp(frame.data() + 42, "SIP/2.0 200", 11) == 0) {
        ++answers_;
      } else if (frame.size() > 54 && frame[12] == 0x08 && frame[13] == 0x00) {
        ++returned_;
      } else {
        on_arp(frame);
      }
      rte_pktmbuf_free(packets[i]);
    }
  }

  void on_arp(std::span<const std::uint8_t> frame) {
    if (arp_reply_from(frame, options_.target, target_mac_)) return;
    if (const auto answer = arp_answer(frame, kOwnMac, options_.own); !answer.empty()) send_frame(answer);
  }

  const Options& options_;
  std::uint16_t port_;
  rte_mempool* pool_;
  Mac target_mac_{};
  std::uint64_t sent_ = 0, not_taken_ = 0, answers_ = 0, returned_ = 0;
  std::uint32_t next_id_ = 0;
};

int run(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  const std::string device =
      "net_memif0,role=client,socket=" + options.socket + ",socket-abstract=no,rsize=11";
  std::vector<std::string> words{
      "memif_load",     "--no-huge",         "-m",     "256", "--no-pci", "--file-prefix=memif-load",
      "--no-telemetry", "--log-level=error", "--vdev", device};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) return 71;
  rte_mempool* pool =
      rte_pktmbuf_pool_create("load", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  const rte_eth_conf configuration{};
  if (pool == nullptr || rte_eth_dev_configure(0, 1, 1, &configuration) != 0 ||
      rte_eth_rx_queue_setup(0, 0, 2048, SOCKET_ID_ANY, nullptr, pool) != 0 ||
      rte_eth_tx_queue_setup(0, 0, 2048, SOCKET_ID_ANY, nullptr) != 0 || rte_eth_dev_start(0) != 0)
    return 71;
  prctl(PR_SET_TIMERSLACK, 1UL);  // else the kernel adds 50 µs to each sleep
  Load load(options, 0, pool);
  const bool is_blind = options.mode == "blind" || options.mode == "media_blind";
  if (!is_blind && !load.find_target()) {
    std::fprintf(stderr, "memif_load: nobody answers ARP on %s\n", options.socket.c_str());
    return 69;
  }
  if (options.mode == "options") load.run_options();
  if (options.mode == "flood" || options.mode == "blind") load.run_flood();
  const bool is_media =
      options.mode == "media" || options.mode == "media_blind" || options.mode == "media_callers";
  if (is_media) load.run_media();
  rte_eth_dev_stop(0);
  rte_eth_dev_close(0);
  rte_eal_cleanup();
  return 0;
}

}  // namespace
}  // namespace sallyport::bench

int main(int argc, char** argv) { return sallyport::bench::run(argc, argv); }
