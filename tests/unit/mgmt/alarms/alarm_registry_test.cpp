// alarm_registry_test.cpp — which alarms are up, what the log is told, and that strangers can't fill the
// table.
#include "mgmt/alarms/alarm_registry.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <thread>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

class AlarmRegistryTest : public testing::Test {
 protected:
  ~AlarmRegistryTest() override { std::fclose(file_); }
  [[nodiscard]] std::string text() const {
    std::string out(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(::fileno(file_), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    return out;
  }

  std::FILE* file_ = std::tmpfile();
  WallTime now_{std::chrono::hours(500'000)};
  EventLog log_{{}, ::fileno(file_), false, [this] { return now_; }};
  AlarmRegistry alarms_{log_, [this] { return now_; }};
};

TEST_F(AlarmRegistryTest, KeepsSinceCountAndTheLastDetail) {
  EXPECT_TRUE(alarms_.raise("cdr_write_failed", "cdr.jsonl", "no space"));
  const WallTime first = now_;
  now_ += std::chrono::seconds(5);
  EXPECT_TRUE(alarms_.raise("cdr_write_failed", "cdr.jsonl", "I/O error"));
  const auto active = alarms_.active();
  ASSERT_EQ(active.size(), 1u);
  EXPECT_EQ(active[0].name, "cdr_write_failed");
  EXPECT_EQ(active[0].severity, AlarmSeverity::Critical);
  EXPECT_EQ(active[0].since, first);
  EXPECT_EQ(active[0].count, 2u);
  EXPECT_EQ(active[0].detail, "I/O error");
}

TEST_F(AlarmRegistryTest, LogHearsOfChangesOnly) {
  alarms_.raise("journal_slow", "", "took 200 ms");
  alarms_.raise("journal_slow", "", "took 300 ms");
  alarms_.clear("journal_slow", "");
  alarms_.clear("journal_slow", "");
  const std::string log = text();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2);
  EXPECT_THAT(log, HasSubstr("\"level\":\"error\""));
  EXPECT_THAT(log, HasSubstr("\"event\":\"alarm_raised\""));
  EXPECT_THAT(log, HasSubstr("\"alarm\":\"journal_slow\",\"severity\":\"major\""));
  EXPECT_THAT(log, HasSubstr("\"event\":\"alarm_cleared\""));
  EXPECT_THAT(log, Not(HasSubstr("300 ms\"}\n{")));
}

TEST_F(AlarmRegistryTest, OneNameMayBeUpForSeveralSubjects) {
  alarms_.raise("peer_down", "carrier", "");
  alarms_.raise("peer_down", "pbx", "");
  EXPECT_TRUE(alarms_.clear("peer_down", "carrier"));
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].subject, "pbx");
}

TEST_F(AlarmRegistryTest, TheWorstComesFirst) {
  alarms_.raise("detection_block", "", "");
  alarms_.raise("journal_slow", "", "");
  alarms_.raise("cdr_lost", "", "");
  const auto active = alarms_.active();
  EXPECT_EQ(active[0].name, "cdr_lost");
  EXPECT_EQ(active[1].name, "journal_slow");
  EXPECT_EQ(active[2].name, "detection_block");
}

TEST_F(AlarmRegistryTest, UnknownNameIsToldAndNotKept) {
  EXPECT_FALSE(alarms_.raise("no_such_alarm", "", ""));
  EXPECT_TRUE(alarms_.active().empty());
  EXPECT_THAT(text(), HasSubstr("alarm_unknown"));
}

TEST_F(AlarmRegistryTest, TableIsBoundedAndSaysSo) {
  for (std::size_t i = 0; i < 2 * AlarmRegistry::kActiveMax; ++i)
    alarms_.raise("peer_down", "peer" + std::to_string(i), "");
  EXPECT_EQ(alarms_.active().size(), AlarmRegistry::kActiveMax);
  const auto full = [this] {
    for (const ActiveAlarm& alarm : alarms_.active())
      if (alarm.name == "alarm_table_full") return true;
    return false;
  };
  EXPECT_TRUE(full());
  EXPECT_TRUE(alarms_.raise("peer_down", "peer0", "again")) << "one that is up needs no room";
  EXPECT_TRUE(alarms_.clear("peer_down", "peer0"));
  EXPECT_FALSE(full());
}

TEST_F(AlarmRegistryTest, LongTextsAreCut) {
  alarms_.raise("peer_down", std::string(10'000, 's'), std::string(10'000, 'd'));
  EXPECT_EQ(alarms_.active()[0].subject.size(), AlarmRegistry::kDetailBytesMax);
  EXPECT_EQ(alarms_.active()[0].detail.size(), AlarmRegistry::kDetailBytesMax);
  EXPECT_TRUE(alarms_.clear("peer_down", std::string(10'000, 's')));
}

TEST_F(AlarmRegistryTest, JsonIsValidWhateverTheDetail) {
  alarms_.raise("peer_down", "carrier", "\xff\x1b[2J \"x\"");
  const auto json = nlohmann::json::parse(alarms_json(alarms_).dump());
  ASSERT_EQ(json["alarms"].size(), 1u);
  EXPECT_EQ(json["alarms"][0]["name"], "peer_down");
  EXPECT_EQ(json["alarms"][0]["severity"], "major");
  EXPECT_EQ(json["alarms"][0]["subject"], "carrier");
  EXPECT_EQ(json["alarms"][0]["since"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(json["alarms"][0]["count"], 1);
  EXPECT_EQ(json["alarms"][0]["detail"], "\\xff\\x1b[2J \"x\"");
}

TEST_F(AlarmRegistryTest, CountsHaveEveryNameOnce) {
  alarms_.raise("peer_down", "a", "");
  alarms_.raise("peer_down", "b", "");
  std::set<std::string_view> names;
  for (const AlarmCount& count : alarms_.counts()) {
    names.insert(count.name);
    EXPECT_EQ(count.active, count.name == "peer_down" ? 2u : 0u);
  }
  EXPECT_EQ(names.size(), kAlarmKinds.size());
}

TEST_F(AlarmRegistryTest, ThreadsMayRaiseAndClearAtOnce) {
  const auto work = [this](const char* subject) {
    for (int i = 0; i < 500; ++i) {
      alarms_.raise("peer_down", subject, "x");
      alarms_.clear("peer_down", subject);
    }
  };
  std::thread one(work, "a"), two(work, "b");
  one.join();
  two.join();
  EXPECT_TRUE(alarms_.active().empty());
}

}  // namespace
}  // namespace sallyport::mgmt
