// service_notify_test.cpp — one datagram to the service manager's socket.
#include "mgmt/cli/service_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace sallyport::mgmt {
namespace {

TEST(ServiceNotify, SendsToAnAbstractSocket) {
  const std::string name = "@sallyport-test-" + std::to_string(::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, name.size());
  address.sun_path[0] = '\0';
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  ASSERT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), length), 0);
  EXPECT_TRUE(service_notify(name, "READY=1"));
  char bytes[64];
  const ssize_t got = ::recv(receiver, bytes, sizeof bytes, MSG_DONTWAIT);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(bytes, static_cast<std::size_t>(got)), "READY=1");
  ::close(receiver);
}

TEST(ServiceNotify, WithoutAServiceManagerThereIsNothingToDo) { EXPECT_TRUE(service_notify("", "READY=1")); }

TEST(ServiceNotify, WrongNamesFail) {
  EXPECT_FALSE(service_notify("relative", "READY=1"));
  EXPECT_FALSE(service_notify("/nonexistent/notify", "READY=1"));
  EXPECT_FALSE(service_notify(std::string(200, '/'), "READY=1"));
}

}  // namespace
}  // namespace sallyport::mgmt
