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

TEST(ReloadLines, EscapeWhatAFileSays) {
  EXPECT_EQ(reload_lines("{\"changes\":[\"~ \\u001b[2J\"]}", true).value(), "~ \\x1b[2J\n");
}

TEST(ReloadLines, AnAnswerOfAnotherFormIsAnError) {
  EXPECT_FALSE(reload_lines("[]", false));
  EXPECT_EQ(reload_lines("{\"changes\":7}", false).value(), "7\n");
}

}  // namespace
}  // namespace sallyport::mgmt
