// waiting_ends_test.cpp — ends of calls that wait for the last figures of their streams (contract: CDR;
// threats D9).
#include "mgmt/records/waiting_ends.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "mgmt/records/cdr_code.h"
#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kCall = 0x6740'8c3e'0000'0001;

class WaitingEndsTest : public testing::Test {
 protected:
  WaitingEndsTest() { start(process_); }
  [[nodiscard]] std::vector<nlohmann::json> ends() const {
    std::vector<nlohmann::json> out;
    for (const auto& line : cdr_lines(machine_.disk))
      if (line["type"] == "end") out.push_back(line);
    return out;
  }

  Machine machine_;
  Process process_{machine_};
};

// An end that comes late has less time left than those before it.
TEST(WaitingEnds, LeaveInTheOrderOfTheirTimes) {
  std::mt19937_64 random(4500);
  WaitingEnds ends(1000);
  std::multimap<Timestamp, std::uint64_t> expected;
  Cdr cdr;
  const auto add = [&](std::uint64_t call, Timestamp until) {
    cdr = make_cdr(call_record(CallRecordType::End, call), until, {until, WallTime{}});
    std::string bytes;
    append_encoded(bytes, cdr);
    ends.add({.call = call, .encoded = bytes, .reports = 1, .until = until, .end = until});
    expected.emplace(until, call);
  };
  for (std::uint64_t call = 1; call <= 500; ++call)
    add(call, Timestamp(1h) + std::chrono::milliseconds(random() % 3000));
  for (std::uint64_t call = 3; call <= 500; call += 3) {
    ends.forget(call);
    std::erase_if(expected, [call](const auto& one) { return one.second == call; });
  }
  for (std::uint64_t call = 501; call <= 700; ++call)
    add(call, Timestamp(1h) + std::chrono::milliseconds(random() % 3000));
  ASSERT_EQ(ends.size(), expected.size());
  for (Timestamp now(1h); now < Timestamp(1h) + 3010ms; now += 7ms) {
    for (; ends.pop(now, cdr); expected.erase(expected.begin())) {
      ASSERT_LE(expected.begin()->first, now);
      ASSERT_EQ(*cdr.call.end, expected.begin()->first);
      EXPECT_EQ(cdr.call.called_in, "+15552000");
    }
    ASSERT_EQ(ends.next_deadline().has_value(), !expected.empty());
    if (!expected.empty()) {
      ASSERT_EQ(ends.next_deadline(), expected.begin()->first);
    }
    ASSERT_TRUE(expected.empty() || expected.begin()->first > now);
  }
  EXPECT_EQ(ends.size(), 0u);
}

TEST_F(WaitingEndsTest, JournalHasTheEndAtOnceAndTheFileWhenTheFiguresAreIn) {
  process_.answer(kCall);
  process_.run(1s);
  const std::uint64_t sequence = process_.end(kCall, 0, 1);
  const Timestamp ended_at = machine_.now;
  process_.run(3s);
  ASSERT_TRUE(process_.durable_at.contains({0, sequence}));
  EXPECT_LE((process_.durable_at[{0, sequence}]) - ended_at, Duration(RecordWriter::kGroupWindow));
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_EQ(process_.writer().queue(), 1u);
  process_.submit_event(media_report(kCall, 1));
  process_.run(200ms);
  ASSERT_EQ(ends().size(), 1u);
  const auto media = ends()[0]["media"];
  ASSERT_EQ(media.size(), 2u);
  EXPECT_EQ(media[0]["packets"], 500);
  EXPECT_EQ(media[0]["after_bye_packets"], 3);
  EXPECT_EQ(media[0]["mos"], 4.38);
  EXPECT_EQ(media[0]["remote"], "198.18.1.2:4000");
  EXPECT_EQ(media[1]["lost"], 20);
  EXPECT_EQ(media[1]["remote"], "203.0.113.7:61000");
  EXPECT_EQ(ends()[0]["duration_ms"], 1000);
}

// Threats D9: it comes to light only when the call is over.
TEST_F(WaitingEndsTest, ThatWhoeverHungUpTalksOnIsInTheRecord) {
  process_.answer(kCall);
  process_.end(kCall, 0, 2);
  process_.run(1s);
  sip::MediaReportEvent report = media_report(kCall, 1);
  report.goes_on_after_bye = true;
  process_.submit_event(report);
  report.stream = 2;
  process_.submit_event(report);
  process_.run(200ms);
  ASSERT_EQ(ends().size(), 1u);
  EXPECT_EQ(ends()[0]["detections"], nlohmann::json::array({"forged_request"})) << "once";
}

TEST_F(WaitingEndsTest, EndIsWrittenAsItIsWithinFiveSeconds) {
  process_.end(kCall, 0, 2);
  process_.run(1s);
  process_.submit_event(media_report(kCall, 2));
  process_.run(3400ms);
  EXPECT_THAT(ends(), IsEmpty());
  process_.run(590ms);  // 4.99 s after the end
  ASSERT_EQ(ends().size(), 1u);
  const auto media = ends()[0]["media"];
  ASSERT_EQ(media.size(), 4u);
  EXPECT_TRUE(media[0]["packets"].is_null());
  EXPECT_TRUE(media[0]["mos"].is_null());
  EXPECT_EQ(media[2]["packets"], 500);
}

// The event was late itself: the time counts from the call's end.
TEST_F(WaitingEndsTest, TimeCountsFromTheEndOfTheCall) {
  process_.end(kCall, 0, 1);
  machine_.advance(4400ms);
  process_.run(250ms);
  EXPECT_EQ(ends().size(), 1u);
}

TEST_F(WaitingEndsTest, LaterRecordsDoNotWaitForIt) {
  process_.end(kCall, 0, 1);
  process_.end(kCall + 1);
  process_.run(100ms);
  ASSERT_EQ(ends().size(), 1u);
  EXPECT_EQ(ends()[0]["id"], call_id_text(kCall + 1));
  process_.run(5s);
  EXPECT_THAT(seqs(cdr_lines(machine_.disk)), ElementsAre(1, 2));
}

TEST_F(WaitingEndsTest, ReportsOfOtherCallsAndLateOnesAreCountedAndDropped) {
  process_.end(kCall, 0, 1);
  process_.submit_event(media_report(kCall + 1, 1));
  process_.run(5s);
  process_.submit_event(media_report(kCall, 1));
  process_.run(1s);
  EXPECT_EQ(process_.writer().reports_late(), 2u);
  ASSERT_EQ(ends().size(), 1u);
  EXPECT_TRUE(ends()[0]["media"][0]["packets"].is_null());
}

TEST_F(WaitingEndsTest, SecondEndOfACallThatWaitsIsNoRecord) {
  process_.end(kCall, 0, 1);
  const std::uint64_t sequence = process_.end(kCall, 0, 1);
  process_.run(6s);
  EXPECT_EQ(ends().size(), 1u);
  EXPECT_EQ(process_.durable[0], sequence);
}

TEST_F(WaitingEndsTest, TenThousandWaitSideBySide) {
  constexpr std::uint64_t kCalls = 10'000;
  for (std::uint64_t call = 1; call <= kCalls; ++call) process_.end(call, call % 2, 1);
  process_.run(3s);
  EXPECT_THAT(ends(), IsEmpty());
  EXPECT_EQ(process_.writer().queue(), kCalls);
  for (std::uint64_t call = 1; call <= kCalls; ++call) process_.submit_event(media_report(call, 1), call % 2);
  process_.run(1900ms);
  const auto written = ends();
  ASSERT_EQ(written.size(), kCalls);
  for (const auto& line : written) ASSERT_EQ(line["media"][0]["packets"], 500);
  EXPECT_EQ(process_.writer().reports_late(), 0u);
}

TEST_F(WaitingEndsTest, BeyondItsRoomAnEndIsWrittenWithoutItsFigures) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.waiting_ends_max = 2;
  Process process(machine, settings);
  start(process);
  for (std::uint64_t call = 1; call <= 3; ++call) process.end(call, 0, 1);
  process.run(100ms);
  ASSERT_EQ(cdr_lines(machine.disk).size(), 1u);
  EXPECT_EQ(cdr_lines(machine.disk)[0]["id"], call_id_text(3));
  process.run(5s);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 3u);
}

TEST_F(WaitingEndsTest, NextStartWritesWhatAKilledProcessLeftWaiting) {
  process_.answer(kCall);
  process_.end(kCall, 0, 1);
  process_.end(kCall + 1, 0, 1);
  process_.run(1s);
  Process next(machine_);  // the first is never heard of again
  start(next);
  next.run(1s);
  ASSERT_EQ(ends().size(), 2u);
  EXPECT_EQ(ends()[0]["id"], call_id_text(kCall));
  EXPECT_EQ(ends()[0]["end_reason"], "bye");
  EXPECT_EQ(ends()[0]["media"][0]["codec"], "PCMA/8000");
  EXPECT_TRUE(ends()[0]["media"][0]["packets"].is_null());
  EXPECT_EQ(ends()[1]["id"], call_id_text(kCall + 1));
  next.submit_event(media_report(kCall, 1));
  next.run(1s);
  EXPECT_EQ(next.writer().reports_late(), 1u);
  Process third(machine_);
  start(third);
  third.run(1s);
  EXPECT_EQ(ends().size(), 2u);
}

TEST_F(WaitingEndsTest, CleanStopWritesThemAtOnce) {
  process_.end(kCall, 0, 1);
  process_.run(100ms);
  process_.writer().finish();
  EXPECT_EQ(ends().size(), 1u);
  Process next(machine_);
  start(next);
  next.run(6s);
  EXPECT_EQ(ends().size(), 1u);
}

TEST_F(WaitingEndsTest, JournalThatIsWrittenAnewKeepsThem) {
  Machine machine;
  RecordSettings settings = Process::default_settings();
  settings.journal_bytes_min = 1;
  Process process(machine, settings);
  start(process);
  process.end(1, 0, 1);
  for (std::uint64_t call = 2; call < 60; ++call) {
    process.end(call);
    process.run(50ms);
  }
  Process next(machine, settings);
  start(next);
  next.run(1s);
  EXPECT_EQ(cdr_lines(machine.disk).size(), 59u);
}

// Nothing but its file keeps a record while the journal can't be written.
TEST_F(WaitingEndsTest, NoneWaitsWhileTheJournalFails) {
  process_.end(kCall, 0, 1);
  process_.run(100ms);
  machine_.disk.fault = [](DiskOperation operation, const std::string& path) {
    return operation != DiskOperation::Read && path.find("journal") != std::string::npos ? kIoError
                                                                                         : std::error_code();
  };
  process_.end(kCall + 1, 0, 1);
  process_.end(kCall + 2);
  process_.run(300ms);
  EXPECT_EQ(ends().size(), 3u);
}

TEST_F(WaitingEndsTest, WhoAsksSeesEachEndAsItIsWritten) {
  process_.end(kCall, 0, 1);
  process_.end(kCall + 1);
  process_.run(1s);
  ASSERT_EQ(process_.written_ends.size(), 1u);
  process_.submit_event(media_report(kCall, 1));
  process_.run(1s);
  ASSERT_EQ(process_.written_ends.size(), 2u);
  EXPECT_EQ(process_.written_ends[1].media[1].packets, 480u);
  EXPECT_TRUE(process_.written_ends[1].media[1].is_measured);
}

}  // namespace
}  // namespace sallyport::mgmt
