// rtp_load.cpp — RTP of many calls through whatever relays it: both directions of each leg, evenly paced,
// with the time of sending in each packet. Prints what was lost and how long the rest took, as JSON. RFC 3550
// §5.1.
//
//   rtp_load OUT-NAMESPACE IN-NAMESPACE LEGS-FILE PACKETS-PER-SECOND SECONDS [callers]
// A line of the file is one leg: own address and port outside, whom it sends to, and the same inside, all
// IPv4. With `callers` the outside alone speaks: what comes may be SRTP then, and is counted by its header.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kPayload = 160, kRtpHeader = 12, kBatch = 32;
constexpr std::uint8_t kMarker = 0x80;
constexpr std::size_t kPacket = sizeof(iphdr) + sizeof(udphdr) + kRtpHeader + kPayload;
constexpr std::int64_t kSlot = 250'000;          // nanoseconds between bursts
constexpr std::int64_t kWarmUp = 1'000'000'000;  // what is sent before is not counted
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr double kMicrosecond = 1000;

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

void enter(const std::string& space) {
  const int there = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (there < 0 || setns(there, CLONE_NEWNET) != 0) fail(space.c_str());
  close(there);
}

struct End {
  sockaddr_in own{}, to{};
};

sockaddr_in endpoint(const std::string& address, unsigned port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &out.sin_addr) != 1) fail(address.c_str());
  return out;
}

// Ends of one side, by leg.
using Side = std::vector<End>;

std::array<Side, 2> read_legs(const char* path) {
  std::array<Side, 2> out;
  std::ifstream file(path);
  std::string own, to;
  unsigned own_port = 0, to_port = 0;
  for (std::size_t side = 0; file >> own >> own_port >> to >> to_port; side ^= 1)
    out[side].push_back({endpoint(own, own_port), endpoint(to, to_port)});
  if (out[0].empty() || out[0].size() != out[1].size()) fail("legs");
  return out;
}

int make_socket(int kind, int protocol) {
  const int made = socket(AF_INET, kind | SOCK_CLOEXEC, protocol);
  if (made < 0) fail("socket");
  const int size = 8 << 20;
  if (setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0 ||
      setsockopt(made, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    fail("buffers");
  return made;
}

// The receiving sockets of one side, all in one epoll.
void listen_at(const Side& side, int epoll) {
  for (const End& end : side) {
    const int made = make_socket(SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (bind(made, reinterpret_cast<const sockaddr*>(&end.own), sizeof end.own) != 0) fail("bind");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = made;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, made, &event) != 0) fail("epoll");
  }
}

using Packet = std::array<std::uint8_t, kPacket>;

Packet make_packet(const End& end, std::uint32_t ssrc) {
  Packet out{};
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons(kPacket);
  ip.ttl = 64;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = end.own.sin_addr.s_addr;
  ip.daddr = end.to.sin_addr.s_addr;
  udphdr udp{};
  udp.source = end.own.sin_port;
  udp.dest = end.to.sin_port;
  udp.len = htons(kPacket - sizeof ip);
  std::memcpy(out.data(), &ip, sizeof ip);
  std::memcpy(out.data() + sizeof ip, &udp, sizeof udp);
  std::uint8_t* const rtp = out.data() + sizeof ip + sizeof udp;
  rtp[0] = 0x80;
  const std::uint32_t name = htonl(ssrc);
  std::memcpy(rtp + 8, &name, sizeof name);
  return out;
}

// One side's packets, and the raw socket that sends them with their own source ports.
class Speaker {
 public:
  Speaker(const Side& side, std::uint32_t ssrc) : side_(side), socket_(make_socket(SOCK_RAW, IPPROTO_RAW)) {
    for (const End& end : side) packets_.push_back(make_packet(end, ++ssrc));
    numbers_.resize(side.size());
  }

  // The next `count` legs say one packet each.
  void speak(std::size_t count, bool is_counted) {
    for (std::size_t done = 0; done < count;) {
      const std::size_t batch = std::min(kBatch, count - done);
      for (std::size_t i = 0; i < batch; ++i) prepare(i, is_counted);
      int sent = 0;
      while (static_cast<std::size_t>(sent) < batch) {
        const int more = sendmmsg(socket_, messages_.data() + sent,
                                  static_cast<unsigned>(batch) - static_cast<unsigned>(sent), 0);
        if (more < 0) fail("sendmmsg");
        sent += more;
      }
      done += batch;
    }
  }

 private:
  void prepare(std::size_t slot, bool is_counted) {
    const std::size_t leg = next_;
    next_ = next_ + 1 == side_.size() ? 0 : next_ + 1;
    out_[slot] = packets_[leg];
    std::uint8_t* const rtp = out_[slot].data() + sizeof(iphdr) + sizeof(udphdr);
    const std::uint32_t number = numbers_[leg]++;
    const std::uint16_t sequence = htons(static_cast<std::uint16_t>(number));
    const std::uint32_t timestamp = htonl(number * 160);
    const std::int64_t when = now();
    std::memcpy(rtp + 2, &sequence, sizeof sequence);
    std::memcpy(rtp + 4, &timestamp, sizeof timestamp);
    std::memcpy(rtp + kRtpHeader, &when, sizeof when);
    rtp[1] = is_counted ? kMarker : 0;  // in the header, which SRTP leaves readable (RFC 3711 §3.1)
    parts_[slot] = {out_[slot].data(), kPacket};
    messages_[slot].msg_hdr = {};
    messages_[slot].msg_hdr.msg_name = const_cast<sockaddr_in*>(&side_[leg].to);
    messages_[slot].msg_hdr.msg_namelen = sizeof(sockaddr_in);
    messages_[slot].msg_hdr.msg_iov = &parts_[slot];
    messages_[slot].msg_hdr.msg_iovlen = 1;
  }

  const Side& side_;
  int socket_;
  std::vector<Packet> packets_;
  std::vector<std::uint32_t> numbers_;
  std::size_t next_ = 0;
  std::array<Packet, kBatch> out_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

// What came: when it was sent, and how long it took.
class Ear {
 public:
  explicit Ear(int epoll) : epoll_(epoll) { took_.reserve(4'000'000); }

  void listen(const std::atomic<bool>& is_over) {
    std::array<epoll_event, 128> events{};
    while (true) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      if (ready == 0 && is_over) return;
      for (int i = 0; i < ready; ++i) drain(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

  std::uint64_t heard() const { return heard_; }
  // Microseconds that this share of the packets took at the most.
  double took(double share) const { return share_of(took_, share); }
  // The same for each run of `packets` one after the other, and the median of those: what stops the whole
  // machine now and then is in few of them.
  double usually_took(double share, std::size_t packets) const {
    std::vector<std::int64_t> times;
    for (std::size_t at = 0; at + packets <= took_.size(); at += packets) {
      const std::span run(took_.data() + at, packets);
      times.push_back(static_cast<std::int64_t>(share_of({run.begin(), run.end()}, share) * kMicrosecond));
    }
    return share_of(std::move(times), 0.5);
  }

 private:
  static double share_of(std::vector<std::int64_t> times, double share) {
    if (times.empty()) return 0;
    const auto at =
        times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(times.size() - 1));
    std::nth_element(times.begin(), at, times.end());
    return static_cast<double>(*at) / kMicrosecond;
  }

  void drain(int from) {
    std::array<std::uint8_t, 512> octets;
    while (true) {
      const ssize_t size = recv(from, octets.data(), octets.size(), 0);
      if (size < 0) return;
      if (static_cast<std::size_t>(size) < kRtpHeader + kPayload) continue;
      if ((octets[1] & kMarker) == 0) continue;  // of the warm-up
      ++heard_;
      if (static_cast<std::size_t>(size) != kRtpHeader + kPayload) continue;  // with a tag: not to be read
      std::int64_t sent = 0;
      std::memcpy(&sent, octets.data() + kRtpHeader, sizeof sent);
      if (took_.size() < took_.capacity()) took_.push_back(now() - sent);
    }
  }

  int epoll_;
  std::uint64_t heard_ = 0;
  std::vector<std::int64_t> took_;
};

// Sends evenly in bursts of one slot, as much from each speaker. What was said once counting had begun.
std::uint64_t say(std::span<Speaker> speakers, double rate, std::int64_t begin, std::int64_t end) {
  std::uint64_t said = 0, counted = 0;
  for (std::int64_t slot = begin; slot < end; slot += kSlot) {
    const timespec until{slot / kSecond, slot % kSecond};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    const auto due = static_cast<std::uint64_t>(static_cast<double>(slot + kSlot - begin) * rate /
                                                static_cast<double>(kSecond));
    const bool is_counted = slot >= begin + kWarmUp;
    const std::size_t each = (due - said) / speakers.size();
    for (Speaker& speaker : speakers) speaker.speak(each, is_counted);
    said += speakers.size() * each;
    if (is_counted) counted += speakers.size() * each;
  }
  return counted;
}

}  // namespace

int main(int argc, char** argv) {
  const bool is_callers = argc == 7 && std::strcmp(argv[6], "callers") == 0;
  if (argc != 6 && !is_callers) {
    std::fputs("usage: rtp_load OUT-NAMESPACE IN-NAMESPACE LEGS-FILE PACKETS-PER-SECOND SECONDS [callers]\n",
               stderr);
    return 64;
  }
  rlimit files{65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  const std::array<Side, 2> sides = read_legs(argv[3]);
  const double rate = std::atof(argv[4]);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  enter(argv[1]);
  listen_at(sides[0], epoll);
  Speaker outside(sides[0], 1000);
  enter(argv[2]);
  listen_at(sides[1], epoll);
  std::array<Speaker, 2> speakers{std::move(outside), Speaker(sides[1], 1000000)};
  const std::int64_t begin = now() + kSlot, end = begin + kWarmUp + std::atoll(argv[5]) * kSecond;
  Ear ear(epoll);
  std::atomic<bool> is_over = false;
  std::thread listener([&] { ear.listen(is_over); });
  const std::uint64_t said = say(std::span(speakers).first(is_callers ? 1 : 2), rate, begin, end);
  is_over = true;
  listener.join();
  const auto in_a_tenth_of_a_second = static_cast<std::size_t>(std::max(rate / 10, 1.0));
  std::printf(
      "{\"said\": %llu, \"heard\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"usual_p99_us\": %.1f}\n",
      static_cast<unsigned long long>(said), static_cast<unsigned long long>(ear.heard()), ear.took(0.5),
      ear.took(0.99), ear.usually_took(0.99, in_a_tenth_of_a_second));
  return 0;
}
