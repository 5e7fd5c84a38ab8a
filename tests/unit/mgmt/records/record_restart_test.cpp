// record_restart_test.cpp — what the end of a run leaves behind, and what the next start makes of it.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;

TEST(RecordWriterFinish, WritesAllThatIsLeft) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    for (std::uint64_t call = 2; call <= 2000; ++call) process.end(call, call % 2);
    process.writer().finish();
    EXPECT_EQ(process.writer().queue(), 0u);
    EXPECT_EQ(process.durable[0] + process.durable[1], 2000u);
  }
  EXPECT_EQ(cdr_lines(machine.disk).size(), 2000u);
  Process next(machine);
  const auto report = next.writer().replay({1});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 0u);
  EXPECT_EQ(report->records_waiting, 0u);
}

TEST(RecordWriterRestart, CallsThatWereLostEndAtTheLastKnownMoment) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(90s);
  }
  machine.advance(std::chrono::hours(3));
  Process process(machine);
  const auto report = process.writer().replay({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 1u);
  process.run(3s);
  const auto lines = cdr_lines(machine.disk);
  ASSERT_THAT(types(lines), ElementsAre("start", "end"));
  EXPECT_EQ(lines[1]["seq"], 2);
  EXPECT_EQ(lines[1]["result"], "answered");
  EXPECT_EQ(lines[1]["ended_by"], "sallyport");
  EXPECT_EQ(lines[1]["end_reason"], "restart");
  EXPECT_EQ(lines[1]["answer"], lines[0]["answer"]);
  EXPECT_EQ(lines[1]["legs"], lines[0]["legs"]);
  EXPECT_GE(lines[1]["duration_ms"], 88'000);
  EXPECT_LE(lines[1]["duration_ms"], 90'000);
}

TEST(RecordWriterRestart, RestoredCallsGoOnAndKeepTheirTimes) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.answer(2);
    process.run(5s);
    process.writer().finish();
  }
  machine.advance(10s);
  Process process(machine);
  const auto report = process.writer().replay({1, 77});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 1u);
  EXPECT_TRUE(report->already_ended.empty());
  process.run(1s);
  process.end(1);
  process.run(3s);
  const auto lines = cdr_lines(machine.disk);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2]["end_reason"], "restart");
  EXPECT_EQ(lines[2]["id"], lines[1]["id"]);
  EXPECT_EQ(lines[3]["end_reason"], "bye");
  EXPECT_EQ(lines[3]["answer"], lines[0]["answer"]);
}

// The file can't be opened at start, and holds lines of a time when the journal could not be written: their
// numbers are given again, so they go.
TEST(RecordWriterRestart, FileThatIsRepairedLateLosesNoNewRecord) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.end(1);
    process.run(5s);
    machine.disk.fault = [](DiskOperation, const std::string& path) {
      return path.starts_with(kJournal) ? kIoError : std::error_code();
    };
    process.end(2);
    process.end(3);
    process.run(20ms);
  }
  machine.disk.fault = [](DiskOperation, const std::string& path) {
    return path == kCdr ? kIoError : std::error_code();
  };
  Process process(machine);
  start(process);
  process.end(4);
  process.run(1s);
  EXPECT_EQ(process.durable[0], 1u);
  machine.disk.fault = nullptr;
  process.run(10s);
  const auto lines = cdr_lines(machine.disk);
  EXPECT_THAT(seqs(lines), ElementsAre(1, 2));
  EXPECT_EQ(lines[1]["id"], call_id_text(4));
}

// The engines run before the journal is read: what they have told by then is not overwritten by the restart.
TEST(RecordWriterRestart, RestoredCallThatHasJustEndedKeepsItsOwnEnd) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(5s);
    process.writer().finish();
  }
  Process process(machine);
  process.end(1);
  process.answer(2);  // a new call, answered after the restored ones were listed
  const auto report = process.writer().replay({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 0u);
  EXPECT_EQ(process.durable[0], 2u);
  process.run(3s);
  const auto lines = cdr_lines(machine.disk);
  ASSERT_THAT(types(lines), ElementsAre("start", "end", "start"));
  EXPECT_EQ(lines[1]["end_reason"], "bye");
}

TEST(RecordWriterRestart, NamesRestoredCallsThatHadEnded) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.end(1);
    process.run(5s);
  }
  Process process(machine);
  const auto report = process.writer().replay({1});
  ASSERT_TRUE(report);
  EXPECT_THAT(report->already_ended, ElementsAre(1));
}

TEST(RecordWriterRestart, JournalledEndsThatNeverReachedTheFileAreWrittenOnce) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    machine.disk.fault = [](DiskOperation, const std::string& path) {
      return path == kCdr ? kIoError : std::error_code();
    };
    for (std::uint64_t call = 1; call <= 5; ++call) process.end(call);
    process.run(1s);
    EXPECT_EQ(process.durable[0], 5u);
  }
  machine.disk.fault = nullptr;
  {
    Process process(machine);
    const auto report = process.writer().replay({});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->records_waiting, 4u) << "one got into the file before the error";
    process.run(5s);
    EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3, 4, 5));
  }
  Process process(machine);
  start(process);
  process.end(9);
  process.run(5s);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(RecordWriterRestart, TornAndDoubledLinesAreRepaired) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    for (std::uint64_t call = 1; call <= 3; ++call) process.end(call);
    process.run(20ms);  // written, not synced, not marked
  }
  const std::string whole = machine.disk.text(kCdr);
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (const std::string& damaged :
       {whole.substr(0, whole.size() - 1), whole.substr(0, last + 10), whole + whole.substr(last),
        whole.substr(0, last) + std::string(300, '\0'), whole + "{\"type\":\"en", std::string(50, '\0'),
        std::string()}) {
    Machine copy = machine;
    for (const auto& [path, bytes] : machine.disk.files()) copy.disk.put(path, bytes);
    copy.disk.put(kCdr, damaged);
    Process process(copy);
    start(process);
    process.end(4);
    process.run(5s);
    EXPECT_THAT(seqs(cdr_lines(copy.disk)), ElementsAre(1, 2, 3, 4));
  }
}

TEST(RecordWriterRestart, SequenceGoesOnThoughTheJournalIsGone) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    for (std::uint64_t call = 1; call <= 3; ++call) process.end(call);
    process.run(5s);
  }
  EXPECT_FALSE(machine.disk.remove(kJournal));
  Process process(machine);
  start(process);
  process.end(4);
  process.run(5s);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3, 4));
}

TEST(RecordWriterRestart, SequenceGoesOnThoughTheFileWasTakenAway) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    for (std::uint64_t call = 1; call <= 3; ++call) process.end(call);
    process.run(5s);
  }
  EXPECT_FALSE(machine.disk.remove(kCdr));
  Process process(machine);
  start(process);
  process.end(4);
  process.run(5s);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(4));
}

TEST(RecordWriterRestart, UnreadableJournalStopsTheStart) {
  Machine machine;
  machine.disk.fault = [](DiskOperation operation, const std::string& path) {
    return operation == DiskOperation::Read && path == kJournal ? kIoError : std::error_code();
  };
  Process process(machine);
  const auto report = process.writer().replay({});
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error(), testing::HasSubstr("/state"));
}

TEST(RecordWriterRestart, FullDiskAtStartIsNoReasonNotToStart) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(5s);
  }
  machine.disk.room = 10;
  Process process(machine);
  start(process);
  process.end(2);
  process.run(5s);
  EXPECT_TRUE(process.has_alarm("journal_failed"));
  machine.disk.room = UINT64_MAX;
  process.run(10s);
  EXPECT_THAT(types(cdr_lines(machine.disk)), ElementsAre("start", "end", "end"));
  EXPECT_EQ(process.durable[0], 1u);
}

// An end that reached the CDR file while the journal could not be written is not told again by a restart.
TEST(RecordWriterRestart, EndInTheFileAloneCounts) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.answer(1);
    process.run(5s);
    machine.disk.fault = [](DiskOperation, const std::string& path) {
      return path.starts_with(kJournal) ? kIoError : std::error_code();
    };
    process.end(1);
    process.run(5s);
  }
  machine.disk.fault = nullptr;
  Process process(machine);
  const auto report = process.writer().replay({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 0u);
  process.end(2);
  process.run(5s);
  EXPECT_THAT(seqs(cdr_lines(machine.disk)), ElementsAre(1, 2, 3));
}

// Else all its records would begin at seq 1 again.
TEST(RecordWriterRestart, WithNeitherJournalNorCdrFileAStartIsRefused) {
  Machine machine;
  machine.disk.put(kCdr, R"({"type":"end","seq":7,"id":"00000000-00000001"})"
                         "\n");
  machine.disk.fault = [](DiskOperation operation, const std::string& path) {
    return operation == DiskOperation::Open && path == kCdr ? kIoError : std::error_code();
  };
  {
    Process process(machine);
    const auto report = process.writer().replay({});
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().find("there is no journal, and the call records in " + kCdr), std::string::npos)
        << report.error();
  }
  machine.disk.fault = nullptr;
  Process next(machine);
  start(next);
  next.end(5);
  next.run(5s);
  EXPECT_EQ(seqs(cdr_lines(machine.disk)), (std::vector<std::uint64_t>{7, 8}));
}

// A journal knows the seq: then a CDR file may come later.
TEST(RecordWriterRestart, WithAJournalAStartNeedsNoCdrFile) {
  Machine machine;
  {
    Process process(machine);
    start(process);
    process.end(1);
    process.run(5s);
    process.writer().finish();
  }
  machine.disk.fault = [](DiskOperation operation, const std::string& path) {
    return operation == DiskOperation::Open && path == kCdr ? kIoError : std::error_code();
  };
  Process next(machine);
  start(next);
  EXPECT_TRUE(next.has_alarm("cdr_write_failed"));
  next.end(2);
  next.run(5s);
  machine.disk.fault = nullptr;
  next.run(10s);
  EXPECT_EQ(seqs(cdr_lines(machine.disk)), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_FALSE(next.has_alarm("cdr_write_failed"));
}

// journal_failed is up, so the start is in the CDR file alone; then kill -9.
TEST(RecordWriterRestart, CallWhoseStartNoJournalHasGetsItsEndToo) {
  for (const bool journal_is_old : {true, false}) {
    Machine machine;
    const auto refuse_journal = [](DiskOperation operation, const std::string& path) {
      const bool fails = operation != DiskOperation::Read && path.starts_with(kJournal);
      return fails ? kIoError : std::error_code();
    };
    if (!journal_is_old) machine.disk.fault = refuse_journal;
    {
      Process process(machine);
      start(process);
      machine.disk.fault = refuse_journal;
      process.answer(9);
      process.run(5s);
      EXPECT_TRUE(process.has_alarm("journal_failed"));
      EXPECT_EQ(process.durable[0], 0u) << "so the call is not answered yet";
    }
    machine.disk.fault = nullptr;
    Process next(machine);
    start(next);
    next.run(5s);
    const auto lines = cdr_lines(machine.disk);
    ASSERT_EQ(types(lines), (std::vector<std::string>{"start", "end"}));
    EXPECT_EQ(seqs(lines), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(lines[1]["id"], lines[0]["id"]);
    EXPECT_EQ(lines[1]["end_reason"], "restart");
    EXPECT_EQ(lines[1]["legs"], lines[0]["legs"]);
    EXPECT_EQ(lines[1]["answer"], lines[0]["answer"]);
  }
}

}  // namespace
}  // namespace sallyport::mgmt
