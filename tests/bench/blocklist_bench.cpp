// blocklist_bench.cpp — a quarter of a million blocked prefixes: what a packet pays for the question, and
// what a change takes. Three of four are hosts, the others have the lengths that published lists have.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "policy/decide/blocklist.h"

namespace {

using namespace sallyport;
using policy::Block;
using policy::Blocklist;
using policy::BlockOrigin;
using policy::BlockTable;

constexpr std::uint32_t kPrefixes = 250'000;
constexpr Timestamp kNow{1h};

Prefix any_prefix(std::mt19937& random) {
  const IpAddress any = IpAddress::v4(static_cast<std::uint32_t>(random()) | 1);
  constexpr std::uint8_t kLengths[] = {24, 24, 24, 22, 23, 20, 19, 16};
  const std::uint8_t length = random() % 4 != 0 ? 32 : kLengths[random() % 8];
  return {Prefix{any, length}.network(), length};
}

Blocklist& full_list() {
  static const std::unique_ptr<Blocklist> list = [] {
    auto made = std::make_unique<Blocklist>(kPrefixes + 1, HashKey{1, 2});
    std::mt19937 random(1);
    while (made->prefixes() < kPrefixes)
      if (!made->put({any_prefix(random), BlockOrigin::Operator, true, kNow, Timestamp::max(), {}})) break;
    return made;
  }();
  return *list;
}

std::vector<IpAddress> sources(bool are_blocked) {
  std::mt19937 random(are_blocked ? 1 : 2);
  std::vector<IpAddress> out;
  while (out.size() < 1 << 17) {
    const IpAddress one =
        are_blocked ? any_prefix(random).address : IpAddress::v4(static_cast<std::uint32_t>(random()));
    const bool is = full_list().table().find(one, TrustClass::Known, kNow) != BlockTable::kNone;
    if (is == are_blocked) out.push_back(one);
  }
  return out;
}

void find(benchmark::State& state, bool are_blocked) {
  const BlockTable& table = full_list().table();
  const std::vector<IpAddress> asked = sources(are_blocked);
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(table.find(asked[i++ % asked.size()], TrustClass::Untrusted, kNow));
}
void blocked_sources_in_random_order(benchmark::State& state) { find(state, true); }
void other_sources_in_random_order(benchmark::State& state) { find(state, false); }
BENCHMARK(blocked_sources_in_random_order);
BENCHMARK(other_sources_in_random_order);

void one_blocked_source(benchmark::State& state) {
  const BlockTable& table = full_list().table();
  const IpAddress one = sources(true).front();
  for (auto _ : state) benchmark::DoNotOptimize(table.find(one, TrustClass::Untrusted, kNow));
}
BENCHMARK(one_blocked_source);

void block_and_unblock_a_host(benchmark::State& state) {
  Blocklist& list = full_list();
  const Block one{*parse_prefix("198.18.77.77"), BlockOrigin::Operator, true, kNow, kNow + 1h, "bench"};
  for (auto _ : state) {
    if (!list.put(one)) state.SkipWithError("no room");
    list.remove(one.prefix, one.origin);
  }
}
BENCHMARK(block_and_unblock_a_host);

void block_and_unblock_the_widest(benchmark::State& state) {
  Blocklist& list = full_list();
  const Block one{*parse_prefix("128.0.0.0/1"), BlockOrigin::Operator, true, kNow, kNow + 1h, "bench"};
  for (auto _ : state) {
    if (!list.put(one)) state.SkipWithError("no room");
    list.remove(one.prefix, one.origin);
  }
}
BENCHMARK(block_and_unblock_the_widest);

void read_a_whole_feed_again(benchmark::State& state) {
  Blocklist list(kPrefixes, HashKey{1, 2});
  for (auto _ : state) {
    std::mt19937 random(3);
    list.begin_feeds({"feed.txt"});
    for (std::uint32_t i = 0; i < kPrefixes; ++i)
      benchmark::DoNotOptimize(list.put_feed(any_prefix(random), 0, kNow));
    list.end_feeds();
  }
}
BENCHMARK(read_a_whole_feed_again)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace

BENCHMARK_MAIN();
