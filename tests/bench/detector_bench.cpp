// detector_bench.cpp — what detectors cost a message (the goal is about 100 ns each, warm), from one source
// and from a million in turn.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "policy/detect/detector_board.h"

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};

struct World {
  EarnedTrust earned{100'000, kKey};
  DetectorsConfig config;
  DetectorBoard board{config, 1'000'000, kKey, earned};
  std::vector<std::string> names;
  Timestamp now{100h};
  std::uint32_t sources, next = 0;

  explicit World(const benchmark::State& state) : sources(static_cast<std::uint32_t>(state.range(0))) {
    for (int i = 0; i < 4096; ++i) names.push_back("+4930" + std::to_string(1'000'000 + i * 211));
  }
  Actor actor() {
    next = (next + 1) % sources;
    now += 20ms;  // below every limit: nothing is to be said
    return {.realm = RealmIndex{0}, .source = {IpAddress::v4(0x0a000000u + next * 7), 5060}};
  }
  [[nodiscard]] const std::string& name() const { return names[next % names.size()]; }
};

void BM_IsPunished(benchmark::State& state) {
  World world(state);
  const Actor wrong = world.actor();
  world.earned.promote(wrong.realm, {wrong.source.address, 1}, world.now, world.now + 1000h);
  for (int i = 0; i < 31; ++i) (void)world.board.on_malformed(world.now, wrong);  // so that there is one
  for (auto _ : state) benchmark::DoNotOptimize(world.board.is_punished(world.now, world.actor()));
}
void BM_OnMalformed(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    world.now += 3s;
    benchmark::DoNotOptimize(world.board.on_malformed(world.now, world.actor()));
  }
}
void BM_OnUnheard(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    const Actor actor = world.actor();
    benchmark::DoNotOptimize(world.board.on_unheard(world.now, actor, world.names[world.next % 16]));
  }
}
void BM_OnLoginFailure(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    world.now += 30s;
    const Actor actor = world.actor();
    benchmark::DoNotOptimize(world.board.on_login_failure(world.now, actor, world.name()));
  }
}
void BM_BeforeCallOfStranger(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    world.now += 2s;
    const Actor actor = world.actor();
    benchmark::DoNotOptimize(world.board.before_call(world.now, actor, {.called = world.name()}));
  }
}
void BM_BeforeCallOfPeer(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    Actor actor = world.actor();
    actor.trust = TrustClass::Known;
    actor.is_peer = true;
    actor.account = 77;
    world.now += 200ms;
    benchmark::DoNotOptimize(world.board.before_call(world.now, actor, {.called = world.name()}));
  }
}
void BM_OnAnswered(benchmark::State& state) {
  World world(state);
  for (auto _ : state) {
    const Actor actor = world.actor();
    world.board.on_answered(world.now, actor, world.name());
  }
}
// What a flood pays: over its limit, told by nobody.
void BM_FloodBeyondItsLimit(benchmark::State& state) {
  World world(state);
  for (int i = 0; i < 1000; ++i) (void)world.board.on_malformed(world.now, world.actor());
  for (auto _ : state) {
    world.next = 0;
    Actor actor = world.actor();
    world.now -= 20ms;
    benchmark::DoNotOptimize(world.board.on_malformed(world.now, actor));
  }
}
BENCHMARK(BM_IsPunished)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_OnMalformed)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_OnUnheard)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_OnLoginFailure)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_BeforeCallOfStranger)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_BeforeCallOfPeer)->Arg(1);
BENCHMARK(BM_OnAnswered)->Arg(1)->Arg(1'000'000);
BENCHMARK(BM_FloodBeyondItsLimit)->Arg(1);

}  // namespace
}  // namespace sallyport::policy

BENCHMARK_MAIN();
