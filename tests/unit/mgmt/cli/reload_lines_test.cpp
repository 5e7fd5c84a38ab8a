// reload_lines_test.cpp — what the command prints of a reload.
#include "mgmt/cli/reload_lines.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

TEST(ReloadLines, NameEachChangeAndEachFileThatSaysSomethingElse) {
  EXPECT_EQ(
      reload_lines("{\"changes\":[\"+ peers[new]\",\"~ routes[a].to\"],"
                   "\"tables\":[{\"name\":\"lcr\",\"lines\":12000}],"
                   "\"users\":[{\"registrar\":\"phones\",\"users\":1200}],\"passwords\":[\"carrier\"],"
                   "\"certificates\":[\"edge was read\"],\"warnings\":[\"c.yaml:1: x: y; z (warning)\"]}",
                   false)
          .value(),
      "+ peers[new]\n~ routes[a].to\nreloaded tables: lcr, 12,000 lines\nreloaded users: phones, 1,200 "
      "users\nreloaded passwords: carrier\n"
      "reloaded certificates: edge was read\nc.yaml:1: x: y; z (warning)\n");
}

TEST(ReloadLines, SayThatNothingHasChanged) {
  EXPECT_EQ(reload_lines("{\"changes\":[],\"tables\":[]}", false).value(), "nothing has changed\n");
}

TEST(ReloadLines, SayUntilWhenItWaitsAndWhatTheFilesSay) {
  EXPECT_EQ(
      reload_lines("{\"changes\":[\"~ x\"],\"unconfirmed\":{\"until\":\"2026-11-22T10:00:00.000Z\","
                   "\"seconds\":300},\"taken_back\":false}",
                   false)
          .value(),
      "~ x\ntaken back at 2026-11-22T10:00:00.000Z, in 300 s, unless you confirm it: sallyport confirm\n");
  EXPECT_EQ(reload_lines("{\"changes\":[\"~ x\"],\"unconfirmed\":null,\"taken_back\":true}", false).value(),
            "~ x\ntaken back; the files still say what was taken back: the next reload or start reads it\n");
}

TEST(ReloadLines, EscapeWhatAFileSays) {
  EXPECT_EQ(reload_lines("{\"changes\":[\"~ \\u001b[2J\"]}", true).value(), "~ \\x1b[2J\n");
}

TEST(ReloadLines, AnAnswerOfAnotherFormIsAnError) {
  EXPECT_FALSE(reload_lines("[]", false));
  EXPECT_EQ(reload_lines("{\"changes\":7}", false).value(), "7\n");
}

}  // namespace
}  // namespace sallyport::mgmt
