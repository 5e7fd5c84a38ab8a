// call_bench.cpp — CPU and allocations of one whole call through the core (INVITE, 180, 200, ACK, BYE, 200 on
// both legs, no I/O): the engine's own, of this thread. What the phones and the rim would do between the
// messages is not counted. Calls come 2,000 a second; what a call leaves behind for 32 s is there when
// `before` says that so many came before, and `up` of them are up at any time.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/call_fixture.h"

namespace {

// What the engine asks the heap for, and how much.
struct HeapUse {
  bool is_counted = false;
  std::uint64_t blocks = 0, bytes = 0;
} heap_use;

void* from_heap(std::size_t bytes) {
  if (heap_use.is_counted) {
    ++heap_use.blocks;
    heap_use.bytes += bytes;
  }
  void* const block = std::malloc(bytes);
  if (block == nullptr) std::abort();
  return block;
}

}  // namespace

void* operator new(std::size_t bytes) { return from_heap(bytes); }
void* operator new[](std::size_t bytes) { return from_heap(bytes); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

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
    heap_use.is_counted = true;
    work();
    heap_use.is_counted = false;
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
  WholeCall(std::uint32_t transactions_max, bool has_media, std::size_t up)
      : sdp_(has_media ? CallFixture::kSdp : ""), up_(up) {
    lift_limits(fixture_);
    fixture_.settings.transactions_max = transactions_max;
    fixture_.settings.calls_max = 10000;
    invite_ = has_media ? fixture_.invite().build() : fixture_.invite().body("", "").build();
  }
  // Seconds of one that begins and one that ends.
  double next() {
    fixture_.now += 250us;
    begin();
    if (answers_.size() > up_) end();
    call_.wait(250us);
    return call_.take_seconds();
  }
  void end_all() {
    while (!answers_.empty()) end();
  }
  [[nodiscard]] std::uint64_t left() { return fixture_.calls(); }

 private:
  static constexpr RealmIndex kOutside{0}, kInside{1};

  void begin() {
    const std::string first = fresh(invite_, ++number_);
    const SentMessage out = call_.put(kOutside, fixture_.carrier, first, "INVITE");
    const std::string ringing = CallFixture::answer(out, 180, "pbxtag", kContact);
    const std::string ok = CallFixture::answer(out, 200, "pbxtag", kContact, sdp_);
    (void)call_.put(kInside, fixture_.pbx, ringing, {});
    (void)call_.put(kInside, fixture_.pbx, ok, {});
    answers_.push_back(call_.journal("200"));
    (void)call_.put(kOutside, fixture_.carrier, fixture_.in_dialog("ACK", 1, answers_.back()), {});
  }
  void end() {
    const std::string bye = fixture_.in_dialog("BYE", 2, answers_.front());
    answers_.pop_front();
    const SentMessage bye_out = call_.put(kOutside, fixture_.carrier, bye, "BYE");
    (void)call_.journal({});
    const std::string done = CallFixture::answer(bye_out, 200, "");
    (void)call_.put(kInside, fixture_.pbx, done, {});
  }

  CallFixture fixture_;
  TimedCall call_{fixture_};
  std::string_view sdp_;
  std::size_t up_;
  std::deque<SentMessage> answers_;  // of the calls that are up, the oldest first
  std::string invite_;
  std::uint64_t number_ = 0;
};

void whole_call(benchmark::State& state) {
  WholeCall calls(static_cast<std::uint32_t>(state.range(0)), state.range(2) != 0,
                  static_cast<std::size_t>(state.range(3)));
  // Until the first transactions have ended, memory is touched for the first time.
  for (std::int64_t i = 0; i < state.range(1); ++i) (void)calls.next();
  const HeapUse before = heap_use;
  for (auto step : state) {
    (void)step;
    state.SetIterationTime(calls.next());
  }
  const auto for_each_call = [&state](std::uint64_t sum) {
    return static_cast<double>(sum) / static_cast<double>(state.iterations());
  };
  state.counters["blocks"] = for_each_call(heap_use.blocks - before.blocks);
  state.counters["heap_bytes"] = for_each_call(heap_use.bytes - before.bytes);
  calls.end_all();
  if (calls.left() != 0) state.SkipWithError("calls were left over");
}
BENCHMARK(whole_call)
    ->ArgNames({"table", "before", "media", "up"})
    ->Args({2'000'000, 0, 1, 0})
    ->Args({200'000, 0, 1, 0})
    ->Args({200'000, 70'000, 1, 0})
    ->Args({200'000, 70'000, 0, 0})    // the difference is what offer, answer and close cost
    ->Args({200'000, 70'000, 1, 240})  // as of phones: what one call gives back another one takes
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
