// record_crash_test.cpp — a kill -9 or a power cut before any operation on the disk, again and again: each
// answered call that was reported durable has one start and one end, no record comes twice, no seq is
// missing.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/records/record_bench.h"

namespace sallyport::mgmt {
namespace {

enum class Crash : std::uint8_t { Kill, PowerCut };

struct Known {
  bool start_durable = false, end_durable = false;
};

// What must be true of the records whatever happened.
class Oracle {
 public:
  void answered(std::uint64_t sequence, std::uint64_t call) { starts_[sequence] = call; }
  void ended(std::uint64_t sequence, std::uint64_t call) { ends_[sequence] = call; }
  // A process has gone: what it called durable is known, the rest may be there or not.
  void process_gone(std::uint64_t durable) {
    for (const auto& [sequence, call] : starts_) known_[call].start_durable |= sequence <= durable;
    for (const auto& [sequence, call] : ends_) known_[call].end_durable |= sequence <= durable;
    starts_.clear();
    ends_.clear();
  }
  void check(const FakeDisk& disk) const {
    std::map<std::string, std::map<std::string, int>> seen;
    std::map<std::string, std::string> reason;
    std::uint64_t expected = 1;
    for (const auto& line : cdr_lines(disk)) {
      ASSERT_EQ(line["seq"], expected++);
      ++seen[line["id"]][line["type"]];
      if (line["type"] == "end") reason[line["id"]] = line["end_reason"];
    }
    for (auto& [id, counts] : seen) {
      EXPECT_LE(counts["start"], 1) << id;
      EXPECT_LE(counts["end"], 1) << id;
      EXPECT_GE(counts["end"], counts["start"]) << id;
    }
    for (const auto& [call, known] : known_) {
      const std::string id = call_id_text(call);
      if (known.start_durable) {
        EXPECT_EQ(seen[id]["start"], 1) << id;
        EXPECT_EQ(seen[id]["end"], 1) << id;
      }
      if (known.end_durable) {
        EXPECT_EQ(seen[id]["end"], 1) << id;
        EXPECT_EQ(reason[id], "bye") << id;
      }
    }
  }

 private:
  std::map<std::uint64_t, std::uint64_t> starts_, ends_;  // sequence to call, of the process that runs
  std::map<std::uint64_t, Known> known_;
};

RecordSettings small_files() {
  RecordSettings out = Process::default_settings();
  out.sinks[0].rotate.bytes = 5000;
  return out;
}

// One life: some calls come and go until the kill, or for `turns`.
void live(Machine& machine, Oracle& oracle, std::mt19937_64& random, std::uint64_t& next_call, int turns) {
  Process process(machine, small_files());
  try {
    const auto report = process.writer().replay({});
    ASSERT_TRUE(report || machine.disk.fault);
    if (!report) return;  // refused: the disk answers nothing that could be gone on from
    std::vector<std::uint64_t> up;
    std::deque<std::uint64_t> ended;
    for (int turn = 0; turn < turns; ++turn) {
      const auto dice = random() % 4;
      if (dice == 0) {
        up.push_back(++next_call);
        oracle.answered(process.answer(next_call), next_call);
      } else if (dice == 1 && !up.empty()) {
        const auto reports = static_cast<std::uint16_t>(random() % 3);  // the last of them never comes
        oracle.ended(process.end(up.back(), 0, reports), up.back());
        ended.push_back(up.back());
        up.pop_back();
      } else if (dice == 2) {  // was never answered
        ++next_call;
        oracle.ended(process.end(next_call), next_call);
      }
      process.run(std::chrono::milliseconds(random() % 700));
      if (random() % 3 == 0 && !ended.empty()) {
        process.submit_event(media_report(ended.front(), 1));
        ended.pop_front();
      }
    }
    for (const std::uint64_t call : up) oracle.ended(process.end(call), call);
    process.writer().finish();
  } catch (const Killed&) {
  }
  oracle.process_gone(process.durable[0]);
}

void crash_again_and_again(Crash crash, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  Machine machine;
  Oracle oracle;
  std::uint64_t next_call = 0;
  for (int life = 0; life < 12; ++life) {
    machine.disk.kill_before = machine.disk.operations + 1 + random() % 60;
    live(machine, oracle, random, next_call, 30);
    machine.advance(5s);
    machine.disk.kill_before = 0;
    if (crash == Crash::PowerCut) machine.disk.cut_power(random);
  }
  live(machine, oracle, random, next_call, 10);
  oracle.check(machine.disk);
}

TEST(RecordCrash, KillBeforeAnyOperationLosesAndDoublesNoRecord) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) crash_again_and_again(Crash::Kill, seed);
}

TEST(RecordCrash, PowerCutBeforeAnyOperationLosesAndDoublesNoRecord) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) crash_again_and_again(Crash::PowerCut, seed);
}

// A disk that refuses every eighth operation, with kills and cuts between. What was called durable stays, and
// what was not may be gone; but each `start` that a file has gets its `end`, journalled or not. A life may
// not begin at all: where neither journal nor CDR file can be had it is refused.
TEST(RecordCrash, FailuresBetweenKillsLoseAndDoubleNoRecord) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    Machine machine;
    Oracle oracle;
    std::uint64_t next_call = 0;
    std::mt19937_64 dice(seed + 1000);
    const auto flaky = [&dice](DiskOperation operation, const std::string&) {
      const bool fails = operation != DiskOperation::Read && dice() % 8 == 0;
      return fails ? kIoError : std::error_code();
    };
    for (int life = 0; life < 8; ++life) {
      machine.disk.fault = flaky;
      machine.disk.kill_before = machine.disk.operations + 1 + random() % 90;
      live(machine, oracle, random, next_call, 30);
      machine.advance(5s);
      machine.disk.kill_before = 0;
      if (seed % 2 == 0) machine.disk.cut_power(random);
    }
    machine.disk.fault = nullptr;
    live(machine, oracle, random, next_call, 10);
    oracle.check(machine.disk);
  }
}

// Not by chance: each single operation of a start, a call, a rotation and an end is the last one once.
TEST(RecordCrash, EachOperationIsTheLastOnce) {
  std::uint64_t operations = 0;
  for (std::uint64_t kill = 0; kill == 0 || kill <= operations; ++kill) {
    SCOPED_TRACE(testing::Message() << "operation " << kill);
    std::mt19937_64 random(7);
    Machine machine;
    Oracle oracle;
    std::uint64_t next_call = 0;
    machine.disk.kill_before = kill;
    live(machine, oracle, random, next_call, 40);
    if (kill == 0) operations = machine.disk.operations;
    machine.disk.kill_before = 0;
    live(machine, oracle, random, next_call, 5);
    oracle.check(machine.disk);
  }
  EXPECT_GT(operations, 60u);
}

// The second start is itself killed at each of its operations.
TEST(RecordCrash, RestartMayBeKilledAnywhereToo) {
  for (std::uint64_t kill = 1; kill <= 25; ++kill) {
    SCOPED_TRACE(testing::Message() << "operation " << kill);
    std::mt19937_64 random(11);
    Machine machine;
    Oracle oracle;
    std::uint64_t next_call = 0;
    machine.disk.kill_before = 45;
    live(machine, oracle, random, next_call, 40);
    machine.disk.kill_before = machine.disk.operations + kill;
    live(machine, oracle, random, next_call, 3);
    machine.disk.kill_before = 0;
    live(machine, oracle, random, next_call, 3);
    oracle.check(machine.disk);
  }
}

}  // namespace
}  // namespace sallyport::mgmt
