// record_bench.cpp — CPU of the record thread for the two records of a call: the line alone, the whole way
// through a RecordWriter to a disk that takes everything at once, and the journal on the disk of this
// machine.
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <new>

#include "mgmt/records/record_writer.h"

namespace {
std::uint64_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace sallyport;
using namespace sallyport::mgmt;

class NoFile : public DiskFile {
 public:
  std::error_code append(std::string_view bytes) override {
    size_ += bytes.size();
    return {};
  }
  std::error_code append_zeros(std::uint64_t count) override {
    size_ += count;
    return {};
  }
  std::error_code write_at(std::uint64_t, std::string_view) override { return {}; }
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
  for (const bool from_caller : {true, false}) {
    MediaRecord& media = out.media.emplace_back();
    media.stream = 1;
    media.from_caller = from_caller;
    media.codec = "PCMU/8000";
    media.local = {IpAddress::v4(0xc6120101), 20000};
    media.remote = {IpAddress::v4(0xc6120102), 40000};
  }
  if (type != CallRecordType::End) return out;
  out.end = now;
  out.ended_by = EndedBy::Caller;
  out.end_reason = "bye";
  out.media_reports = 1;
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

// 20 calls answered, 20 ended and 20 reports of streams in each group, as at 2,000 calls a second; a report
// comes 3 s after its call's end.
void both_records_of_a_call(benchmark::State& state) {
  constexpr std::uint64_t kCalls = 20, kGroupsUntilReport = 300;
  NoDisk disk;
  Timestamp now{1h};
  EventLog log({}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, [] { return kWall; });
  AlarmRegistry alarms(log, [] { return kWall; });
  RecordSettings settings;
  settings.node = "edge-1";
  settings.folder = "/nowhere";
  settings.sinks = {CdrSink{}};
  RecordWriter writer(settings, {disk, alarms, log, [] { return kWall; }, [&now] { return now; }, {}, {}});
  std::deque<std::unique_ptr<sip::EngineEvent>> waiting, spent;
  writer.add_source(
      {[&waiting]() -> std::unique_ptr<sip::EngineEvent> {
         if (waiting.empty()) return nullptr;
         auto event = std::move(waiting.front());
         waiting.pop_front();
         return event;
       },
       [&spent](std::unique_ptr<sip::EngineEvent> event) { spent.push_back(std::move(event)); }});
  if (!writer.replay({})) return state.SkipWithError("no journal");
  std::uint64_t call = 0, sequence = 0, allocated = 0;
  const auto tell = [&](decltype(sip::EngineEvent::what) what) {
    waiting.push_back(std::make_unique<sip::EngineEvent>(now, std::move(what)));
  };
  for (auto _ : state) {
    spent.clear();
    for (const CallRecordType type : {CallRecordType::Start, CallRecordType::End})
      for (std::uint64_t i = 1; i <= kCalls; ++i)
        tell(sip::RecordEvent{++sequence, record_of(type, call + i, now)});
    for (std::uint64_t i = 1; i <= kCalls && call >= kCalls * kGroupsUntilReport; ++i)
      tell(sip::MediaReportEvent{call - kCalls * kGroupsUntilReport + i, 1, {}});
    call += kCalls;
    now += 10ms;
    const std::uint64_t allocated_before = allocations;
    const double before = thread_seconds();
    static_cast<void>(writer.step());
    state.SetIterationTime(thread_seconds() - before);
    allocated += allocations - allocated_before;
  }
  state.counters["allocations_a_call"] = static_cast<double>(allocated) / static_cast<double>(call);
  state.counters["us_a_call"] = benchmark::Counter(static_cast<double>(call) * 1e-6,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(both_records_of_a_call)->UseManualTime();

// One group of 45,000 octets, as at 2,000 calls a second: CPU of the thread that syncs it.
void group_on_the_disk(benchmark::State& state) {
  std::string folder = (std::filesystem::temp_directory_path() / "sallyport-journal-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return state.SkipWithError("no folder");
  PosixDisk disk;
  Journal journal(disk, folder, static_cast<std::uint64_t>(state.range(0)));
  if (journal.rewrite({})) state.SkipWithError("no journal");
  const std::string entry(450, 'x');
  for (auto _ : state) {
    for (int i = 0; i < 100; ++i) journal.add(entry);
    const double before = thread_seconds();
    if (journal.commit()) state.SkipWithError("no sync");
    state.SetIterationTime(thread_seconds() - before);
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(group_on_the_disk)->Arg(0)->Arg(1 << 20)->UseManualTime()->Iterations(300);

void checksum_of_an_entry(benchmark::State& state) {
  const std::string entry(700, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32(entry));
}
BENCHMARK(checksum_of_an_entry);

}  // namespace

BENCHMARK_MAIN();
