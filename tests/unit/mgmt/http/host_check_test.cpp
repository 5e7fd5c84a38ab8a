// host_check_test.cpp — which values of Host mean this server. RFC 9110 §7.2.
#include "mgmt/http/host_check.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

TEST(HostCheck, AddressesAndLocalhostAreMeantForUs) {
  for (const char* const host : {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080",
                                 "127.0.0.1:", "[::1]", "[::1]:8080", "198.18.1.1:80", "[fd18:1::1]:65535"})
    EXPECT_TRUE(is_local_host_name(host)) << host;
}

TEST(HostCheck, NamesThatSomeoneCanLetLeadHereAreNot) {
  for (const char* const host :
       {"", "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
        "localhost:80a", "localhost:123456", "127.0.0.1:8080:8080", "[::1", "[::1]x", "[127.0.0.1]", "::1",
        "[]", "user@localhost", "localhost ", "0x7f000001", "127.1"})
    EXPECT_FALSE(is_local_host_name(host)) << host;
}

}  // namespace
}  // namespace sallyport::mgmt
