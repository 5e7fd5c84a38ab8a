// srtp_unprotect_fuzz.cpp — any octets as SRTP and SRTCP in bursts, some made from good packets: nothing is
// read or written behind the end; what fails changes neither packet nor state; both own engines say the same,
// and the same as packet by packet; nothing that a sender did not make is taken, and nothing twice.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <vector>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/wire/rtp_header.h"

using namespace sallyport;
using namespace sallyport::media;

namespace {

constexpr std::size_t kBurst = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

// Made once: to make one is far more than what a run does with it.
SrtpEngine& engine_of(SrtpEngineKind kind) {
  static const auto evp = make_srtp_engine(SrtpEngineKind::Evp, 8);
  static const auto fast = make_srtp_engine(SrtpEngineKind::Multibuffer, 8);
  return kind == SrtpEngineKind::Multibuffer && fast != nullptr ? *fast : *evp;
}

class Input {
 public:
  Input(const std::uint8_t* octets, std::size_t size) : at_(octets), end_(octets + size) {}
  [[nodiscard]] bool is_empty() const { return at_ == end_; }
  std::uint8_t octet() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
  std::vector<std::uint8_t> some(std::size_t count) {
    count = std::min(count, static_cast<std::size_t>(end_ - at_));
    at_ += count;
    return {at_ - count, at_};
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

struct Packet {
  std::vector<std::uint8_t> octets;  // of exactly their size: its end is the end of a heap block
  bool is_rtcp = false;
};

class Receiver {
 public:
  Receiver(SrtpEngineKind kind, const SrtpKey& key)
      : engine_(engine_of(kind)), id_(engine_.open(key, SrtpDirection::Unprotect)) {}
  ~Receiver() { engine_.close(id_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  std::vector<SrtpResult> take(std::vector<Packet>& packets, std::size_t burst) {
    std::vector<SrtpJob> jobs;
    for (Packet& packet : packets)
      jobs.push_back({.context = id_,
                      .packet = packet.octets.data(),
                      .length = static_cast<std::uint32_t>(packet.octets.size()),
                      .capacity = static_cast<std::uint32_t>(packet.octets.size()),
                      .is_rtcp = packet.is_rtcp});
    for (std::size_t at = 0; at < jobs.size(); at += burst)
      engine_.unprotect(std::span(jobs).subspan(at, std::min(burst, jobs.size() - at)));
    std::vector<SrtpResult> results;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      require(jobs[i].length <= packets[i].octets.size());
      if (jobs[i].result == SrtpResult::Ok) packets[i].octets.resize(jobs[i].length);
      results.push_back(jobs[i].result);
    }
    return results;
  }
  [[nodiscard]] SrtpContextState state() const {
    SrtpContextState state;
    require(engine_.save(id_, state));
    return state;
  }

 private:
  SrtpEngine& engine_;
  SrtpContextId id_;
};

bool same(const SrtpContextState& a, const SrtpContextState& b) {
  return a.rtp_packets == b.rtp_packets && a.rtcp_packets == b.rtcp_packets &&
         std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end());
}

// A sender's packets, whole or damaged, and others.
class Sender {
 public:
  explicit Sender(const SrtpKey& key)
      : engine_(engine_of(SrtpEngineKind::Evp)), id_(engine_.open(key, SrtpDirection::Protect)) {}
  ~Sender() { engine_.close(id_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  Packet next(Input& input) {
    const std::uint8_t kind = input.octet();
    Packet packet{{}, (kind & 0x80) != 0};
    if ((kind & 3) == 0) {
      packet.octets = input.some(input.octet());
      return packet;
    }
    if ((kind & 3) == 1 && !sent_.empty()) {
      packet = sent_[input.octet() % sent_.size()];
    } else {
      packet.octets = clear(input, packet.is_rtcp);
      if (!protect(packet)) return packet;
      sent_.push_back(packet);
      made_.insert(packet.octets);
    }
    if ((kind & 3) == 3 && !packet.octets.empty()) {
      std::uint8_t& octet = packet.octets[input.octet() % packet.octets.size()];
      octet = static_cast<std::uint8_t>(octet ^ input.octet());
    }
    if ((kind & 0x40) != 0) packet.octets.resize(std::min<std::size_t>(packet.octets.size(), input.octet()));
    packet.octets.shrink_to_fit();
    return packet;
  }
  [[nodiscard]] bool has_made(const std::vector<std::uint8_t>& octets) const {
    return made_.contains(octets);
  }

 private:
  std::vector<std::uint8_t> clear(Input& input, bool is_rtcp) {
    sequence_ = static_cast<std::uint16_t>(sequence_ + 1 + (input.octet() << (input.octet() & 7)));
    std::vector<std::uint8_t> octets(is_rtcp ? 8 : 12);
    octets[0] = 0x80;
    octets[1] = is_rtcp ? 200 : 0;
    write_u16(octets.data() + 2, sequence_);
    octets[is_rtcp ? 7 : 11] = input.octet() & 31;
    const std::vector<std::uint8_t> text = input.some(input.octet());
    octets.insert(octets.end(), text.begin(), text.end());
    return octets;
  }
  bool protect(Packet& packet) {
    const std::size_t length = packet.octets.size();
    packet.octets.resize(length + kSrtpGrowthMax);
    SrtpJob job{.context = id_,
                .packet = packet.octets.data(),
                .length = static_cast<std::uint32_t>(length),
                .capacity = static_cast<std::uint32_t>(packet.octets.size()),
                .is_rtcp = packet.is_rtcp};
    engine_.protect({&job, 1});
    packet.octets.resize(job.length);
    return job.result == SrtpResult::Ok;
  }

  SrtpEngine& engine_;
  SrtpContextId id_;
  std::uint16_t sequence_ = 0xfff0;
  std::vector<Packet> sent_;
  std::set<std::vector<std::uint8_t>> made_;
};

SrtpKey read_key(Input& input) {
  SrtpKey key;
  const std::uint8_t kind = input.octet();
  key.suite = static_cast<SrtpSuite>(kind % 6);
  key.mki_bytes = (kind & 0x80) != 0 ? std::uint8_t{4} : std::uint8_t{0};
  key.mki = 1;
  key.packets_max = (kind & 0x40) != 0 ? 20 : 0;
  key.key.fill(kind);
  key.salt.fill(7);
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  Input input(octets, size);
  const SrtpKey key = read_key(input);
  Sender sender(key);
  Receiver by_burst(SrtpEngineKind::Multibuffer, key), one_by_one(SrtpEngineKind::Evp, key);
  while (!input.is_empty()) {
    std::vector<Packet> packets;
    for (std::size_t count = 1 + input.octet() % kBurst; count > 0 && !input.is_empty(); --count)
      packets.push_back(sender.next(input));
    std::vector<Packet> first = packets, second = packets;
    const std::vector<SrtpResult> results = by_burst.take(first, kBurst);
    require(results == one_by_one.take(second, 1));
    require(same(by_burst.state(), one_by_one.state()));
    for (std::size_t i = 0; i < packets.size(); ++i) {
      require(first[i].octets == second[i].octets);
      require(results[i] == SrtpResult::Ok ? sender.has_made(packets[i].octets)
                                           : first[i].octets == packets[i].octets);
    }
    // What was taken comes once more: it is not taken again.
    const SrtpContextState before = by_burst.state();
    first.clear();
    for (std::size_t i = 0; i < packets.size(); ++i)
      if (results[i] == SrtpResult::Ok) first.push_back(packets[i]);
    for (const SrtpResult result : by_burst.take(first, kBurst)) require(result != SrtpResult::Ok);
    require(same(by_burst.state(), before));
  }
  return 0;
}
