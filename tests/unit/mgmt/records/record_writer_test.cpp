// record_writer_test.cpp — records on their way to disk and CDR file, in virtual time: group commit, slow,
// full and failing disks, what a restart makes of what was left.
#include "mgmt/records/record_writer.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;

// Operations of one kind on one file.
struct OperationCount {
  explicit OperationCount(FakeDisk& disk, DiskOperation kind, std::string path) {
    disk.on_operation = [this, kind, path = std::move(path)](DiskOperation operation, const std::string& on) {
      if (operation == kind && on == path) ++count;
    };
  }
  int count = 0;
};

TEST(RecordWriter, WritesStartAndEndOfACallAndSaysThatTheyAreDurable) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(5);
  process.run(20ms);
  EXPECT_EQ(process.durable[0], 1u);
  EXPECT_EQ(process.writer().queue(), 1u) << "not synced yet";
  process.run(60s - 20ms);
  process.end(5);
  process.run(20ms);
  EXPECT_EQ(process.durable[0], 2u);
  const auto lines = cdr_lines(machine.disk);
  EXPECT_THAT(types(lines), ElementsAre("start", "end"));
  EXPECT_THAT(seqs(lines), ElementsAre(1, 2));
  EXPECT_EQ(lines[1]["start"], lines[0]["start"]);
  EXPECT_EQ(lines[1]["answer"], lines[0]["answer"]);
  EXPECT_EQ(lines[1]["duration_ms"], 60'000);
  process.run(3s);
  EXPECT_EQ(process.writer().queue(), 0u);
}

TEST(RecordWriter, SaysNothingBeforeTheSync) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  bool synced = false;
  machine.disk.on_operation = [&](DiskOperation operation, const std::string& path) {
    if (path != kJournal + ".new" || operation != DiskOperation::Sync) return;
    EXPECT_TRUE(process.durable.empty());
    synced = true;
  };
  process.end(1);
  EXPECT_TRUE(machine.disk.text(kCdr).empty());
  process.run(1ms);
  EXPECT_TRUE(synced);
  EXPECT_EQ(process.durable[0], 1u);
}

TEST(RecordWriter, CollectsForAtMostTenMilliseconds) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  OperationCount syncs(machine.disk, DiskOperation::Sync, kJournal + ".new");
  std::map<std::uint64_t, Timestamp> submitted;
  for (std::uint64_t call = 1; call <= 100; ++call) {  // one a millisecond
    const auto sequence = process.end(call);
    submitted[sequence] = machine.now;
    process.run(1ms);
  }
  process.run(20ms);
  EXPECT_EQ(process.durable[0], 100u);
  EXPECT_LE(syncs.count, 12);
  for (const auto& [sequence, when] : submitted) {
    const auto at = process.durable_at.lower_bound({0, sequence});
    ASSERT_NE(at, process.durable_at.end());
    EXPECT_LE(at->second - when, RecordWriter::kGroupWindow) << sequence;
  }
}

TEST(RecordWriter, ALonelyRecordDoesNotWaitForOthers) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  process.end(1);
  const Timestamp before = machine.now;
  process.run(1ms);
  EXPECT_EQ((process.durable_at[{0, 1}]), before);
}

TEST(RecordWriter, RestsAfterAGroupUntilTheNextMayBeWritten) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  process.end(1);
  static_cast<void>(process.writer().step());
  EXPECT_EQ(process.writer().rest(), RecordWriter::kGroupWindow);
  machine.advance(4ms);
  EXPECT_EQ(process.writer().rest(), RecordWriter::kGroupWindow - 4ms);
  machine.advance(1h);
  EXPECT_EQ(process.writer().rest(), Duration{});
}

TEST(RecordWriter, DoesNotRestWhileTheJournalCannotBeWritten) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path.starts_with(kJournal) ? kIoError : std::error_code();
  };
  process.end(1);
  static_cast<void>(process.writer().step());
  EXPECT_EQ(process.writer().rest(), Duration{});
}

TEST(RecordWriter, TellsEachEngineItsOwnSequence) {
  Machine machine;
  Process process(machine);
  start(process);
  process.end(1, 0);
  process.end(2, 1);
  process.end(3, 1);
  process.run(20ms);
  EXPECT_EQ(process.durable[0], 1u);
  EXPECT_EQ(process.durable[1], 2u);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3));
}

TEST(RecordWriter, HandsAlarmsToTheRegistryAndDetectionsOn) {
  Machine machine;
  Process process(machine);
  start(process);
  process.submit_event(sip::AlarmEvent{"call_table_full", true, "10000"}, 1);
  process.submit_event(sip::DetectionEvent{"forged_request", "log", {}, 0, ""}, 1);
  process.run(1ms);
  ASSERT_TRUE(process.has_alarm("call_table_full"));
  EXPECT_EQ(process.alarms().active()[0].subject, "engine 1");
  EXPECT_THAT(process.others, ElementsAre(1));
  process.submit_event(sip::AlarmEvent{"call_table_full", false, ""}, 1);
  process.run(1ms);
  EXPECT_FALSE(process.has_alarm("call_table_full"));
}

TEST(RecordWriter, RefusesASecondEndButReportsItsSequence) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(1);
  process.end(1);
  process.run(20ms);
  process.end(1);
  process.run(20ms);
  EXPECT_EQ(process.durable[0], 3u);
  EXPECT_THAT(types(cdr_lines(machine.disk)), ElementsAre("start", "end"));
}

TEST(RecordWriter, SlowDiskIsReportedLateWithAnAlarmThatEnds) {
  Machine machine;
  Process process(machine);
  start(process);
  process.run(1s);
  bool stalls = true;
  machine.disk.on_operation = [&](DiskOperation operation, const std::string& path) {
    if (!stalls || operation != DiskOperation::Sync || path != kJournal + ".new") return;
    machine.advance(80ms);
    process.writer().watch();
    EXPECT_FALSE(process.has_alarm("journal_slow"));
    machine.advance(30ms);
    process.writer().watch();  // another thread sees it while the disk hangs
    EXPECT_TRUE(process.has_alarm("journal_slow"));
    EXPECT_TRUE(process.durable.empty());
    machine.advance(3s);
    stalls = false;
  };
  process.end(1);
  process.run(1ms);
  EXPECT_EQ(process.durable[0], 1u);
  EXPECT_TRUE(process.has_alarm("journal_slow"));
  process.run(9s);
  EXPECT_TRUE(process.has_alarm("journal_slow"));
  process.run(3s);
  EXPECT_FALSE(process.has_alarm("journal_slow"));
}

TEST(RecordWriter, StallSeenOnlyByTheWatcherEndsToo) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.advance(1s);
  machine.disk.on_operation = [&](DiskOperation operation, const std::string& path) {
    if (operation != DiskOperation::Append || path != kCdr) return;
    machine.advance(200ms);
    process.writer().watch();
  };
  process.end(1);
  process.run(1ms);
  EXPECT_TRUE(process.has_alarm("journal_slow"));
  process.run(11s);
  EXPECT_FALSE(process.has_alarm("journal_slow"));
}

TEST(RecordWriter, FullDiskKeepsRecordsUntilThereIsRoom) {
  Machine machine;
  Process process(machine);
  start(process);
  process.answer(1);
  process.run(3s);
  machine.disk.room = 100;
  for (std::uint64_t call = 2; call <= 50; ++call) process.end(call);
  process.run(30s);
  EXPECT_EQ(process.durable[0], 1u) << "nothing is called durable that is not";
  EXPECT_TRUE(process.has_alarm("journal_failed"));
  EXPECT_TRUE(process.has_alarm("cdr_write_failed"));
  EXPECT_EQ(process.writer().queue(), 49u);
  machine.disk.room = UINT64_MAX;
  process.run(10s);
  EXPECT_EQ(process.durable[0], 50u);
  EXPECT_FALSE(process.has_alarm("journal_failed"));
  EXPECT_FALSE(process.has_alarm("cdr_write_failed"));
  const auto lines = cdr_lines(machine.disk);
  ASSERT_EQ(lines.size(), 50u);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(lines[i]["seq"], i + 1);
}

// A write for each group would cost more than its lines; a spool that fills up would lose them.
TEST(RecordWriter, LinesAreWrittenAloneOrTogetherAndManyAtOnce) {
  Machine machine;
  Process process(machine);
  start(process);
  process.run(1s);
  process.end(1);
  process.run(1ms);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 1u);
  process.run(20ms);
  process.end(2);
  process.run(50ms);
  EXPECT_EQ(process.durable[0], 2u) << "the journal does not wait";
  EXPECT_EQ(cdr_lines(machine.disk).size(), 1u);
  process.run(60ms);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 2u);
  for (std::uint64_t call = 3; call <= 3000; ++call) process.end(call);
  process.run(30ms);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 3000u);
}

TEST(RecordWriter, FailingCdrFileDoesNotHoldUpTheJournal) {
  Machine machine;
  Process process(machine);
  start(process);
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path == kCdr ? kIoError : std::error_code();
  };
  std::uint64_t opened = 0;
  machine.disk.on_operation = [&](DiskOperation operation, const std::string& path) {
    if (operation == DiskOperation::Open && path == kCdr) ++opened;
  };
  for (std::uint64_t call = 1; call <= 20; ++call) process.end(call);
  process.run(60s);
  EXPECT_EQ(process.durable[0], 20u);
  EXPECT_GT(opened, 10u);
  EXPECT_LT(opened, 30u) << "pauses grow";
  machine.disk.fault = nullptr;
  process.run(6s);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 20u);
  EXPECT_EQ(process.writer().queue(), 0u);
}

TEST(RecordWriter, LinesBehindAFailedSyncAreWrittenAnew) {
  Machine machine;
  Process process(machine);
  start(process);
  process.end(1);
  process.run(3s);
  int failures = 1;
  machine.disk.fault = [&](DiskOperation operation, const std::string& path) {
    return operation == DiskOperation::Sync && path == kCdr && failures-- > 0 ? kIoError : std::error_code();
  };
  process.end(2);
  process.end(3);
  process.run(5s);
  EXPECT_LT(failures, 0);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3));
  std::mt19937_64 random(1);
  machine.disk.cut_power(random);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3));
}

TEST(RecordWriter, SpoolIsBoundedAndSaysWhatItLost) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.spool.records_max = 10;
  Process process(machine, settings);
  start(process);
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path == kCdr ? kIoError : std::error_code();
  };
  for (std::uint64_t call = 1; call <= 25; ++call) process.end(call);
  process.run(1s);
  EXPECT_EQ(process.writer().lost(), 15u);
  EXPECT_EQ(process.writer().queue(), 10u);
  EXPECT_TRUE(process.has_alarm("cdr_lost"));
  machine.disk.fault = nullptr;
  process.run(6s);
  const auto lines = cdr_lines(machine.disk);
  ASSERT_EQ(lines.size(), 10u);
  EXPECT_EQ(lines[0]["seq"], 16) << "the gap shows";
  process.run(2h);
  EXPECT_FALSE(process.has_alarm("cdr_lost"));
}

TEST(RecordWriter, SpoolIsBoundedInBytesToo) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.spool.bytes_max = 20'000;
  Process process(machine, settings);
  start(process);
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path == kCdr ? kIoError : std::error_code();
  };
  for (std::uint64_t call = 1; call <= 100; ++call) process.end(call);
  process.run(1s);
  EXPECT_GT(process.writer().lost(), 50u);
}

TEST(RecordWriter, EachFileGetsEveryRecordThoughOneFails) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.sinks = {CdrSink{}, CdrSink{.to = "second.jsonl"}, CdrSink{.to = "./cdr.jsonl"}};
  Process process(machine, settings);
  start(process);
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path == "/state/second.jsonl" ? kIoError : std::error_code();
  };
  for (std::uint64_t call = 1; call <= 5; ++call) process.end(call);
  process.run(3s);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 5u) << "a file that is named twice is written once";
  EXPECT_EQ(process.writer().queue(), 5u);
  machine.disk.fault = nullptr;
  process.run(8s);
  EXPECT_EQ(cdr_lines(machine.disk, "second").size(), 5u);
  EXPECT_EQ(process.writer().queue(), 0u);
}

TEST(RecordWriter, WithoutAnyCdrFileTheJournalStaysSmall) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.sinks.clear();
  Process process(machine, settings);
  start(process);
  for (std::uint64_t call = 1; call <= 50; ++call) process.end(call);
  process.run(1s);
  EXPECT_EQ(process.durable[0], 50u);
  EXPECT_EQ(process.writer().queue(), 0u);
  EXPECT_EQ(process.writer().lost(), 0u);
}

TEST(RecordWriter, JournalIsReplacedBeforeItGrowsWithoutBound) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.journal_bytes_min = 500'000;
  Process process(machine, settings);
  start(process);
  process.answer(1);
  std::size_t largest = 0;
  for (std::uint64_t call = 2; call <= 8'000; ++call) {
    process.end(call);
    if (call % 100 == 0) {
      process.run(50ms);
      largest = std::max(largest, machine.disk.text(kJournal).size());
    }
  }
  process.run(5s);
  EXPECT_LT(largest, 3'500'000u);
  EXPECT_GT(largest, 500'000u);
  EXPECT_LT(machine.disk.text(kJournal).size(), 3'500'000u);
  machine.advance(1s);
  Process next(machine);
  const auto report = next.writer().replay({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 1u) << "the open call is in the new journal";
  EXPECT_EQ(report->bytes_dropped, 0u);
}

TEST(RecordWriter, FileIsRotatedBySizeAndOldOnesGo) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.sinks[0].rotate.bytes = 64'000;
  settings.sinks[0].keep = std::chrono::hours(48);
  machine.disk.put("/state/cdr-20261101T000000.000Z.jsonl", "old\n");
  machine.disk.put("/state/cdr-notes.jsonl", "mine\n");
  Process process(machine, settings);
  start(process);
  EXPECT_EQ(machine.disk.text("/state/cdr-20261101T000000.000Z.jsonl"), "") << "older than keep";
  EXPECT_EQ(machine.disk.text("/state/cdr-notes.jsonl"), "mine\n");
  for (std::uint64_t call = 1; call <= 1000; ++call) {
    process.end(call);
    process.run(50ms);
  }
  process.run(5s);
  std::size_t files = 0;
  std::vector<std::uint64_t> all;
  for (const auto& [path, bytes] : machine.disk.files()) {
    if (!path.starts_with("/state/cdr-2026112")) continue;
    ++files;
    EXPECT_GE(bytes.size(), 64'000u);
    EXPECT_LT(bytes.size(), 200'000u);
  }
  EXPECT_GT(files, 5u);
  machine.disk.put("/state/cdr-notes.jsonl", "");
  const auto lines = cdr_lines(machine.disk);
  ASSERT_EQ(lines.size(), 1000u);
  for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i]["seq"], i + 1);
  process.run(std::chrono::hours(50));
  for (const auto& [path, bytes] : machine.disk.files())
    EXPECT_FALSE(path.starts_with("/state/cdr-2026")) << path;
}

TEST(RecordWriter, RotationThatFailsRaisesAnAlarmUntilItIsDone) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.sinks[0].rotate.bytes = 1;
  Process process(machine, settings);
  start(process);
  machine.disk.fault = [](DiskOperation operation, const std::string& path) {
    return operation == DiskOperation::Rename && path == kCdr ? kIoError : std::error_code();
  };
  process.end(1);
  process.run(5s);
  EXPECT_TRUE(process.has_alarm("cdr_write_failed"));
  process.end(2);
  process.run(5s);
  EXPECT_TRUE(process.has_alarm("cdr_write_failed")) << "records are written, but the file grows";
  EXPECT_EQ(cdr_lines(machine.disk).size(), 2u);
  machine.disk.fault = nullptr;
  process.run(150s);
  EXPECT_FALSE(process.has_alarm("cdr_write_failed"));
  EXPECT_EQ(machine.disk.text(kCdr), "");
}

TEST(RecordWriter, ClockSetBackOverwritesNoOlderFile) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.sinks[0].rotate.bytes = 1;
  Process process(machine, settings);
  start(process);
  const WallTime fixed = machine.wall;
  for (std::uint64_t call = 1; call <= 5; ++call) {
    process.end(call);
    process.run(3s);
    machine.wall = fixed;
  }
  EXPECT_EQ(cdr_lines(machine.disk).size(), 5u);
}

TEST(RecordWriter, StepsAreFarApartWhenNothingHappens) {
  Machine machine;
  Process process(machine);
  start(process);
  EXPECT_EQ(process.writer().step(), 60s);
  process.end(1);
  process.run(5s);
  EXPECT_EQ(process.writer().step(), 60s);
}

}  // namespace
}  // namespace sallyport::mgmt
