// names_bench.cpp — 10,000 peers, each known by a name of its own (NAPTR none, one SRV, two hosts with an A
// record each): the first resolving of all, an hour of keeping them fresh at a TTL of 60 s, and whose a
// source is. The name servers answer at once, so the figures are our own work. RFC 3263 §4.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "policy/route/target_board.h"
#include "sipalg/location/named_sources.h"
#include "sipalg/location/peer_names.h"
#include "tests/support/dns_answer.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;
using tests::DnsAnswerBuilder;

constexpr unsigned kPeers = 10'000;
constexpr std::uint32_t kTtlSeconds = 60;

SbcConfig make_config() {
  SbcConfig config;
  config.realms.resize(1);
  config.realms[0].name = "outside";
  config.realms[0].listen.resize(1);
  config.realms[0].listen[0].addresses = {*IpAddress::parse("198.18.1.1")};
  for (unsigned i = 0; i < kPeers; ++i) {
    PeerConfig& peer = config.peers.emplace_back();
    peer.name = "peer" + std::to_string(i);
    peer.realm = "outside";
    peer.targets.resize(1);
    peer.targets[0].domain = "p" + std::to_string(i) + ".example.net";
  }
  return config;
}

// "_sip._udp.p7.example.net" has the hosts a.p7.example.net and b.p7.example.net.
std::vector<std::uint8_t> answer_to(const DnsQuery& query) {
  DnsAnswerBuilder answer(query.type, query.name);
  if (query.type == DnsType::Srv) {
    const std::string domain = query.name.substr(query.name.find(".p") + 1);
    answer.service(query.name, {1, 1, 5060, "a." + domain}, kTtlSeconds);
    answer.service(query.name, {2, 1, 5060, "b." + domain}, kTtlSeconds);
  } else if (query.type == DnsType::A) {
    std::uint32_t number = 0;
    for (const char c : query.name)
      if (c >= '0' && c <= '9') number = number * 10 + static_cast<std::uint32_t>(c - '0');
    answer.address(query.name, to_string(IpAddress::v4(0xcb000000u + number * 2 + (query.name[0] == 'b'))),
                   kTtlSeconds);
  } else {
    answer.code(3).soa("example.net", kTtlSeconds, kTtlSeconds);
  }
  return answer.bytes();
}

class Names {
 public:
  Names() : config_(make_config()), board_(config_), names_(config_, board_, {1, 2}) {}

  // Answers are made outside of the time that is measured.
  void run_until(Timestamp until, benchmark::State* state = nullptr) {
    while (names_.next_deadline() && *names_.next_deadline() <= until) {
      now_ = std::max(now_, *names_.next_deadline());
      out_.clear();
      names_.on_deadline(now_, out_);
      answer_all(state);
    }
    now_ = until;
  }
  [[nodiscard]] Timestamp now() const { return now_; }
  [[nodiscard]] const NameCache::Figures& figures() const { return names_.figures(); }
  [[nodiscard]] const SbcConfig& config() const { return config_; }
  [[nodiscard]] const policy::TargetBoard& board() const { return board_; }

 private:
  void answer_all(benchmark::State* state) {
    while (!out_.dns().empty()) {
      if (state != nullptr) state->PauseTiming();
      std::vector<DnsQuery> queries;
      queries.swap(out_.dns());
      std::vector<std::vector<std::uint8_t>> answers;
      for (const DnsQuery& query : queries) answers.push_back(answer_to(query));
      if (state != nullptr) state->ResumeTiming();
      for (std::size_t i = 0; i < queries.size(); ++i)
        names_.on_reply(now_, {queries[i].id, true, answers[i]}, out_);
    }
  }

  SbcConfig config_;
  policy::TargetBoard board_;
  PeerNames names_;
  EngineOutput out_;
  Timestamp now_{std::chrono::hours(1)};
};

void first_resolving(benchmark::State& state) {
  std::uint64_t answers = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Names names;
    state.ResumeTiming();
    names.run_until(names.now(), &state);
    answers += names.figures().answers;
  }
  state.counters["names/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * kPeers, benchmark::Counter::kIsRate);
  state.counters["answers"] = static_cast<double>(answers) / static_cast<double>(state.iterations());
}
BENCHMARK(first_resolving)->Unit(benchmark::kMillisecond)->Iterations(3);

// One iteration is one minute of the core's clock.
void keeping_fresh(benchmark::State& state) {
  Names names;
  names.run_until(names.now());
  const std::uint64_t before = names.figures().answers;
  for (auto _ : state) names.run_until(names.now() + std::chrono::minutes(1), &state);
  state.counters["answers/minute"] =
      static_cast<double>(names.figures().answers - before) / static_cast<double>(state.iterations());
}
BENCHMARK(keeping_fresh)->Unit(benchmark::kMillisecond)->Iterations(10);

void whose_source(benchmark::State& state) {
  Names names;
  names.run_until(names.now());
  NamedSources sources(names.config(), names.board());
  std::uint32_t n = 0;
  for (auto _ : state) {
    n = n * 1664525u + 1013904223u;
    benchmark::DoNotOptimize(
        sources.find(names.now(), RealmIndex{0}, IpAddress::v4(0xcb000000u + n % 40'000)));
  }
}
BENCHMARK(whose_source);

}  // namespace

BENCHMARK_MAIN();
