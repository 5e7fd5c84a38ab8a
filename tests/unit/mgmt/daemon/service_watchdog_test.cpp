// service_watchdog_test.cpp — the service manager's watchdog is fed while every thread moves, and only then.
#include "mgmt/daemon/service_watchdog.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "mgmt/log/wall_clock.h"
#include "mgmt/state/descriptor.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using namespace std::chrono_literals;

class Watched : public testing::Test {
 protected:
  Watched() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name_.copy(address.sun_path, name_.size());
    address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(receiver_.number(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    log_ = *EventLog::open({}, (folder_.path() / "log").string(), system_wall_time);
  }

  // How often it was fed since the last question.
  [[nodiscard]] int fed() const {
    int count = 0;
    char bytes[64];
    for (ssize_t got = 0; (got = ::recv(receiver_.number(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0; ++count)
      EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(got)), "WATCHDOG=1");
    return count;
  }
  [[nodiscard]] std::string logged() const { return read_file(folder_.path() / "log"); }
  [[nodiscard]] ServiceWatchdog watchdog(Duration interval) {
    return ServiceWatchdog(interval, {name_, [this] { return turns_; }, *log_});
  }

  void move_all() {
    for (dataplane::ThreadTurns& one : turns_) ++one.turns;
  }

  const TestFolder folder_;
  const std::string name_ = "@sallyport-watchdog-" + std::to_string(::getpid());
  const Descriptor receiver_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::unique_ptr<EventLog> log_;
  std::vector<dataplane::ThreadTurns> turns_{
      {"signalling thread 0", 10}, {"stream thread", 5}, {"lcore 0", 20}};
  Timestamp now_{1s};
};

TEST_F(Watched, IsFedSeveralTimesInAnIntervalWhileAllMove) {
  ServiceWatchdog watchdog = this->watchdog(10s);
  for (int tick = 0; tick < 100; ++tick) {  // ten seconds
    watchdog.tick(now_);
    now_ += 100ms;
    move_all();
  }
  EXPECT_EQ(fed(), 4);
  EXPECT_EQ(logged(), "");
}

// Whichever it is: an lcore, a signalling thread, the stream thread.
TEST_F(Watched, IsNotFedWhileOneStands) {
  for (std::size_t standing = 0; standing < turns_.size(); ++standing) {
    ServiceWatchdog watchdog = this->watchdog(1s);
    watchdog.tick(now_);
    EXPECT_EQ(fed(), 1);
    for (int look = 0; look < 8; ++look) {
      now_ += 250ms;
      move_all();
      --turns_[standing].turns;
      watchdog.tick(now_);
    }
    EXPECT_EQ(fed(), 0);
    EXPECT_THAT(logged(),
                testing::ContainsRegex("thread_stuck.*\"thread\":\"" + turns_[standing].name + "\""));
    now_ += 250ms;
    ++turns_[standing].turns;
    watchdog.tick(now_);
    EXPECT_EQ(fed(), 0) << "another did not move this time";
    now_ += 250ms;
    move_all();
    watchdog.tick(now_);
    EXPECT_EQ(fed(), 1);
    EXPECT_THAT(logged(), testing::HasSubstr("threads_move"));
    now_ += 250ms;
  }
}

TEST_F(Watched, IsNotFedWhenNobodyWatches) {
  ServiceWatchdog watchdog = this->watchdog(Duration::zero());
  for (int tick = 0; tick < 100; ++tick) {
    watchdog.tick(now_);
    now_ += 1s;
    move_all();
  }
  EXPECT_EQ(fed(), 0);
}

// sd_watchdog_enabled(3): WATCHDOG_PID says whose it is.
TEST(WatchdogInterval, IsOursOrNone) {
  EXPECT_EQ(watchdog_interval("10000000", "", 42), 10s);
  EXPECT_EQ(watchdog_interval("10000000", "42", 42), 10s);
  EXPECT_EQ(watchdog_interval("10000000", "43", 42), Duration::zero());
  for (const char* const wrong : {"", "0", "-5", "10s", "99999999999999999999", "9999999999999999"})
    EXPECT_EQ(watchdog_interval(wrong, "", 42), Duration::zero()) << wrong;
}

}  // namespace
}  // namespace sallyport::mgmt
