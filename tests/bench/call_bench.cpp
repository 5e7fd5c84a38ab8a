// call_bench.cpp — CPU of one whole call through the core (INVITE, 180, 200, ACK, BYE, 200 on both legs, no
// I/O): the engine's own, of this thread. What the phones and the rim would do between the messages is not
// timed.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>
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

// Drives the engine of a fixture and times it alone, in CPU of this thread: other work on the machine is not
// counted.
class TimedCall {
 public:
  explicit TimedCall(CallFixture& fixture) : fixture_(fixture) {}

  // The datagram that begins with that method or status among those that `bytes` led to; none: the first.
  SentMessage put(RealmIndex realm, const Endpoint& remote, std::string_view bytes, std::string_view wanted) {
    sip::MessageInput input;
    input.realm = realm;
    input.peer = PeerIndex{static_cast<std::uint16_t>(realm)};
    input.trust = TrustClass::Known;
    input.local = {fixture_.config.realms[to_position(realm)].listen[0].addresses[0], 5060};
    input.remote = remote;
    input.bytes = bytes;
    return run([&] { fixture_.engine().on_message(fixture_.now, input, out_); }, wanted);
  }
  SentMessage journal(std::string_view wanted) {
    return run([&] { fixture_.engine().on_journalled(fixture_.now, sequence_, out_); }, wanted);
  }
  void wait(Duration time) {
    fixture_.now += time;
    (void)run(
        [&] {
          const auto deadline = fixture_.engine().next_deadline();
          if (deadline && *deadline <= fixture_.now) fixture_.engine().on_deadline(fixture_.now, out_);
        },
        {});
  }
  [[nodiscard]] double take_seconds() { return std::exchange(elapsed_, 0); }

 private:
  template <class Work>
  SentMessage run(Work&& work, std::string_view wanted) {
    const double start = thread_seconds();
    work();
    elapsed_ += thread_seconds() - start - reading_;
    for (const sip::EngineEvent& event : out_.events())
      if (const auto* const record = std::get_if<sip::RecordEvent>(&event.what)) sequence_ = record->sequence;
    SentMessage found;
    for (const sip::SendMessage& send : out_.sends())
      if (!wanted.empty() && send.bytes.find(wanted) < 9)
        found = {std::string(send.bytes), send.path, send.is_again};
    fixture_.carry_out(out_);
    out_.clear();  // the rim hands events on, and another thread frees them
    return found;
  }
  [[nodiscard]] static double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }
  // What two readings of that clock, a system call each, show between them of themselves.
  [[nodiscard]] static double least_reading() {
    double least = 1;
    for (unsigned i = 0; i < 10000; ++i) {
      const double start = thread_seconds();
      least = std::min(least, thread_seconds() - start);
    }
    return least;
  }
  CallFixture& fixture_;
  const double reading_ = least_reading();
  sip::EngineOutput out_;
  std::uint64_t sequence_ = 0;
  double elapsed_ = 0;
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

void lift_limits(CallFixture& fixture) {
  for (RealmConfig& realm : fixture.config.realms) {
    realm.limits = {1'000'000, {1'000'000, 1s}};
    realm.media.ports = {10000, 59999};
  }
  fixture.keeps_books = false;
}

class WholeCall {
 public:
  WholeCall(std::uint32_t transactions_max, bool has_media) : sdp_(has_media ? CallFixture::kSdp : "") {
    lift_limits(fixture_);
    fixture_.settings.transactions_max = transactions_max;
    fixture_.settings.calls_max = 10000;
    invite_ = has_media ? fixture_.invite().build() : fixture_.invite().body("", "").build();
  }
  // Seconds of the next one.
  double next() {
    constexpr RealmIndex kOutside{0}, kInside{1};
    const std::string first = fresh(invite_, ++number_);
    fixture_.now += 1ms;
    const SentMessage out = call_.put(kOutside, fixture_.carrier, first, "INVITE");
    const std::string ringing = CallFixture::answer(out, 180, "pbxtag", kContact);
    const std::string ok = CallFixture::answer(out, 200, "pbxtag", kContact, sdp_);
    (void)call_.put(kInside, fixture_.pbx, ringing, {});
    (void)call_.put(kInside, fixture_.pbx, ok, {});
    const SentMessage answer = call_.journal("200");
    const std::string ack = fixture_.in_dialog("ACK", 1, answer), bye = fixture_.in_dialog("BYE", 2, answer);
    (void)call_.put(kOutside, fixture_.carrier, ack, {});
    const SentMessage bye_out = call_.put(kOutside, fixture_.carrier, bye, "BYE");
    (void)call_.journal({});
    const std::string done = CallFixture::answer(bye_out, 200, "");
    (void)call_.put(kInside, fixture_.pbx, done, {});
    call_.wait(1ms);
    return call_.take_seconds();
  }
  [[nodiscard]] std::uint64_t left() { return fixture_.calls(); }

 private:
  CallFixture fixture_;
  TimedCall call_{fixture_};
  std::string_view sdp_;
  std::string invite_;
  std::uint64_t number_ = 0;
};

void whole_call(benchmark::State& state) {
  WholeCall calls(static_cast<std::uint32_t>(state.range(0)), state.range(2) != 0);
  // Until the first transactions have ended, memory is touched for the first time.
  for (std::int64_t i = 0; i < state.range(1); ++i) (void)calls.next();
  for (auto step : state) {
    (void)step;
    state.SetIterationTime(calls.next());
  }
  if (calls.left() != 0) state.SkipWithError("calls were left over");
}
BENCHMARK(whole_call)
    ->ArgNames({"table", "before", "media"})
    ->Args({2'000'000, 0, 1})
    ->Args({200'000, 0, 1})
    ->Args({200'000, 20'000, 1})
    ->Args({200'000, 20'000, 0})  // the difference is what offer, answer and close cost
    ->UseManualTime()
    ->Iterations(20000)
    ->Repetitions(5)
    ->ReportAggregatesOnly();

// Memory of a call that is up and whose transactions have ended, the ring of messages apart. Asked of one
// without media: at most 6 KB.
void established_call_memory(benchmark::State& state) {
  constexpr std::uint64_t kCalls = 5000;
  const bool has_media = state.range(0) != 0;
  const std::string_view sdp = has_media ? CallFixture::kSdp : "";
  for (auto step : state) {
    (void)step;
    CallFixture fixture;
    lift_limits(fixture);
    fixture.settings.transactions_max = 100'000;
    fixture.settings.calls_max = 2 * kCalls;
    fixture.settings.message_ring_bytes = 4096;
    const std::string invite = has_media ? fixture.invite().build() : fixture.invite().body("", "").build();
    const auto place = [&](std::uint64_t number) {
      const SentMessage out = only(fixture.from_carrier(fresh(invite, number)), "INVITE");
      (void)fixture.from_pbx(CallFixture::answer(out, 180, "pbxtag", kContact));
      (void)fixture.from_pbx(CallFixture::answer(out, 200, "pbxtag", kContact, sdp));
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
BENCHMARK(established_call_memory)
    ->ArgName("media")
    ->Arg(1)
    ->Arg(0)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
