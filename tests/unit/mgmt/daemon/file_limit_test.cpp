// Descriptors for connections.
#include "mgmt/daemon/file_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace sallyport::mgmt {
namespace {

TEST(FileLimit, TakesAsManyAsTheSystemLetsItHave) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(raise_file_limit(), most);
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, most);
}

TEST(FileLimit, SaysWhatToRaiseWhenConnectionsDoNotFit) {
  EXPECT_EQ(too_few_files(20'512, 20'000), std::nullopt);
  const auto said = too_few_files(1024, 20'000);
  ASSERT_TRUE(said.has_value());
  EXPECT_NE(said->find("20512"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::mgmt
