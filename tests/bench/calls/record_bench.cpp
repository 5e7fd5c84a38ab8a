// record_bench.cpp — CPU of the record thread for the two records of a call: the line alone, and the whole
// way through a RecordWriter to a disk that takes everything at once.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <ctime>

#include "mgmt/records/record_writer.h"

namespace {

using namespace sallyport;
using namespace sallyport::mgmt;

class NoFile : public DiskFile {
 public:
  std::error_code append(std::string_view bytes) override {
    size_ += bytes.size();
    return {};
  }
  std::error_code sync() override { return {}; }
  std::error_code truncate(std::uint64_t length) override {
    size_ = length;
    return {};
  }
  std::uint64_t size() const override { return size_; }

 private:
  std::uint64_t size_ = 0;
};

class NoDisk : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>, std::error_code> open(const std::string&, OpenFile) override {
    return std::make_unique<NoFile>();
  }
  Result<FileTail, std::error_code> read_tail(const std::string&, std::uint64_t) override {
    return FileTail{};
  }
  std::error_code rename(const std::string&, const std::string&) override { return {}; }
  std::error_code remove(const std::string&) override { return {}; }
  Result<std::vector<std::string>, std::error_code> list(const std::string&) override {
    return std::vector<std::string>{};
  }
  std::error_code sync_folder(const std::string&) override { return {}; }
};

CallRecord record_of(CallRecordType type, std::uint64_t call, Timestamp now) {
  CallRecord out;
  out.type = type;
  out.call = call;
  out.peer_in = "carrier";
  out.peer_out = "pbx";
  out.from = "sip:+15551000@198.18.1.2:5060;user=phone";
  out.to = "sip:+15552000@198.18.1.1:5060";
  out.called_in = "+15552000";
  out.called_out = "2000";
  out.route = "in-to-pbx";
  out.result = CallResult::Answered;
  out.sip_code = 200;
  out.legs = {{"outside", "udp", {IpAddress::v4(0xc6120102), 5060}, "b20000-17-3911@phone.invalid"},
              {"inside", "udp", {IpAddress::v4(0xc6120202), 5060}, "5d1f0c44a7e94b5c8b6f0a1122334455"}};
  out.tried = {{"pbx", {IpAddress::v4(0xc6120202), 5060}, 200}};
  out.start = now - 3s;
  out.ring = now - 2s;
  out.answer = now - 1s;
  if (type != CallRecordType::End) return out;
  out.end = now;
  out.ended_by = EndedBy::Caller;
  out.end_reason = "bye";
  return out;
}

const WallTime kWall{std::chrono::milliseconds(1795261675123)};

void line_of_an_end(benchmark::State& state) {
  const ClockPair clocks{Timestamp(1h), kWall};
  const Cdr cdr = make_cdr(record_of(CallRecordType::End, 77, clocks.core), clocks.core, clocks);
  for (auto _ : state) benchmark::DoNotOptimize(cdr_line(cdr, "edge-1"));
}
BENCHMARK(line_of_an_end);

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// 20 calls answered and 20 ended in each group, as at 2,000 calls a second.
void both_records_of_a_call(benchmark::State& state) {
  NoDisk disk;
  Timestamp now{1h};
  EventLog log({}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, [] { return kWall; });
  AlarmRegistry alarms(log, [] { return kWall; });
  RecordSettings settings;
  settings.node = "edge-1";
  settings.folder = "/nowhere";
  settings.sinks = {CdrSink{}};
  RecordWriter writer(settings, {disk, alarms, log, [] { return kWall; }, [&now] { return now; }, {}, {}});
  std::vector<sip::EngineEvent> waiting;
  writer.add_source([&waiting](std::vector<sip::EngineEvent>& out, std::size_t) {
    out.swap(waiting);
    waiting.clear();
  });
  if (!writer.replay({})) return state.SkipWithError("no journal");
  std::uint64_t call = 0, sequence = 0;
  for (auto _ : state) {
    for (const CallRecordType type : {CallRecordType::Start, CallRecordType::End})
      for (std::uint64_t i = 1; i <= 20; ++i)
        waiting.push_back({now, sip::RecordEvent{++sequence, record_of(type, call + i, now)}});
    call += 20;
    now += 10ms;
    const double before = thread_seconds();
    static_cast<void>(writer.step());
    state.SetIterationTime(thread_seconds() - before);
  }
  state.counters["us_a_call"] = benchmark::Counter(static_cast<double>(call) * 1e-6,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(both_records_of_a_call)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
