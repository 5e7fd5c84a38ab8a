// eal_log_test.cpp — what DPDK prints goes to the listener, line by line, and into failed starts' sentences.
#include <gtest/gtest.h>
#include <rte_log.h>

#include <string>
#include <vector>

#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {
namespace {

TEST(EalLog, GivesEachLineToTheListener) {
  EalLog& log = eal_of_test().log();
  std::vector<std::string> heard;
  log.set_listener([&](std::string_view line) { heard.emplace_back(line); });
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "first\nsecond ");
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "half\n");
  log.say("one of ours");
  log.set_listener({});
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "to nobody\n");
  EXPECT_EQ(heard, (std::vector<std::string>{"first", "second half", "one of ours"}));
}

TEST(EalLog, KeepsTheLastLinesForTheSentenceOfAFailedStart) {
  EalLog& log = eal_of_test().log();
  log.clear();
  rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "no such thing\n");
  EXPECT_EQ(log.last_lines(), "no such thing");
  EXPECT_TRUE(log.has("such"));
  log.clear();
  EXPECT_EQ(log.last_lines(), "");
}

}  // namespace
}  // namespace sallyport::dataplane
