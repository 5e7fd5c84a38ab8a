// call_bench.cpp — CPU of one whole call through the core (INVITE, 180, 200, ACK, BYE, 200 on both legs, no
// I/O), and of its far-leg INVITE alone. What the phones would do between the messages is not timed.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <ctime>
#include <string>
#include <vector>

#include "tests/support/call_fixture.h"

namespace {

using namespace sallyport;
using tests::CallFixture;
using tests::SentMessage;

// What callers send, with fresh names for each call.
std::string fresh(std::string text, std::uint64_t call) {
  const std::string number = std::to_string(call);
  for (const char* const name : {"callertag", "callerbranch", "near-call-id"})
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
      text.insert(at + std::string_view(name).size(), number);
  return text;
}

// CPU of this thread: other work on the machine is not counted.
class Stopwatch {
 public:
  template <class Work>
  auto time(Work&& work) {
    const double start = thread_seconds();
    auto result = work();
    elapsed_ += thread_seconds() - start;
    return result;
  }
  [[nodiscard]] double seconds() const { return elapsed_; }

 private:
  [[nodiscard]] static double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }
  double elapsed_ = 0;
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

void lift_limits(CallFixture& fixture) {
  for (RealmConfig& realm : fixture.config.realms) realm.limits = {1'000'000, {1'000'000, 1s}};
}

void whole_call(benchmark::State& state) {
  CallFixture fixture;
  lift_limits(fixture);
  fixture.settings.transactions_max = 2'000'000;
  fixture.settings.calls_max = 10000;
  const std::string invite = fixture.invite().build();
  std::uint64_t number = 0;
  for (auto step : state) {
    (void)step;
    Stopwatch watch;
    const std::string first = fresh(invite, ++number);
    fixture.now += 1ms;
    const auto sent = watch.time([&] { return fixture.from_carrier(first); });
    const SentMessage out = only(sent, "INVITE");
    const std::string ringing = CallFixture::answer(out, 180, "pbxtag", kContact);
    const std::string ok = CallFixture::answer(out, 200, "pbxtag", kContact, CallFixture::kSdp);
    watch.time([&] { return fixture.from_pbx(ringing); });
    watch.time([&] { return fixture.from_pbx(ok); });
    const SentMessage answer = only(watch.time([&] { return fixture.journal(); }), "200");
    const std::string ack = fixture.in_dialog("ACK", 1, answer), bye = fixture.in_dialog("BYE", 2, answer);
    watch.time([&] { return fixture.from_carrier(ack); });
    const SentMessage bye_out = only(watch.time([&] { return fixture.from_carrier(bye); }), "BYE");
    watch.time([&] { return fixture.journal(); });
    const std::string done = CallFixture::answer(bye_out, 200, "");
    watch.time([&] { return fixture.from_pbx(done); });
    watch.time([&] { return fixture.wait(1ms); });
    fixture.events.clear();
    state.SetIterationTime(watch.seconds());
  }
  if (fixture.calls() != 0) state.SkipWithError("calls were left over");
}
BENCHMARK(whole_call)->UseManualTime()->Iterations(20000)->Repetitions(5)->ReportAggregatesOnly();

// Memory of a call that is up and whose transactions have ended, the ring of messages apart.
void established_call_memory(benchmark::State& state) {
  constexpr std::uint64_t kCalls = 5000;
  for (auto step : state) {
    (void)step;
    CallFixture fixture;
    lift_limits(fixture);
    fixture.settings.transactions_max = 100'000;
    fixture.settings.calls_max = 2 * kCalls;
    fixture.settings.message_ring_bytes = 4096;
    const std::string invite = fixture.invite().build();
    const auto place = [&](std::uint64_t number) {
      const SentMessage out = only(fixture.from_carrier(fresh(invite, number)), "INVITE");
      (void)fixture.from_pbx(CallFixture::answer(out, 180, "pbxtag", kContact));
      (void)fixture.from_pbx(CallFixture::answer(out, 200, "pbxtag", kContact, CallFixture::kSdp));
      (void)fixture.from_carrier(fixture.in_dialog("ACK", 1, only(fixture.journal(), "200")));
      fixture.events.clear();
    };
    // What the tables keep for reuse is there before and after.
    for (std::uint64_t number = 1; number <= kCalls; ++number) place(number);
    (void)fixture.wait(1min);
    const std::size_t before = mallinfo2().uordblks;
    for (std::uint64_t number = kCalls + 1; number <= 2 * kCalls; ++number) place(number);
    (void)fixture.wait(1min);
    const std::size_t after = mallinfo2().uordblks;
    state.counters["bytes_per_call"] = static_cast<double>(after - before) / static_cast<double>(kCalls);
    if (fixture.calls() != 2 * kCalls) state.SkipWithError("calls were lost");
  }
}
BENCHMARK(established_call_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
