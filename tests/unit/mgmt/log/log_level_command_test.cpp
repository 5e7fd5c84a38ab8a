// log_level_command_test.cpp — the level of a log that runs is asked for and changed; words that are none
// change nothing.
#include "mgmt/log/log_level_command.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

class LogLevelCommand : public testing::Test {
 protected:
  LogLevelCommand() : log_({}, ::fileno(file_), false, [] { return WallTime{}; }) {
    add_log_commands(commands_, log_);
  }
  ~LogLevelCommand() override { std::fclose(file_); }
  [[nodiscard]] std::string ask(const ControlArguments& arguments) const {
    return commands_.answer(command_request("log", arguments));
  }
  [[nodiscard]] std::string written() const {
    std::rewind(file_);
    std::string out(65536, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), file_));
    return out;
  }

  std::FILE* file_ = std::tmpfile();
  EventLog log_;
  ControlCommands commands_;
};

TEST_F(LogLevelCommand, ChangesWhatIsWrittenFromThenOn) {
  log_.write(LogLevel::Debug, "a", "unheard", "");
  EXPECT_EQ(ask({{"level", "debug"}}),
            "{\"status\":0,\"result\":{\"level\":\"debug\",\"before\":\"info\"}}\n");
  log_.write(LogLevel::Debug, "a", "heard", "");
  EXPECT_EQ(ask({{"level", "error"}}),
            "{\"status\":0,\"result\":{\"level\":\"error\",\"before\":\"debug\"}}\n");
  log_.write(LogLevel::Warning, "a", "no_more", "");
  EXPECT_THAT(written(), HasSubstr("\"event\":\"heard\""));
  EXPECT_THAT(written(), Not(HasSubstr("unheard")));
  EXPECT_THAT(written(), Not(HasSubstr("no_more")));
}

TEST_F(LogLevelCommand, TellsTheLogThatItsLevelWasChanged) {
  static_cast<void>(ask({{"level", "error"}}));
  EXPECT_THAT(written(), HasSubstr("\"event\":\"log_level\""));
  EXPECT_THAT(written(), HasSubstr("\"level\":\"error\",\"before\":\"info\""));
}

TEST_F(LogLevelCommand, SaysTheLevelWhenNoneIsGiven) {
  EXPECT_THAT(ask({}), HasSubstr("\"level\":\"info\""));
  EXPECT_EQ(written(), "");
}

TEST_F(LogLevelCommand, RefusesAWordThatIsNoLevel) {
  for (const char* const word : {"loud", "INFO", "debug ", "warn"}) {
    EXPECT_THAT(ask({{"level", word}}), HasSubstr("is no level; write error, warning, info or debug"))
        << word;
    EXPECT_EQ(log_.level(), LogLevel::Info);
  }
}

TEST(LogLevelLine, SaysWhatItWasAndHowLongItStays) {
  EXPECT_EQ(log_level_line(R"({"level":"info","before":"info"})", false).value(), "log level: info\n");
  EXPECT_EQ(log_level_line(R"({"level":"debug","before":"info"})", false).value(),
            "log level: debug, before: info; until the next start, or until a reload brings another\n");
}

}  // namespace
}  // namespace sallyport::mgmt
