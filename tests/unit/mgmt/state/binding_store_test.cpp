// binding_store_test.cpp — registrations on the disk: what a restart finds, and what happens when the disk or
// the file is bad.
#include "mgmt/state/binding_store.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Timestamp at(std::int64_t milliseconds) { return Timestamp(std::chrono::milliseconds(milliseconds)); }

class BindingStoreTest : public testing::Test {
 protected:
  BindingStoreTest() { open(); }
  void open(std::size_t waiting_bytes_max = 1'000'000) {
    store_.reset();  // as the end of a process does
    store_ = std::make_unique<BindingStore>(
        BindingStoreSettings{.folder = state().string(), .waiting_bytes_max = waiting_bytes_max}, alarms_,
        log_);
  }
  void restart() {
    open();
    rows_ = store_->load();
    std::ranges::sort(rows_, {}, &BindingRow::number);
  }
  [[nodiscard]] std::vector<std::string> rows() const {
    std::vector<std::string> out;
    for (const BindingRow& row : rows_)
      out.push_back(std::to_string(row.number) + " " + std::to_string(row.shard) + " " + row.bytes);
    return out;
  }
  [[nodiscard]] std::vector<std::string> alarms() const {
    std::vector<std::string> out;
    for (const ActiveAlarm& alarm : alarms_.active())
      out.push_back(std::string(alarm.name) + "/" + alarm.subject + ": " + alarm.detail);
    return out;
  }
  [[nodiscard]] std::filesystem::path state() const { return folder_.path() / "state"; }
  [[nodiscard]] std::filesystem::path file() const { return state() / "registrations.db"; }
  void write_file(std::string_view text) const { std::ofstream(file(), std::ios::binary) << text; }

  const TestFolder folder_;
  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  const bool has_folder_ = std::filesystem::create_directory(folder_.path() / "state");
  std::unique_ptr<BindingStore> store_;
  std::vector<BindingRow> rows_;
};

TEST_F(BindingStoreTest, WhatWasToldIsThereAgainAfterARestart) {
  EXPECT_THAT(store_->load(), IsEmpty());
  store_->add({1, 7, "one"});
  store_->add({std::uint64_t{1} << 63U, 255, std::string("\0two", 4)});
  store_->add({3, 0, "three"});
  store_->add({3, 0, "moved"});
  store_->add({4, 0, "four"});
  store_->add({4, 0, ""});
  static_cast<void>(store_->step(at(0), true));
  restart();
  EXPECT_THAT(rows(),
              ElementsAre("1 7 one", "3 0 moved", "9223372036854775808 255 " + std::string("\0two", 4)));
  store_->add({1, 7, ""});
  store_->forget(3);
  static_cast<void>(store_->step(at(0), true));
  restart();
  EXPECT_EQ(rows_.size(), 1u);
  EXPECT_THAT(alarms(), IsEmpty());
}

TEST_F(BindingStoreTest, ChangesAreGatheredForAMoment) {
  static_cast<void>(store_->load());
  EXPECT_GT(store_->step(at(0)), Duration(1min)) << "nothing to do";
  store_->add({1, 0, "one"});
  EXPECT_EQ(store_->step(at(1000)), BindingStore::kCommitEvery);
  store_->add({2, 0, "two"});
  EXPECT_EQ(store_->step(at(1012)), Duration(8ms)) << "the first one counts";
  EXPECT_EQ(store_->waiting(), 2u);
  EXPECT_GT(store_->step(at(1020)), Duration(1min));
  EXPECT_EQ(store_->waiting(), 0u);
}

TEST_F(BindingStoreTest, AStormIsWrittenInPartsSoThatRecordsOfCallsComeBetween) {
  static_cast<void>(store_->load());
  open(std::size_t{1} << 30U);
  for (std::uint64_t i = 1; i <= BindingStore::kRowsOfCommit + 10; ++i) store_->add({i, 0, "x"});
  static_cast<void>(store_->step(at(0)));
  EXPECT_EQ(store_->step(at(100)), Duration{}) << "there is more";
  EXPECT_EQ(store_->waiting(), 10u);
  static_cast<void>(store_->step(at(100)));
  restart();
  EXPECT_EQ(rows_.size(), BindingStore::kRowsOfCommit + 10);
}

TEST_F(BindingStoreTest, TheFileIsForItsOwnerAlone) {
  static_cast<void>(store_->load());
  struct stat status{};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(BindingStoreTest, AFolderThatIsMissingIsAnAlarmUntilItIsThere) {
  std::filesystem::remove_all(state());
  EXPECT_THAT(store_->load(), IsEmpty());
  EXPECT_THAT(alarms(), ElementsAre(HasSubstr("registrations_not_saved/: ")));
  store_->add({1, 0, "one"});
  const Duration pause = store_->step(at(0));
  EXPECT_EQ(pause, BindingStore::kRetryMin);
  EXPECT_GT(store_->step(at(1000)), pause) << "each time it waits longer";
  EXPECT_EQ(store_->waiting(), 1u);
  std::filesystem::create_directory(state());
  static_cast<void>(store_->step(at(60'000)));
  EXPECT_THAT(alarms(), IsEmpty());
  restart();
  EXPECT_THAT(rows(), ElementsAre("1 0 one"));
}

// The process may write no longer files than that: as a disk that is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit low{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_ = std::signal(SIGXFSZ, SIG_IGN);
};

TEST_F(BindingStoreTest, AFullDiskIsAnAlarmAndNothingIsForgotten) {
  static_cast<void>(store_->load());
  store_->add({1, 0, "one"});
  static_cast<void>(store_->step(at(0), true));
  const std::string large(100'000, 'x');
  {
    const FullDisk full(50'000);
    store_->add({2, 0, large});
    static_cast<void>(store_->step(at(1000), true));
    EXPECT_EQ(alarms().size(), 1u);
    EXPECT_EQ(store_->waiting(), 1u);
    EXPECT_EQ(store_->step(at(1500)), Duration(500ms)) << "after a second again";
  }
  static_cast<void>(store_->step(at(2000)));
  EXPECT_THAT(alarms(), IsEmpty());
  restart();
  EXPECT_THAT(rows(), ElementsAre("1 0 one", "2 0 " + large));
}

TEST_F(BindingStoreTest, WhatWaitsForABadDiskHasABound) {
  std::filesystem::remove_all(state());
  open(10'000);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    store_->add({i, 0, std::string(1000, 'x')});
    static_cast<void>(store_->step(at(static_cast<std::int64_t>(i) * 1000)));
  }
  EXPECT_LE(store_->waiting(), 10u);
  EXPECT_GE(store_->waiting(), 8u);
}

TEST_F(BindingStoreTest, AFileThatIsNoneIsPutAsideAndANewOneBegun) {
  store_.reset();
  write_file(std::string(10'000, 'x'));
  restart();
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_THAT(alarms(), ElementsAre(HasSubstr("registrations_not_saved/registrations.db.broken: ")));
  EXPECT_EQ(std::filesystem::file_size(file().string() + ".broken"), 10'000u);
  store_->add({1, 0, "one"});
  static_cast<void>(store_->step(at(0), true));
  EXPECT_EQ(alarms().size(), 1u) << "somebody should look at the file";
  restart();
  EXPECT_THAT(rows(), ElementsAre("1 0 one"));
}

TEST_F(BindingStoreTest, WhatStandsBeforeADamagedPlaceIsKept) {
  static_cast<void>(store_->load());
  for (std::uint64_t i = 1; i <= 2000; ++i) store_->add({i, 0, std::string(400, 'x')});
  static_cast<void>(store_->step(at(0), true));
  store_.reset();
  {
    std::fstream damage(file(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(static_cast<std::streamoff>(std::filesystem::file_size(file()) / 2));
    damage << std::string(8192, '\xff');
  }
  restart();
  EXPECT_GT(rows_.size(), 100u);
  EXPECT_LT(rows_.size(), 2000u);
  EXPECT_EQ(alarms().size(), 1u);
  const std::size_t kept = rows_.size();
  static_cast<void>(store_->step(at(0), true));
  static_cast<void>(store_->step(at(0), true));
  restart();
  EXPECT_EQ(rows_.size(), kept) << "the new file has them";
}

TEST_F(BindingStoreTest, AFileOfAnotherFormOrVersionIsPutAside) {
  store_.reset();
  write_file("");  // an empty one is as good as none
  restart();
  EXPECT_THAT(alarms(), IsEmpty());
  store_->add({1, 0, "one"});
  static_cast<void>(store_->step(at(0), true));
  store_.reset();
  // The version stands at offset 60 of the header, in four octets.
  std::fstream header(file(), std::ios::in | std::ios::out | std::ios::binary);
  header.seekp(63);
  header << '\x09';
  header.close();
  restart();
  EXPECT_THAT(rows(), IsEmpty());
  EXPECT_THAT(alarms(), ElementsAre(HasSubstr("it is of another version")));
}

}  // namespace
}  // namespace sallyport::mgmt
