// cdr_tail_test.cpp — which lines at the end of a CDR file are good after a crash.
#include "mgmt/records/cdr_tail.h"

#include <gmock/gmock.h>

#include <random>
#include <string>

#include "policy/record/call_record.h"
#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string line(std::uint64_t seq, const char* type = "end") {
  return std::string("{\"type\":\"") + type + "\",\"seq\":" + std::to_string(seq) + ",\"id\":\"" +
         call_id_text(seq) + "\"}\n";
}

const std::string kThree = line(1) + line(2, "start") + line(3);

TEST(CdrTail, WholeLinesAreGood) {
  const CdrTail tail = judge_cdr_tail(kThree, true, 0);
  EXPECT_EQ(tail.good_bytes, kThree.size());
  EXPECT_EQ(tail.last_seq, 3u);
  EXPECT_THAT(tail.ended, ElementsAre(1, 3));
}

TEST(CdrTail, EmptyFileHasTheMark) {
  EXPECT_EQ(judge_cdr_tail("", true, 7).last_seq, 7u);
  EXPECT_EQ(judge_cdr_tail("", true, std::nullopt).last_seq, 0u);
}

TEST(CdrTail, TellsOnlyOfLinesBehindTheMark) {
  const CdrTail tail = judge_cdr_tail(kThree, true, 2);
  EXPECT_EQ(tail.last_seq, 3u);
  EXPECT_THAT(tail.ended, ElementsAre(3));
  EXPECT_THAT(judge_cdr_tail(kThree, true, 3).ended, IsEmpty());
}

TEST(CdrTail, AnyCutLeavesTheLinesBeforeIt) {
  for (std::size_t length = 0; length <= kThree.size(); ++length)
    for (const std::optional<std::uint64_t> mark :
         {std::optional<std::uint64_t>(0), std::optional<std::uint64_t>()}) {
      const CdrTail tail = judge_cdr_tail(std::string_view(kThree).substr(0, length), true, mark);
      std::size_t whole = 0;
      std::uint64_t last = 0;
      for (const std::uint64_t seq : {1u, 2u, 3u}) {
        const std::size_t end = whole + line(seq, seq == 2 ? "start" : "end").size();
        if (end > length) break;
        whole = end;
        last = seq;
      }
      EXPECT_EQ(tail.good_bytes, whole) << length;
      EXPECT_EQ(tail.last_seq, last) << length;
    }
}

TEST(CdrTail, LineThatComesAgainIsNotGood) {
  for (const std::uint64_t mark : {0u, 2u, 3u}) {
    EXPECT_EQ(judge_cdr_tail(kThree + line(3), true, mark).good_bytes, kThree.size()) << mark;
    EXPECT_EQ(judge_cdr_tail(kThree + line(2), true, mark).good_bytes, kThree.size()) << mark;
    EXPECT_EQ(judge_cdr_tail(kThree + line(3) + line(4), true, mark).good_bytes, kThree.size()) << mark;
  }
  EXPECT_EQ(judge_cdr_tail(kThree + line(3), true, std::nullopt).good_bytes, kThree.size());
}

TEST(CdrTail, ZerosOfAPowerCutAreNotGood) {
  const std::string zeros(100, '\0');
  EXPECT_EQ(judge_cdr_tail(kThree + zeros, true, 1).good_bytes, kThree.size());
  EXPECT_EQ(judge_cdr_tail(kThree + zeros + "}\n" + line(5), true, 1).good_bytes, kThree.size());
  EXPECT_EQ(judge_cdr_tail(zeros + "}\n" + line(2), true, 1).good_bytes, 0u);
  EXPECT_EQ(judge_cdr_tail(kThree + zeros + "}\n" + line(5), true, std::nullopt).good_bytes, kThree.size());
}

TEST(CdrTail, StartsWithoutAnEndBehindTheMarkAreTold) {
  Cdr start = make_cdr(call_record(CallRecordType::Start, 77), Timestamp{1h}, {Timestamp{1h}, WallTime{5h}});
  start.times.answer = WallTime{4h};
  start.times.setup_ms = 5;
  start.seq = 4;
  const std::string text = cdr_line(start, "edge-1");
  const CdrTail tail = judge_cdr_tail(kThree + text, true, 3);
  ASSERT_EQ(tail.started.size(), 1u);
  EXPECT_EQ(cdr_line(tail.started[0], "edge-1"), text) << "all that the line says is known again";
  EXPECT_EQ(judge_cdr_tail(kThree + text, true, std::nullopt).started.size(), 1u);
  EXPECT_THAT(judge_cdr_tail(kThree + text, true, 4).started, IsEmpty());
  Cdr end = start;
  end.seq = 5;
  end.call.type = CallRecordType::End;
  EXPECT_THAT(judge_cdr_tail(kThree + text + cdr_line(end, "edge-1"), true, 3).started, IsEmpty());
}

TEST(CdrTail, LinesOfOthersStayWhereTheyAre) {
  const std::string note = "# kept by the operator\n";
  EXPECT_EQ(judge_cdr_tail(note, true, std::nullopt).good_bytes, note.size());
  EXPECT_EQ(judge_cdr_tail(note + kThree, true, 0).good_bytes, note.size() + kThree.size());
  EXPECT_EQ(judge_cdr_tail(kThree + note, true, 3).good_bytes, kThree.size() + note.size());
  EXPECT_EQ(judge_cdr_tail(kThree + note, true, std::nullopt).last_seq, 3u);
}

TEST(CdrTail, PartOfALineAtTheFrontOfAPartIsPassedOver) {
  const CdrTail tail = judge_cdr_tail(std::string_view(kThree).substr(5), false, 0);
  EXPECT_EQ(tail.good_bytes, kThree.size() - 5);
  EXPECT_EQ(tail.last_seq, 3u);
  EXPECT_EQ(judge_cdr_tail("no line feed", false, 4).good_bytes, 12u);
}

TEST(CdrTail, LineThatTheJournalHasOtherwiseIsNotGood) {
  const std::string other = line(3, "start");
  const auto journalled = [&](std::uint64_t seq) { return seq == 3 ? std::string_view(other) : ""; };
  const CdrTail tail = judge_cdr_tail(kThree + line(4), true, 1, journalled);
  EXPECT_EQ(tail.last_seq, 2u);
  EXPECT_EQ(tail.good_bytes, kThree.size() - line(3).size());
  EXPECT_EQ(judge_cdr_tail(kThree, true, 3, journalled).last_seq, 3u) << "what is marked is not asked";
}

TEST(CdrTail, GapOfLostRecordsIsGood) { EXPECT_EQ(judge_cdr_tail(line(1) + line(9), true, 1).last_seq, 9u); }

TEST(CdrTail, AnyBytesAreAnAnswer) {
  std::mt19937_64 random(9);
  for (int turn = 0; turn < 3000; ++turn) {
    std::string bytes = kThree + line(4);
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 2 == 0) bytes.insert(random() % bytes.size(), "\n");
    const CdrTail tail = judge_cdr_tail(bytes, random() % 2 == 0, random() % 5);
    EXPECT_LE(tail.good_bytes, bytes.size());
  }
}

}  // namespace
}  // namespace sallyport::mgmt
