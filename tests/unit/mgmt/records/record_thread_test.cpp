// record_thread_test.cpp — the writer on its thread, a real disk and real queues beneath it.
#include "mgmt/records/record_thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace sallyport::mgmt {
namespace {

// As the rim's stream: events go in on any thread, and its wait ends.
class Stream {
 public:
  void put(sip::EngineEvent event) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(event));
    rung_ = true;
    changed_.notify_all();
  }
  std::unique_ptr<sip::EngineEvent> take() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return nullptr;
    auto event = std::make_unique<sip::EngineEvent>(std::move(queue_.front()));
    queue_.pop_front();
    return event;
  }
  RecordBell bell() {
    return {[this](Duration longest) {
              std::unique_lock lock(mutex_);
              changed_.wait_for(lock, longest, [this] { return rung_; });
              rung_ = false;
            },
            [this](Duration time) {
              std::unique_lock lock(mutex_);
              changed_.wait_for(lock, time, [this] { return woken_; });
            },
            [this] {
              const std::lock_guard lock(mutex_);
              rung_ = woken_ = true;
              changed_.notify_all();
            }};
  }
  void durable(std::uint64_t sequence) {
    const std::lock_guard lock(mutex_);
    durable_ = sequence;
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for_durable(std::uint64_t sequence) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] { return durable_ >= sequence; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<sip::EngineEvent> queue_;
  std::uint64_t durable_ = 0;
  bool rung_ = false, woken_ = false;
};

class RecordThreadTest : public testing::Test {
 protected:
  RecordThreadTest() {
    std::string path = (std::filesystem::temp_directory_path() / "sallyport-records-XXXXXX").string();
    folder_ = ::mkdtemp(path.data());
    settings_.node = "edge-1";
    settings_.folder = folder_;
    settings_.sinks = {CdrSink{.to = "records/cdr.jsonl"}};
  }
  ~RecordThreadTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] RecordSurroundings around() {
    return {disk_,
            alarms_,
            log_,
            system_wall_time,
            [] { return Timestamp(system_wall_time().time_since_epoch()); },
            [this](std::size_t, std::uint64_t sequence) { stream_.durable(sequence); },
            {}};
  }
  [[nodiscard]] std::size_t lines() const {
    std::ifstream in(folder_ + "/records/cdr.jsonl");
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  }
  void put(std::uint64_t sequence, CallRecordType type, std::uint64_t call) {
    CallRecord record;
    record.type = type;
    record.call = call;
    stream_.put({Timestamp{}, sip::RecordEvent{sequence, std::move(record)}});
  }

  std::string folder_;
  RecordSettings settings_;
  PosixDisk disk_;
  EventLog log_{{}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  Stream stream_;
};

TEST_F(RecordThreadTest, WritesWhatComesAndAtTheEndWhatIsLeft) {
  {
    RecordWriter writer(settings_, around());
    writer.add_source({[this] { return stream_.take(); }});
    ASSERT_TRUE(writer.replay({}));
    RecordThread thread(writer, stream_.bell());
    put(1, CallRecordType::Start, 1);
    EXPECT_TRUE(stream_.wait_for_durable(1));
    for (std::uint64_t i = 2; i <= 1000; ++i) put(i, CallRecordType::End, i);
    writer.watch();
    thread.stop();
    EXPECT_EQ(writer.queue(), 0u);
    EXPECT_EQ(writer.lost(), 0u);
    thread.stop();
  }
  EXPECT_TRUE(stream_.wait_for_durable(1000));
  EXPECT_EQ(lines(), 1000u);
  // The next life ends the call that was up.
  RecordWriter writer(settings_, around());
  const auto report = writer.replay({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->calls_ended, 1u);
  writer.finish();
  EXPECT_EQ(lines(), 1001u);
}

}  // namespace
}  // namespace sallyport::mgmt
