// srtp_differential_test.cpp — the engines against libsrtp2, octet by octet and answer by answer, over a
// network that loses, reorders, repeats and damages packets: RFC 3711 §3.3; threats M2, M3. The seed is in
// the trace.
#include <algorithm>
#include <optional>

#include "tests/unit/media-relay/srtp/srtp_fixture.h"

namespace sallyport::media {
namespace {

struct Packet {
  Octets octets;
  bool is_rtcp = false;
};

class Network {
 public:
  explicit Network(std::uint32_t seed) : random_(seed) {
    for (std::size_t i = 0; i < sources_.size(); ++i)
      sources_[i] = {static_cast<std::uint32_t>(random_()), static_cast<std::uint16_t>(random_())};
  }
  [[nodiscard]] std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(random_() % limit);
  }

  // What a sender is asked to protect: mostly one source after the other, sometimes a jump, sometimes a
  // number from before.
  [[nodiscard]] Packet clear() {
    if (below(200) == 0) source_ = below(3);
    Source& source = sources_[source_];
    if (below(20) == 0) return {rtcp(source.ssrc, 4u * below(40)), true};
    const std::uint32_t kind = below(400);
    std::uint16_t sequence = ++source.sequence;
    if (kind == 0) sequence = source.sequence = static_cast<std::uint16_t>(sequence + below(0x8000));
    if (kind > 390) sequence = static_cast<std::uint16_t>(sequence - below(200));
    return {rtp(source.ssrc, sequence, below(8) == 0 ? below(300) : 160), false};
  }
  // Puts a packet into the network; what comes out now.
  void carry(const Packet& packet, std::vector<Packet>& out) {
    if (below(50) != 0) held_.push_back(packet);
    if (below(60) == 0) held_.push_back(packet);
    if (below(40) == 0) held_.push_back(damaged(packet));
    if (below(3) == 0) std::swap(held_.back(), held_[below(static_cast<std::uint32_t>(held_.size()))]);
    const std::size_t keep = below(100) == 0 ? 150 : below(12);
    while (held_.size() > keep) {
      out.push_back(held_.front());
      held_.erase(held_.begin());
    }
    if (held_.empty()) held_.push_back(packet);
  }

 private:
  struct Source {
    std::uint32_t ssrc;
    std::uint16_t sequence;
  };
  [[nodiscard]] Packet damaged(Packet packet) {
    if (below(5) == 0) packet.octets.resize(below(static_cast<std::uint32_t>(packet.octets.size())));
    for (std::uint32_t flips = 1 + below(2); flips > 0 && !packet.octets.empty(); --flips) {
      std::uint8_t& octet = packet.octets[below(static_cast<std::uint32_t>(packet.octets.size()))];
      octet = static_cast<std::uint8_t>(octet ^ 1u << below(8));
    }
    return packet;
  }

  std::mt19937 random_;
  std::array<Source, 3> sources_;
  std::uint32_t source_ = 0;
  std::vector<Packet> held_;
};

// Works on copies of the packets as one burst.
std::vector<SrtpResult> run_burst(SrtpPair& pair, SrtpDirection direction, std::vector<Packet>& packets) {
  std::vector<SrtpJob> jobs;
  for (Packet& packet : packets) {
    const auto length = static_cast<std::uint32_t>(packet.octets.size());
    packet.octets.resize(length + kSrtpGrowthMax);
    jobs.push_back({.context = direction == SrtpDirection::Protect ? pair.sender : pair.receiver,
                    .packet = packet.octets.data(),
                    .length = length,
                    .capacity = static_cast<std::uint32_t>(packet.octets.size()),
                    .is_rtcp = packet.is_rtcp});
  }
  if (direction == SrtpDirection::Protect)
    pair.engine->protect(jobs);
  else
    pair.engine->unprotect(jobs);
  std::vector<SrtpResult> results;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    packets[i].octets.resize(jobs[i].length);
    results.push_back(jobs[i].result);
  }
  return results;
}

class Contest {
 public:
  Contest(SrtpSuite suite, std::uint32_t seed) : key_(key_of(suite, seed)), network_(seed) {
    if (seed % 2 == 1) key_.mki_bytes = 4, key_.mki = seed;
    for (const SrtpEngineKind kind : kAllEngines)
      if (kind != SrtpEngineKind::Multibuffer || has_multibuffer()) pairs_.emplace_back(kind, key_);
  }
  void run(int bursts) {
    for (int i = 0; i < bursts && !testing::Test::HasFailure(); ++i) {
      std::vector<Packet> clear;
      for (std::uint32_t count = 1 + network_.below(40); count > 0; --count)
        clear.push_back(network_.clear());
      std::vector<Packet> arriving;
      for (const Packet& packet : same_from_all(SrtpDirection::Protect, clear, sent_))
        network_.carry(packet, arriving);
      (void)same_from_all(SrtpDirection::Unprotect, arriving, received_);
      if (network_.below(40) == 0) restart_one();
    }
  }
  [[nodiscard]] int count(SrtpResult result) const { return received_[static_cast<std::size_t>(result)]; }

 private:
  using Counts = std::array<int, static_cast<std::size_t>(SrtpResult::kCount)>;

  // The judge's packets, of those that were done.
  std::vector<Packet> same_from_all(SrtpDirection direction, const std::vector<Packet>& packets,
                                    Counts& counts) {
    std::vector<Packet> judged = packets;
    const std::vector<SrtpResult> verdicts = run_burst(pairs_[0], direction, judged);
    for (std::size_t pair = 1; pair < pairs_.size(); ++pair) {
      std::vector<Packet> mine = packets;
      const std::vector<SrtpResult> results = run_burst(pairs_[pair], direction, mine);
      for (std::size_t i = 0; i < packets.size(); ++i) {
        EXPECT_EQ(to_string(results[i]), to_string(verdicts[i]))
            << i << " by " << to_string(pairs_[pair].engine->kind())
            << (packets[i].is_rtcp ? ", RTCP " : ", RTP ")
            << testing::PrintToString(Octets(packets[i].octets.begin(), packets[i].octets.begin() + 12));
        EXPECT_TRUE(mine[i].octets == judged[i].octets) << i << ' ' << to_string(results[i]);
        EXPECT_TRUE(results[i] == SrtpResult::Ok || mine[i].octets == packets[i].octets);
      }
      EXPECT_TRUE(state_of(pair, direction) == state_of(0, direction));
    }
    std::vector<Packet> done;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      ++counts[static_cast<std::size_t>(verdicts[i])];
      if (verdicts[i] == SrtpResult::Ok) done.push_back(judged[i]);
    }
    return done;
  }
  [[nodiscard]] SrtpContextState state_of(std::size_t pair, SrtpDirection direction) const {
    return pairs_[pair].state(direction == SrtpDirection::Protect ? pairs_[pair].sender
                                                                  : pairs_[pair].receiver);
  }
  // A process ends and another goes on with what the first wrote down.
  void restart_one() {
    SrtpPair& old = pairs_[network_.below(static_cast<std::uint32_t>(pairs_.size()))];
    SrtpPair next(old.engine->kind(), key_);
    ASSERT_TRUE(next.engine->restore(next.sender, old.state(old.sender)));
    ASSERT_TRUE(next.engine->restore(next.receiver, old.state(old.receiver)));
    old = std::move(next);
  }

  SrtpKey key_;
  Network network_;
  std::vector<SrtpPair> pairs_;  // the first is the judge
  Counts sent_{}, received_{};
};

class EnginesAgree : public testing::TestWithParam<SrtpSuite> {};
INSTANTIATE_TEST_SUITE_P(Suites, EnginesAgree, testing::ValuesIn(kAllSuites), [](const auto& suite) {
  return "Suite" + std::to_string(static_cast<int>(suite.param));
});

TEST_P(EnginesAgree, OverABadNetwork) {
  int replayed = 0, bad = 0, old = 0, good = 0;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Contest contest(GetParam(), seed);
    contest.run(150);
    good += contest.count(SrtpResult::Ok);
    bad += contest.count(SrtpResult::BadTag);
    replayed += contest.count(SrtpResult::Replayed);
    old += contest.count(SrtpResult::TooOld);
  }
  EXPECT_GT(good, 5000);
  EXPECT_GT(bad, 50);
  EXPECT_GT(replayed, 100);
  EXPECT_GT(old, 0);
}

}  // namespace
}  // namespace sallyport::media
