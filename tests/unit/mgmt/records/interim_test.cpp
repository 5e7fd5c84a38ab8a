// interim_test.cpp — the interim records of calls that are up for long, in virtual time: at 15, 30, 45, ...
// minutes after the answer, over restarts too, and never in the way of other records.
#include <gmock/gmock.h>

#include <random>

#include "mgmt/records/interim_timers.h"
#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;

std::vector<nlohmann::json> interims(const Machine& machine) {
  std::vector<nlohmann::json> out;
  for (auto& line : cdr_lines(machine.disk))
    if (line["type"] == "interim") out.push_back(std::move(line));
  return out;
}

std::vector<std::uint64_t> durations(const std::vector<nlohmann::json>& lines) {
  std::vector<std::uint64_t> out;
  for (const auto& line : lines) out.push_back(line["duration_ms"]);
  return out;
}

constexpr std::uint64_t kEveryMs = 15 * 60 * 1000;

TEST(Interim, ComesEveryFifteenMinutesOfAnAnsweredCallAndNotAfterItsEnd) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(5);
  process.run(15min - 1ms);
  EXPECT_TRUE(interims(machine).empty());
  process.run(30min + 10s);
  EXPECT_THAT(durations(interims(machine)), ElementsAre(kEveryMs, 2 * kEveryMs, 3 * kEveryMs));
  process.end(5);
  process.run(2h);
  const auto lines = cdr_lines(machine.disk);
  EXPECT_THAT(types(lines), ElementsAre("start", "interim", "interim", "interim", "end"));
  EXPECT_THAT(seqs(lines), ElementsAre(1, 2, 3, 4, 5));
}

TEST(Interim, HasTheFieldsOfTheCallAsFarAsTheyAreKnown) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(5);
  process.run(15min + 2s);
  const auto lines = cdr_lines(machine.disk);
  ASSERT_EQ(lines.size(), 2u);
  for (const char* name :
       {"id", "node", "peer_in", "peer_out", "from", "to", "called_in", "called_out", "route", "tried",
        "start", "ring", "answer", "setup_ms", "legs", "media", "sip_code"})
    EXPECT_EQ(lines[1][name], lines[0][name]) << name;
  for (const char* name : {"end", "media_end", "ended_by", "end_reason"})
    EXPECT_TRUE(lines[1][name].is_null()) << name;
}

TEST(Interim, IsNotWrittenForACallThatWasNeverAnswered) {
  Machine machine;
  Process process(machine);
  start(process);
  process.end(1);
  process.run(1h);
  EXPECT_THAT(types(cdr_lines(machine.disk)), ElementsAre("end"));
}

TEST(Interim, GoesOnFromTheAnswerForCallsThatOutliveAKill) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.answer(2);
    process.run(20min);  // killed
  }
  machine.advance(4min);
  machine.now = Timestamp(7s);  // the machine was started anew: another clock of the core
  Process process(machine);
  start(process, {1});
  process.run(6min - 1ms);
  ASSERT_EQ(interims(machine).size(), 2u);
  process.run(15min + 2s);
  const auto lines = interims(machine);
  EXPECT_THAT(durations(lines), ElementsAre(kEveryMs, kEveryMs, 2 * kEveryMs, 3 * kEveryMs));
  EXPECT_EQ(lines[3]["id"], call_id_text(1)) << "the other was ended by the restart";
}

TEST(Interim, OneThatWasMissedIsMadeGoodByTheNext) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(1min);
  }
  machine.advance(40min);
  Process process(machine);
  start(process, {1});
  process.run(5min);
  EXPECT_THAT(durations(interims(machine)), ElementsAre(3 * kEveryMs));
}

TEST(Interim, CostsNoSyncOfItsOwn) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(1);
  process.run(14min);
  int syncs = 0;
  machine.disk.on_operation = [&](DiskOperation operation, const std::string& path) {
    if (operation == DiskOperation::Sync && path == kJournal + ".new") ++syncs;
  };
  process.run(30s);
  const int before = std::exchange(syncs, 0);
  process.run(60s);
  EXPECT_EQ(interims(machine).size(), 1u);
  EXPECT_LE(syncs, 2 * before + 1) << "there is one a second while calls are up: it goes with that";
}

TEST(Interim, ManyAtOneMomentDelayNoEnd) {
  constexpr std::uint64_t kCalls = 5000;
  Machine machine;
  Process process(machine);
  start(process);
  for (std::uint64_t call = 1; call <= kCalls; ++call) process.answer(call);
  process.run(15min - 5ms);
  std::map<std::uint64_t, Timestamp> ended;
  std::uint64_t last = 0;
  for (std::uint64_t call = 1; call <= 100; ++call) {
    ended[last = process.end(call, 1)] = machine.now;
    process.run(3ms);
  }
  process.run(5s);
  EXPECT_EQ(process.durable[1], last);
  for (const auto& [sequence, when] : ended)
    EXPECT_LE(process.durable_at.lower_bound({1, sequence})->second - when, RecordWriter::kGroupWindow);
  EXPECT_GE(interims(machine).size(), kCalls - 100);
  EXPECT_LE(interims(machine).size(), kCalls);
}

TEST(Interim, TakesNoRoomFromOtherRecordsWhileTheFilesTakeNothing) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.spool.records_max = 40;
  Process process(machine, settings);
  start(process);
  for (std::uint64_t call = 1; call <= 30; ++call) process.answer(call);
  process.run(10s);
  machine.disk.fault = [](DiskOperation operation, const std::string& path) {
    return path == kCdr && operation == DiskOperation::Append ? kIoError : std::error_code();
  };
  process.run(45min);
  EXPECT_EQ(process.writer().lost(), 0u);
  EXPECT_LE(process.writer().queue(), 20u);
}

TEST(Interim, AnswerOfAnImpossibleTimeIsNoHarm) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(20ms);
  }
  machine.wall = WallTime{};  // the clock of the day was lost
  Process process(machine);
  start(process, {1});
  process.run(15min + 2s);
  EXPECT_EQ(interims(machine).size(), 1u);
}

TEST(InterimTimers, ArePassedOverForCallsThatAreGoneAndBoundedByThoseThatAreUp) {
  InterimTimers timers;
  std::set<std::uint64_t> up;
  const auto is_up = [&up](std::uint64_t call) { return up.contains(call); };
  Timestamp now{1h};
  for (std::uint64_t call = 1; call <= 20'000; ++call) {
    up.insert(call);
    if (call > 100) up.erase(call - 100);
    timers.arm(call, now, now);
    timers.compact(up.size(), is_up);
    ASSERT_LE(timers.size(), 2 * up.size() + 1025);
    now += 1ms;
  }
  std::set<std::uint64_t> seen;
  now += InterimTimers::kEvery;
  while (const auto due = timers.pop_due(now, is_up)) EXPECT_TRUE(seen.insert(due->call).second);
  EXPECT_EQ(seen, up);
  EXPECT_EQ(timers.size(), up.size());
}

TEST(InterimTimers, EachCallIsDueAtMultiplesOfTheIntervalAfterItsAnswer) {
  InterimTimers timers;
  std::mt19937_64 random(15);
  const Timestamp begin{100h};
  std::map<std::uint64_t, Timestamp> answers;
  for (std::uint64_t call = 1; call <= 500; ++call) {
    answers[call] = begin - Duration(random() % std::uint64_t{20'000'000'000'000});
    timers.arm(call, answers[call], begin);
  }
  std::map<std::uint64_t, int> counts;
  for (auto next = timers.next_deadline(); *next < begin + 1h; next = timers.next_deadline()) {
    const auto due = timers.pop_due(*next, [](std::uint64_t) { return true; });
    ASSERT_TRUE(due);
    EXPECT_EQ((*next - answers[due->call]) % InterimTimers::kEvery, Duration{});
    ++counts[due->call];
  }
  for (const auto& [call, count] : counts) EXPECT_EQ(count, 4) << call;
  EXPECT_EQ(counts.size(), 500u);
}

}  // namespace
}  // namespace sallyport::mgmt
