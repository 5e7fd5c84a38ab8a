// record_keeping_test.cpp — an event of an engine reaches the CDR file, and the engine hears of it.
#include "mgmt/daemon/record_keeping.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

class FakeEvents : public dataplane::EventStream {
 public:
  void tell(sip::EngineEvent event) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(event));
    changed_.notify_all();
  }
  // Until the journal has it.
  [[nodiscard]] bool wait_until_journalled(std::uint64_t sequence) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return journalled_ >= sequence; });
  }

  [[nodiscard]] std::size_t engines() const noexcept override { return 1; }
  [[nodiscard]] bool wait(Duration longest) noexcept override {
    std::unique_lock lock(mutex_);
    const bool woken = changed_.wait_for(lock, longest, [&] { return !waiting_.empty() || woken_; });
    woken_ = false;
    return woken;
  }
  [[nodiscard]] std::unique_ptr<sip::EngineEvent> take(std::size_t) noexcept override {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return nullptr;
    auto event = std::make_unique<sip::EngineEvent>(std::move(waiting_.front()));
    waiting_.pop_front();
    return event;
  }
  void give_back(std::size_t, std::unique_ptr<sip::EngineEvent> event) noexcept override { event.reset(); }
  void journalled(std::size_t, std::uint64_t sequence) noexcept override {
    const std::lock_guard lock(mutex_);
    journalled_ = sequence;
    changed_.notify_all();
  }
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<sip::EngineEvent> waiting_;
  std::uint64_t journalled_ = 0;
  bool woken_ = false;
};

class RecordKeepingTest : public testing::Test {
 protected:
  RecordKeepingTest() {
    std::string name =
        (std::filesystem::temp_directory_path() / ("sallyport-" + std::string(6, 'X'))).string();
    folder_ = ::mkdtemp(name.data());
    config_.node.name = "edge-1";
    config_.node.state = folder_.string();
  }
  ~RecordKeepingTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] RecordPlaces places() {
    // A millisecond passes with each look, so that what is due becomes so.
    return {disk_, alarms_, log_, system_wall_time,
            [this] { return Timestamp(std::chrono::seconds(100) + std::chrono::milliseconds(++looks_)); }};
  }
  [[nodiscard]] std::string cdrs() const {
    std::ostringstream out;
    out << std::ifstream(folder_ / "cdr.jsonl").rdbuf();
    return out.str();
  }

  std::filesystem::path folder_;
  SbcConfig config_;
  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  PosixDisk disk_;
  FakeEvents events_;
  std::atomic<std::int64_t> looks_{0};
};

sip::EngineEvent ended(std::uint64_t call, std::uint64_t sequence) {
  CallRecord record;
  record.type = CallRecordType::End;
  record.call = call;
  record.start = Timestamp(std::chrono::seconds(90));
  record.end = Timestamp(std::chrono::seconds(95));
  record.end_reason = "bye";
  return {Timestamp(std::chrono::seconds(95)), sip::RecordEvent{sequence, std::move(record)}};
}

TEST_F(RecordKeepingTest, RecordReachesJournalAndFile) {
  RecordKeeping records(config_, places(), events_);
  ASSERT_TRUE(records.begin({}));
  events_.tell(ended(0x6740'8c3e'0000'0001, 1));
  EXPECT_TRUE(events_.wait_until_journalled(1));
  records.stop();
  EXPECT_THAT(cdrs(), HasSubstr("67408c3e-00000001"));
}

// What a close look at the log shows of a call, and at the usual level nothing.
TEST_F(RecordKeepingTest, TheEndOfACallIsToldAtDebugWithItsNumbersMasked) {
  for (const LogLevel level : {LogLevel::Info, LogLevel::Debug}) {
    const std::string path = (folder_ / "log.jsonl").string();
    {
      const auto log =
          EventLog::open({.level = level, .mask_numbers = NumberMask::All}, path, system_wall_time);
      ASSERT_TRUE(log);
      RecordPlaces with_log{disk_, alarms_, **log, system_wall_time, places().core};
      RecordKeeping records(config_, with_log, events_);
      ASSERT_TRUE(records.begin({}));
      const std::uint64_t call = 7 + static_cast<std::uint64_t>(level);
      sip::EngineEvent event = ended(call, call);
      CallRecord& record = std::get<sip::RecordEvent>(event.what).record;
      record.called_in = "+15550100";
      record.from = "<sip:+15550199@198.18.1.2>";
      events_.tell(std::move(event));
      EXPECT_TRUE(events_.wait_until_journalled(call));
      records.stop();
    }
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    if (level == LogLevel::Info) {
      EXPECT_THAT(text.str(), testing::Not(HasSubstr("call_ended")));
      continue;
    }
    EXPECT_THAT(text.str(), HasSubstr("\"event\":\"call_ended\""));
    EXPECT_THAT(text.str(), HasSubstr("\"called_in\":\"****\""));
    EXPECT_THAT(text.str(), HasSubstr("sip:****@198.18.1.2"));
    EXPECT_THAT(text.str(), testing::Not(HasSubstr("1555")));
  }
}

TEST_F(RecordKeepingTest, WhatWasToldBeforeTheStopIsWritten) {
  RecordKeeping records(config_, places(), events_);
  ASSERT_TRUE(records.begin({}));
  for (std::uint64_t i = 1; i <= 100; ++i) events_.tell(ended(i, i));
  records.stop();
  const std::string lines = cdrs();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 100);
}

TEST_F(RecordKeepingTest, AlarmOfAnEngineIsRaised) {
  RecordKeeping records(config_, places(), events_);
  ASSERT_TRUE(records.begin({}));
  events_.tell({Timestamp(), sip::AlarmEvent{"call_table_full", true, "10000 calls"}});
  events_.tell({Timestamp(), sip::DetectionEvent{"forged_request", "reject", {}, 1, "BYE"}});
  events_.tell(ended(1, 1));
  EXPECT_TRUE(events_.wait_until_journalled(1));
  records.stop();
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].name, "call_table_full");
}

TEST_F(RecordKeepingTest, WhatWasDetectedIsHandedOnWithItsMoment) {
  RecordPlaces with_detections = places();
  std::vector<std::pair<std::string, Timestamp>> detected;  // the thread of the records alone, until stop()
  with_detections.detected = [&](const sip::DetectionEvent& event, Timestamp at) {
    detected.emplace_back(event.evidence, at);
  };
  RecordKeeping records(config_, with_detections, events_);
  ASSERT_TRUE(records.begin({}));
  events_.tell({Timestamp(std::chrono::seconds(7)), sip::DetectionEvent{"scanner", "log", {}, 0, "3 users"}});
  events_.tell(ended(1, 1));
  EXPECT_TRUE(events_.wait_until_journalled(1));
  records.stop();
  ASSERT_EQ(detected.size(), 1u);
  EXPECT_EQ(detected[0].first, "3 users");
  EXPECT_EQ(detected[0].second, Timestamp(std::chrono::seconds(7)));
}

TEST_F(RecordKeepingTest, RegistrationsAreSavedOnTheSameThread) {
  auto bindings =
      std::make_unique<BindingStore>(BindingStoreSettings{.folder = folder_.string()}, alarms_, log_);
  ASSERT_TRUE(bindings->load().empty());
  RecordPlaces with_bindings = places();
  with_bindings.bindings = bindings.get();
  RecordKeeping records(config_, with_bindings, events_);
  ASSERT_TRUE(records.begin({}));
  for (std::uint64_t i = 1; i <= 3; ++i) events_.tell({Timestamp(), sip::BindingEvent{i, 7, "bytes"}});
  events_.tell({Timestamp(), sip::BindingEvent{2, 7, ""}});
  events_.tell(ended(1, 1));
  EXPECT_TRUE(events_.wait_until_journalled(1));
  records.stop();
  bindings = std::make_unique<BindingStore>(BindingStoreSettings{.folder = folder_.string()}, alarms_, log_);
  EXPECT_EQ(bindings->load().size(), 2u);
}

}  // namespace
}  // namespace sallyport::mgmt
