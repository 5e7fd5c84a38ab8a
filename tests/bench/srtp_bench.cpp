// srtp_bench.cpp — what SRTP costs for each packet, apart from relay and devices: 160 octets in bursts of 32,
// 10,000 keys in random order (of libsrtp2 1,000), replay window and ROC as in a call. Each beside OpenSSL
// EVP doing the same.
//
// The packets of a burst lie in the cache, as those that a device has just written; the contexts do not. A
// figure is the median of the bursts, so that a busy machine does not count. Argument: only this suite (cm80,
// gcm128, ...).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/wire/rtp_header.h"

namespace {

using namespace sallyport;
using namespace sallyport::media;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kKeys = 10000;
constexpr std::size_t kBurst = 32;
constexpr std::size_t kPayload = 160;
constexpr std::size_t kLength = kRtpHeaderBytes + kPayload;
constexpr std::size_t kRoom = 256;
constexpr std::uint16_t kRounds = 5;
constexpr std::uint32_t kKeysSlow = 1000;  // of libsrtp2, which is the slower the more there are

SrtpKey make_key(SrtpSuite suite, std::uint32_t number) {
  SrtpKey key;
  key.suite = suite;
  std::mt19937 random(number);
  for (std::uint8_t& octet : key.key) octet = static_cast<std::uint8_t>(random());
  for (std::uint8_t& octet : key.salt) octet = static_cast<std::uint8_t>(random());
  return key;
}

void make_packet(std::uint8_t* packet, std::uint32_t flow, std::uint16_t sequence) {
  std::memset(packet, 0x55, kLength);
  packet[0] = 0x80;
  packet[1] = 0;
  write_u16(packet + 2, sequence);
  write_u32(packet + 4, sequence * 160u);
  write_u32(packet + 8, flow * 7919);
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint32_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  return order;
}

// One burst's packets side by side.
struct Ring {
  alignas(64) std::array<std::uint8_t, kBurst * kRoom> octets;
  std::array<SrtpJob, kBurst> jobs;
};

// What the receivers get: each flow's packets of all rounds, made beforehand.
class Traffic {
 public:
  explicit Traffic(SrtpSuite suite) : octets_(std::size_t{kRounds} * kKeys * kSecured) {
    const auto engine = make_srtp_engine(SrtpEngineKind::Evp, 1);
    for (std::uint32_t flow = 0; flow < kKeys; ++flow) {
      const SrtpContextId id = engine->open(make_key(suite, flow), SrtpDirection::Protect);
      for (std::uint16_t round = 0; round < kRounds; ++round) {
        std::uint8_t* const packet = octets_.data() + at(flow, round);
        make_packet(packet, flow, static_cast<std::uint16_t>(kFirst + round));
        SrtpJob job{.context = id, .packet = packet, .length = kLength, .capacity = kSecured};
        engine->protect({&job, 1});
        length_ = job.length;
      }
      engine->close(id);
    }
  }
  [[nodiscard]] const std::uint8_t* packet(std::uint32_t flow, std::uint16_t round) const {
    return octets_.data() + at(flow, round);
  }
  [[nodiscard]] std::uint32_t length() const { return length_; }
  static constexpr std::uint32_t kFirst = 65534;  // the counter rolls over

 private:
  static constexpr std::size_t kSecured = 192;
  [[nodiscard]] static std::size_t at(std::uint32_t flow, std::uint16_t round) {
    return (std::size_t{round} * kKeys + flow) * kSecured;
  }
  std::vector<std::uint8_t> octets_;
  std::uint32_t length_ = 0;
};

class Run {
 public:
  Run(SrtpEngineKind kind, SrtpSuite suite, const Traffic& traffic, SrtpDirection direction)
      : engine_(make_srtp_engine(kind, kKeys)), traffic_(traffic), direction_(direction) {
    keys_ = kind == SrtpEngineKind::Libsrtp2 ? kKeysSlow : kKeys;
    for (std::uint32_t i = 0; engine_ != nullptr && i < keys_; ++i)
      contexts_.push_back(engine_->open(make_key(suite, i), direction));
  }
  // Nanoseconds a packet; 0: not on this machine, below 0: a packet was refused.
  double measure() {
    if (engine_ == nullptr) return 0;
    std::vector<double> bursts;
    for (std::uint16_t round = 0; round < kRounds; ++round) {
      const std::vector<std::uint32_t> order = shuffled(keys_, round);
      for (std::size_t at = 0; at + kBurst <= order.size(); at += kBurst) {
        fill({order.data() + at, kBurst}, round);
        const auto before = Clock::now();
        if (direction_ == SrtpDirection::Protect)
          engine_->protect(ring_->jobs);
        else
          engine_->unprotect(ring_->jobs);
        const std::chrono::duration<double, std::nano> took = Clock::now() - before;
        for (const SrtpJob& job : ring_->jobs)
          if (job.result != SrtpResult::Ok) return -1;
        if (round != 0) bursts.push_back(took.count() / kBurst);
      }
    }
    std::nth_element(bursts.begin(), bursts.begin() + static_cast<std::ptrdiff_t>(bursts.size() / 2),
                     bursts.end());
    return bursts[bursts.size() / 2];
  }

 private:
  void fill(std::span<const std::uint32_t> flows, std::uint16_t round) {
    const bool secured = direction_ == SrtpDirection::Unprotect;
    for (std::size_t i = 0; i < flows.size(); ++i) {
      std::uint8_t* const packet = ring_->octets.data() + i * kRoom;
      if (secured)
        std::memcpy(packet, traffic_.packet(flows[i], round), traffic_.length());
      else
        make_packet(packet, flows[i], static_cast<std::uint16_t>(Traffic::kFirst + round));
      ring_->jobs[i] = {.context = contexts_[flows[i]],
                        .packet = packet,
                        .length = secured ? traffic_.length() : std::uint32_t{kLength},
                        .capacity = kRoom};
    }
  }

  std::unique_ptr<SrtpEngine> engine_;
  const Traffic& traffic_;
  std::uint32_t keys_ = 0;
  std::vector<SrtpContextId> contexts_;
  SrtpDirection direction_;
  std::unique_ptr<Ring> ring_ = std::make_unique<Ring>();
};

struct Suite {
  std::string_view name;
  SrtpSuite suite;
};
constexpr std::array kSuites{Suite{"cm80", SrtpSuite::AesCm128HmacSha1_80},
                             Suite{"cm256_80", SrtpSuite::AesCm256HmacSha1_80},
                             Suite{"gcm128", SrtpSuite::Aes128Gcm}, Suite{"gcm256", SrtpSuite::Aes256Gcm}};

}  // namespace

int main(int argc, char** argv) {
  std::printf("%-9s %-10s %12s %12s %12s %10s\n", "suite", "direction", "multibuffer", "evp", "libsrtp2",
              "ratio");
  for (const Suite& suite : kSuites) {
    if (argc > 1 && suite.name != argv[1]) continue;
    const Traffic traffic(suite.suite);
    for (const SrtpDirection direction : {SrtpDirection::Protect, SrtpDirection::Unprotect}) {
      const auto measure = [&](SrtpEngineKind kind) {
        return Run(kind, suite.suite, traffic, direction).measure();
      };
      const double fast = measure(SrtpEngineKind::Multibuffer), evp = measure(SrtpEngineKind::Evp);
      std::printf("%-9s %-10s %9.1f ns %9.1f ns %9.1f ns %9.2fx\n", suite.name.data(),
                  direction == SrtpDirection::Protect ? "protect" : "unprotect", fast, evp,
                  measure(SrtpEngineKind::Libsrtp2), fast > 0 ? evp / fast : 0.0);
      std::fflush(stdout);
    }
  }
  return 0;
}
