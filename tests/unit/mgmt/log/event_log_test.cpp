// event_log_test.cpp — lines reach their file in order, with and without the writer thread.
#include "mgmt/log/event_log.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

WallTime fixed_time() { return WallTime{std::chrono::hours(500000)}; }

class LogFile {
 public:
  LogFile() : file_(std::tmpfile()) {}
  ~LogFile() { std::fclose(file_); }
  [[nodiscard]] int descriptor() const { return ::fileno(file_); }
  [[nodiscard]] std::string text() const {
    std::string out(static_cast<std::size_t>(::lseek(descriptor(), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(descriptor(), out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
    return out;
  }

 private:
  std::FILE* file_;
};

TEST(EventLog, WritesAtOnceBeforeTheWriterStarts) {
  LogFile file;
  EventLog log({}, file.descriptor(), false, fixed_time);
  log.write(LogLevel::Error, "config", "bad", "no such file", {{"file", "a.yaml"}});
  EXPECT_THAT(file.text(), HasSubstr("\"event\":\"bad\",\"msg\":\"no such file\",\"file\":\"a.yaml\"}\n"));
}

TEST(EventLog, LeavesOutWhatIsBelowItsLevel) {
  LogFile file;
  LogConfig config;
  config.level = LogLevel::Warning;
  EventLog log(config, file.descriptor(), false, fixed_time);
  log.write(LogLevel::Info, "a", "quiet", "");
  log.write(LogLevel::Warning, "a", "loud", "");
  EXPECT_THAT(file.text(), Not(HasSubstr("quiet")));
  EXPECT_THAT(file.text(), HasSubstr("loud"));
}

TEST(EventLog, WriterThreadWritesAllBeforeTheLogEnds) {
  LogFile file;
  {
    EventLog log({}, file.descriptor(), false, fixed_time);
    log.start_writer();
    std::thread other([&log] { log.write(LogLevel::Info, "b", "from_thread", ""); });
    for (int i = 0; i < 10; ++i) log.write(LogLevel::Info, "a", "numbered", std::to_string(i));
    other.join();
  }
  const std::string text = file.text();
  EXPECT_THAT(text, HasSubstr("from_thread"));
  std::size_t last = 0;
  for (int i = 0; i < 10; ++i) {
    const std::size_t at = text.find("\"msg\":\"" + std::to_string(i) + "\"");
    ASSERT_NE(at, std::string::npos);
    EXPECT_GE(at, last);
    last = at;
  }
}

TEST(EventLog, FloodOfOneEventEndsInASummary) {
  LogFile file;
  {
    EventLog log({}, file.descriptor(), false, fixed_time);
    log.start_writer();
    for (int i = 0; i < 5000; ++i) log.write(LogLevel::Info, "a", "flood", "x");
  }
  EXPECT_LT(file.text().size(), 10000u);
  EXPECT_THAT(file.text(), HasSubstr("4980 more lines of event flood were held back"));
}

TEST(EventLog, NothingIsHeldBackBeforeTheWriterStarts) {
  LogFile file;
  EventLog log({}, file.descriptor(), false, fixed_time);
  for (int i = 0; i < 60; ++i) log.write(LogLevel::Warning, "config", "config_warning", std::to_string(i));
  EXPECT_THAT(file.text(), HasSubstr("\"msg\":\"59\""));
}

TEST(EventLog, FileThatCannotBeOpenedIsNamed) {
  const auto log = EventLog::open({}, "/nonexistent/folder/log", fixed_time);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error(), HasSubstr("/nonexistent/folder/log"));
}

TEST(EventLog, FileIsMadeWithoutRightsForOthersAndIsAppendedTo) {
  std::string name = ::testing::TempDir() + "sallyport-log-" + std::string(6, 'X');
  ::close(::mkstemp(name.data()));
  ::unlink(name.c_str());
  for (const char* const event : {"first", "second"}) {
    const auto log = EventLog::open({}, name, fixed_time);
    ASSERT_TRUE(log);
    (*log)->write(LogLevel::Info, "a", event, "");
  }
  struct stat status{};
  ASSERT_EQ(::stat(name.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0007, 0u);
  std::FILE* const file = std::fopen(name.c_str(), "r");
  char text[1024] = {};
  EXPECT_GT(std::fread(text, 1, sizeof text - 1, file), 0u);
  std::fclose(file);
  EXPECT_THAT(text, HasSubstr("first"));
  EXPECT_THAT(text, HasSubstr("second"));
  ::unlink(name.c_str());
}

}  // namespace
}  // namespace sallyport::mgmt
