// guard_bench.cpp — what classify and guard cost a packet: one source, and a million sources in random order.
//
// Bursts of 32 in real buffers. `filled` is the cost of preparing a burst (what the parse stage leaves behind
// is written anew), to be taken off the others; `parsed` has the parse stage in it. Counter per_packet
// counts.
#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/guard_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "tests/support/packet_builder.h"

using namespace sallyport;
using namespace sallyport::dataplane;

namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kBuffers = 2048;

SbcConfig bench_config() {
  SbcConfig config = test::small_config();
  config.dataplane.capacity.sources = 1'000'000;
  // Nobody is refused, so that every packet passes every bucket.
  config.security.limits.source = {{1'000'000'000, std::chrono::seconds(1)}, 1'000'000'000};
  config.security.limits.prefix.limit = config.security.limits.source;
  config.security.limits.unknown = {1'000'000'000, std::chrono::seconds(1)};
  return config;
}

struct Bench {
  SbcConfig config = bench_config();
  PortTable ports = test::ports_of(config);
  policy::SourceClassifier sources{config};
  ParseStage parse{ports};
  ClassifyStage classify{ListenerTable(config, ports)};
  GuardStage guard{config, sources, HashKey{0x1234, 0x5678}};
  std::vector<rte_mbuf*> buffers;
  std::vector<std::uint32_t> order;  // source addresses, a million different ones in random order
  std::size_t next_buffer = 0, next_source = 0;
  Timestamp now{std::chrono::hours(1)};
  Burst burst;

  explicit Bench(rte_mempool* pool) {
    const test::Bytes frame = test::ethernet(test::ipv4(test::udp(test::Bytes(172, 'x'))));
    for (std::size_t i = 0; i < kBuffers; ++i) {
      rte_mbuf* made = rte_pktmbuf_alloc(pool);
      std::copy(frame.begin(), frame.end(),
                rte_pktmbuf_append(made, static_cast<std::uint16_t>(frame.size())));
      buffers.push_back(made);
    }
    for (std::uint32_t i = 0; i < 1'000'000; ++i) order.push_back(0x0b000000u + i * 37u);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    burst.count = kBurst;
    for (rte_mbuf* buffer : buffers) {
      burst.count = 1;
      burst.packets[0] = buffer;
      parse.process(now, burst);
    }
    burst.count = kBurst;
  }

  // Takes the next 32 buffers and writes what the parse stage would have found in them.
  void fill(bool many) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      rte_mbuf* buffer = buffers[next_buffer++ % kBuffers];
      burst.packets[i] = buffer;
      burst.meta[i] = meta_of(buffer);
      burst.verdicts[i] = Verdict::Continue;
      PacketMeta& meta = *burst.meta[i];
      meta.source = IpAddress::v4(many ? order[next_source++ % order.size()] : 0xc6120163u);
      meta.packet_class = PacketClass::Unknown;
      meta.realm = RealmIndex::kNone;
      meta.listener = ListenerIndex::kNone;
    }
    now += std::chrono::microseconds(3);
  }
};

Bench* the_bench = nullptr;

void report(benchmark::State& state) {
  state.counters["per_packet"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kBurst),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void filled(benchmark::State& state, bool many) {
  for (auto _ : state) {
    the_bench->fill(many);
    benchmark::ClobberMemory();
  }
  report(state);
}

void classified_and_guarded(benchmark::State& state, bool many) {
  Bench& bench = *the_bench;
  if (many)
    for (std::size_t i = 0; i < bench.order.size() / kBurst;
         ++i) {  // the table is full before the clock runs
      bench.fill(true);
      bench.classify.process(bench.now, bench.burst);
      bench.guard.process(bench.now, bench.burst);
    }
  for (auto _ : state) {
    bench.fill(many);
    bench.classify.process(bench.now, bench.burst);
    bench.guard.process(bench.now, bench.burst);
    benchmark::ClobberMemory();
  }
  report(state);
  state.counters["sources"] = static_cast<double>(bench.guard.sources_tracked());
}

void parsed(benchmark::State& state) {
  Bench& bench = *the_bench;
  for (auto _ : state) {
    bench.fill(false);
    bench.parse.process(bench.now, bench.burst);
    benchmark::ClobberMemory();
  }
  report(state);
}

}  // namespace

int main(int argc, char** argv) {
  std::array<std::string, 9> words{argv[0],
                                   "--no-huge",
                                   "--no-pci",
                                   "--no-telemetry",
                                   "--no-shconf",
                                   "-m",
                                   "128",
                                   "--log-level=error",
                                   "--file-prefix=guard_bench_" + std::to_string(getpid())};
  std::array<char*, words.size() + 1> arguments{};
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  if (rte_eal_init(static_cast<int>(words.size()), arguments.data()) < 0) return 1;
  rte_mempool* pool = rte_pktmbuf_pool_create("packets", 4095, 0, 128, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
  if (pool == nullptr) return 1;
  const auto bench = std::make_unique<Bench>(pool);
  the_bench = bench.get();
  benchmark::RegisterBenchmark("filled/one_source", filled, false);
  benchmark::RegisterBenchmark("filled/million_sources", filled, true);
  benchmark::RegisterBenchmark("classify_guard/one_source", classified_and_guarded, false);
  benchmark::RegisterBenchmark("classify_guard/million_sources", classified_and_guarded, true);
  benchmark::RegisterBenchmark("parsed/214_octets", parsed);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  rte_eal_cleanup();
}
