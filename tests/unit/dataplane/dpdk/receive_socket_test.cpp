// receive_socket_test.cpp — which socket was made since.
#include "dataplane/dpdk/receive_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::dataplane {
namespace {

TEST(ReceiveSocket, IsTheOneOfItsFamilyThatWasMadeMeanwhile) {
  const int older = socket(AF_UNIX, SOCK_DGRAM, 0);
  const ReceiveSocket made_since(AF_UNIX);
  const int other = socket(AF_INET, SOCK_DGRAM, 0);
  const int made = socket(AF_UNIX, SOCK_DGRAM, 0);
  EXPECT_EQ(made_since.find(), made);
  for (const int one : {older, other, made}) close(one);
}

TEST(ReceiveSocket, IsNoneWhereNoneWasMade) {
  const int older = socket(AF_UNIX, SOCK_DGRAM, 0);
  EXPECT_EQ(ReceiveSocket(AF_UNIX).find(), -1);
  close(older);
}

TEST(ReceiveSocket, IsNoneWhereItCanNotBeTold) {
  const ReceiveSocket made_since(AF_UNIX);
  const int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
  EXPECT_EQ(made_since.find(), -1);
  close(one);
  close(two);
}

}  // namespace
}  // namespace sallyport::dataplane
