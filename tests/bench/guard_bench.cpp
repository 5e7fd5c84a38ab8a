// guard_bench.cpp — what classify and guard cost a packet: one source, and a million sources in random order.
//
// Bursts of 32 in real buffers. `filled` is the cost of preparing a burst (what the parse stage leaves behind
// is written anew), to be taken off the others; `parsed` has the parse stage in it. `whole_path` runs real
// frames of 214 octets, written beforehand into as many buffers as a ring has, through all that a stranger's
// packet meets: parse, fragments, classify, guard, counting, free; buffers are filled outside of what is
// timed. `refused` has the usual limits, `admitted` none. In `earned/others` a hundred thousand other flows
// have earned trust, in `earned/all` all that send have. Counter per_packet counts.
#include <benchmark/benchmark.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/fragment_stage.h"
#include "dataplane/stages/guard_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "dataplane/worker/dropped_sources.h"
#include "tests/support/packet_builder.h"

using namespace sallyport;
using namespace sallyport::dataplane;

namespace {

constexpr std::size_t kBurst = 32;
constexpr std::size_t kBuffers = 2048;

SbcConfig bench_config(bool has_limits) {
  SbcConfig config = test::small_config();
  config.dataplane.capacity.sources = 1'000'000;
  if (has_limits) return config;
  // Nobody is refused, so that every packet passes every bucket.
  config.security.limits.source = {{1'000'000'000, std::chrono::seconds(1)}, 1'000'000'000};
  config.security.limits.prefix.limit = config.security.limits.source;
  config.security.limits.unknown = {1'000'000'000, std::chrono::seconds(1)};
  return config;
}

enum class Earned { Nobody, Others, All };

struct Bench {
  SbcConfig config;
  PortTable ports = test::ports_of(config);
  policy::SourceClassifier sources{config};
  ParseStage parse{ports};
  ClassifyStage classify{ListenerTable(config, ports)};
  policy::EarnedTrust earned;
  GuardStage guard{config, sources, HashKey{0x1234, 0x5678}, 1, {.blocks = nullptr, .earned = &earned}};
  DroppedSources dropped{HashKey{3, 4}};
  std::vector<PortCounters> counters{config.ports.size()};
  FragmentStage fragment{{ports, sources, counters}, FragmentLimits{}, HashKey{1, 2}};
  test::Bytes frame;
  std::vector<rte_mbuf*> buffers;
  std::vector<std::uint32_t> order;  // source addresses, a million different ones in random order
  std::size_t next_buffer = 0, next_source = 0;
  Timestamp now{std::chrono::hours(1)};
  Burst burst;

  Bench(rte_mempool* pool, bool has_limits, Earned who = Earned::Nobody)
      : config(bench_config(has_limits)), earned(who == Earned::All ? 1'000'000 : 100'000, HashKey{7, 8}) {
    frame = test::ethernet(test::ipv4(test::udp(test::Bytes(172, 'x'))));
    for (std::size_t i = 0; i < kBuffers; ++i) {
      rte_mbuf* made = rte_pktmbuf_alloc(pool);
      std::copy(frame.begin(), frame.end(),
                rte_pktmbuf_append(made, static_cast<std::uint16_t>(frame.size())));
      buffers.push_back(made);
    }
    for (std::uint32_t i = 0; i < 1'000'000; ++i) order.push_back(0x0b000000u + i * 37u);
    std::shuffle(order.begin(), order.end(), std::mt19937(1));
    if (who == Earned::Others)
      for (std::uint32_t i = 0; i < 100'000; ++i) promote(0x20000000u + i);
    if (who == Earned::All)
      for (const std::uint32_t source : order) promote(source);
    burst.count = kBurst;
    for (rte_mbuf* buffer : buffers) {
      burst.count = 1;
      burst.packets[0] = buffer;
      parse.process(now, burst);
    }
    burst.count = kBurst;
  }

  void promote(std::uint32_t source) {
    earned.promote(RealmIndex{0}, {IpAddress::v4(source), 5060}, now, now + std::chrono::hours(24));
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
rte_mempool* the_pool = nullptr;

// As many as a device's ring of 2,048 entries turns over.
constexpr std::size_t kPathBuffers = 2048;

// A right frame of 214 octets of that source.
void write_source(rte_mbuf* buffer, std::uint32_t source) {
  auto* ip = rte_pktmbuf_mtod_offset(buffer, std::uint8_t*, kEthernetBytes);
  auto* udp = ip + kIpv4Bytes;
  store32(ip + 12, source);
  store16(ip + 10, 0);
  InternetSum header;
  header.add({ip, kIpv4Bytes});
  store16(ip + 10, header.checksum());
  store16(udp + 6, 0);
  InternetSum sum;
  const std::uint16_t length = load16(udp + 4);
  sum.add_pseudo_header(IpAddress::v4(source), IpAddress::v4(load32(ip + 16)), kProtocolUdp, length);
  sum.add({udp, length});
  store16(udp + 6, sum.checksum());
}

// What Worker does with a burst of which nothing is handed over.
void run_path(Bench& bench) {
  Burst& burst = bench.burst;
  bench.parse.process(bench.now, burst);
  bench.fragment.process(bench.now, burst);
  bench.classify.process(bench.now, burst);
  bench.guard.process(bench.now, burst);
  for (std::size_t i = 0; i < burst.count; ++i) {
    const PacketMeta& meta = *burst.meta[i];
    PortCounters& counters = bench.counters[to_position(meta.port)];
    const auto packet_class = static_cast<std::size_t>(meta.packet_class);
    counters.rx_packets[packet_class].add();
    counters.rx_bytes[packet_class].add(burst.packets[i]->pkt_len);
  }
  for (std::size_t i = 0; i < burst.count; ++i) {
    const DropReason reason =
        burst.verdicts[i] == Verdict::Drop ? burst.drop_reasons[i] : DropReason::UnusedProtocol;
    bench.counters[to_position(burst.meta[i]->port)].dropped.add(reason);
    if (is_of_source(reason)) bench.dropped.note(bench.now, *burst.meta[i], reason);
    rte_pktmbuf_free(burst.packets[i]);
  }
}

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

// Of this thread: what else runs on the machine takes caches, but no time.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void whole_path(benchmark::State& state, Bench* bench, bool many) {
  std::vector<rte_mbuf*> fresh(kPathBuffers);
  for (auto _ : state) {
    if (rte_pktmbuf_alloc_bulk(the_pool, fresh.data(), kPathBuffers) != 0) std::abort();
    for (rte_mbuf* buffer : fresh) {
      std::ranges::copy(bench->frame,
                        rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(bench->frame.size())));
      write_source(buffer, many ? bench->order[bench->next_source++ % bench->order.size()] : 0xc6120163u);
    }
    const double begin = cpu_seconds();
    for (std::size_t at = 0; at < kPathBuffers; at += kBurst) {
      std::copy_n(&fresh[at], kBurst, bench->burst.packets.begin());
      bench->now += std::chrono::microseconds(3);
      run_path(*bench);
    }
    state.SetIterationTime(cpu_seconds() - begin);
  }
  state.counters["per_packet"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kPathBuffers),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["sources"] = static_cast<double>(bench->guard.sources_tracked());
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
                                   "256",
                                   "--log-level=error",
                                   "--file-prefix=guard_bench_" + std::to_string(getpid())};
  std::array<char*, words.size() + 1> arguments{};
  std::transform(words.begin(), words.end(), arguments.begin(),
                 [](std::string& word) { return word.data(); });
  if (rte_eal_init(static_cast<int>(words.size()), arguments.data()) < 0) return 1;
  rte_mempool* pool = rte_pktmbuf_pool_create("packets", 16383, 0, 128, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
  if (pool == nullptr) return 1;
  the_pool = pool;
  const auto bench = std::make_unique<Bench>(pool, false), limited = std::make_unique<Bench>(pool, true),
             beside = std::make_unique<Bench>(pool, true, Earned::Others),
             proved = std::make_unique<Bench>(pool, false, Earned::All);
  the_bench = bench.get();
  benchmark::RegisterBenchmark("filled/one_source", filled, false);
  benchmark::RegisterBenchmark("filled/million_sources", filled, true);
  benchmark::RegisterBenchmark("classify_guard/one_source", classified_and_guarded, false);
  benchmark::RegisterBenchmark("classify_guard/million_sources", classified_and_guarded, true);
  benchmark::RegisterBenchmark("parsed/214_octets", parsed);
  for (const bool many : {false, true}) {
    const std::string sources = many ? "million_sources" : "one_source";
    // A million sources are several hundred batches: the first figures would be of a table not yet full.
    const double warm_up = many ? 1.0 : 0.1;
    const auto add = [&](const char* name, Bench* of) {
      benchmark::RegisterBenchmark((name + sources).c_str(), whole_path, of, many)
          ->UseManualTime()
          ->MinWarmUpTime(warm_up);
    };
    add("whole_path/refused/", limited.get());
    add("whole_path/admitted/", bench.get());
    add("earned/others/", beside.get());
    add("earned/all/", proved.get());
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  rte_eal_cleanup();
}
