// control_server_test.cpp — the control socket on a real loop, with honest and hostile clients.
#include "mgmt/cli/control_server.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mgmt/cli/control_client.h"
#include "tests/unit/mgmt/loop_thread.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / ("sallyport-" + std::string(6, 'X'))).string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval deadline{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return descriptor;
}

// All that comes until the server closes.
std::string read_to_end(int descriptor) {
  std::string all;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::recv(descriptor, chunk, sizeof chunk, 0)) > 0;)
    all.append(chunk, static_cast<std::size_t>(got));
  return all;
}

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() {
    commands_.on_show("ports", [] { return std::string("{\"ports\":[]}"); });
  }
  auto open(const ControlLimits& limits = {}) {
    return thread_.on_loop([&] { return ControlServer::open(thread_.loop(), path_, commands_, limits); });
  }
  void close(std::unique_ptr<ControlServer>& server) {
    thread_.on_loop([&] { server.reset(); });
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("run/control.sock");
  ControlCommands commands_;
  LoopThread thread_;
};

TEST_F(ControlServerTest, WhatDoesSomethingIsToldWithWhoAndHowItEnded) {
  commands_.on("hangup", [](const ControlArguments&) -> ControlResult {
    return fail(ControlFailure{kExitNoSuchThing, "no such call"});
  });
  commands_.on("explain", [](const ControlArguments&) -> ControlResult { return "{}"; });
  std::vector<ControlAct> told;  // on the loop's thread, and read when it has answered
  auto server = thread_.on_loop([&] {
    return ControlServer::open(thread_.loop(), path_, commands_, {},
                               [&told](const ControlAct& act) { told.push_back(act); });
  });
  ASSERT_TRUE(server) << server.error();
  const std::string long_id(1000, 'x');
  EXPECT_FALSE(ask_daemon(path_, command_request("hangup", {{"id", long_id}})));
  EXPECT_TRUE(ask_daemon(path_, command_request("explain", {{"of", "x"}})));
  EXPECT_TRUE(ask_daemon(path_, show_request("ports")));
  close(*server);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].command, "hangup");
  EXPECT_THAT(told[0].arguments, HasSubstr("{\"id\":\"xxx"));
  EXPECT_LE(told[0].arguments.size(), 256u);
  EXPECT_EQ(told[0].status, kExitNoSuchThing);
  EXPECT_EQ(told[0].uid, ::getuid());
  EXPECT_EQ(told[0].pid, static_cast<std::uint64_t>(::getpid()));
  EXPECT_FALSE(told[0].by.empty());
}

TEST_F(ControlServerTest, ClientGetsItsAnswer) {
  auto server = open();
  ASSERT_TRUE(server) << server.error();
  EXPECT_EQ(ask_daemon(path_, show_request("ports")).value(), "{\"ports\":[]}");
  EXPECT_EQ(ask_daemon(path_, show_request("calls")).error().status, 64);
  close(*server);
}

TEST_F(ControlServerTest, SocketIsForOwnerAndGroupOnlyAndGoesWithTheServer) {
  auto server = open();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660u);
  close(*server);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlServerTest, LivingDaemonIsNotReplaced) {
  auto first = open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another instance"));
  EXPECT_TRUE(ask_daemon(path_, show_request("ports")));
  close(*first);
}

TEST_F(ControlServerTest, SocketOfAKilledDaemonIsReplaced) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  auto server = open();
  ASSERT_TRUE(server) << server.error();
  EXPECT_TRUE(ask_daemon(path_, show_request("ports")));
  close(*server);
}

TEST_F(ControlServerTest, FileThatIsNoSocketIsLeftAlone) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ofstream(path_) << "precious";
  const auto server = open();
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error(), HasSubstr("not a socket"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ControlServerTest, NameTooLongForASocketIsAnError) {
  path_ = folder_.file(std::string(200, 'a').c_str());
  EXPECT_THAT(open().error(), HasSubstr("longer than"));
}

TEST_F(ControlServerTest, RequestWithoutLineFeedIsRefusedWhenItIsTooLong) {
  auto server = open();
  const int client = connect_to(path_);
  const std::string flood(kControlRequestBytesMax, '[');
  ASSERT_EQ(::send(client, flood.data(), flood.size(), MSG_NOSIGNAL), static_cast<ssize_t>(flood.size()));
  EXPECT_THAT(read_to_end(client), HasSubstr("too large"));
  ::close(client);
  close(*server);
}

TEST_F(ControlServerTest, SilentClientIsLetGo) {
  auto server = open({.connections_max = 4, .request_time_max = std::chrono::milliseconds(50)});
  const int client = connect_to(path_);
  EXPECT_EQ(read_to_end(client), "");
  ::close(client);
  close(*server);
}

TEST_F(ControlServerTest, OneConnectionTooManyIsClosedAndTheOthersServed) {
  auto server = open({.connections_max = 1});
  const int first = connect_to(path_);
  const std::string request = show_request("ports");
  ASSERT_GT(::send(first, request.data(), request.size(), MSG_NOSIGNAL), 0);
  char answer[4096];
  EXPECT_GT(::recv(first, answer, sizeof answer, 0), 0);
  const int second = connect_to(path_);
  EXPECT_EQ(read_to_end(second), "");
  ASSERT_GT(::send(first, request.data(), request.size(), MSG_NOSIGNAL), 0);
  EXPECT_GT(::recv(first, answer, sizeof answer, 0), 0);
  ::close(first);
  ::close(second);
  close(*server);
}

TEST(ControlClient, SaysThatNoDaemonAnswers) {
  const auto answer = ask_daemon("/nonexistent/control.sock", show_request("ports"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 69);
  EXPECT_EQ(answer.error().message, "no daemon answers on /nonexistent/control.sock");
  EXPECT_EQ(ask_daemon(std::string(300, 'a'), "x").error().status, 69);
}

}  // namespace
}  // namespace sallyport::mgmt
