// call_bench.cpp — CPU of one whole call through the core (INVITE, 180, 200, ACK, BYE, 200 on both legs, no
// I/O), and of its far-leg INVITE alone. What the phones would do between the messages is not timed.
#include <benchmark/benchmark.h>

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

void whole_call(benchmark::State& state) {
  CallFixture fixture;
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

}  // namespace

BENCHMARK_MAIN();
