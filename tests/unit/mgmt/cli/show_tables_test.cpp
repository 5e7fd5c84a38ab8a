// show_tables_test.cpp — the tables of `show`, also for answers of another version.
#include "mgmt/cli/show_tables.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "mgmt/cli/show_command.h"
#include "mgmt/cli/show_json.h"
#include "tests/unit/mgmt/fake_observation.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

TEST(PortsTables, ShowDeviceTrafficAndTheLargestDrops) {
  const std::string text = ports_tables(ports_json(fake_observation()).dump(), false).value();
  EXPECT_THAT(
      text, HasSubstr("outside  af_packet:s-outside  up    02:00:00:00:00:ab  1500     -  198.18.1.1/24\n"));
  EXPECT_THAT(text, HasSubstr("down"));
  EXPECT_THAT(text, HasSubstr("1,234"));
  EXPECT_THAT(text, HasSubstr("bad_ip_checksum 9, no_listener 3\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(PortsTables, AreColouredOnlyWhenAsked) {
  EXPECT_THAT(ports_tables(ports_json(fake_observation()).dump(), true).value(),
              HasSubstr("\x1b[32mup\x1b[0m"));
}

TEST(StatsTables, ShowSipCountsTablesAndLcores) {
  const std::string text = stats_tables(stats_json(fake_observation()).dump(), false).value();
  for (const char* const part : {"OPTIONS 12", "200 11, 4xx 1", "stranger 5", "4 of 50,000", "6 of 1,000,000",
                                 "8,000 of 8,192", "ring shard-0", "256 of 1,024", "50.0 %", "95.0 %"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(StatsTables, ShowWhatTheRelayDidInEachRealm) {
  const std::string text = stats_tables(stats_json(fake_observation()).dump(), false).value();
  for (const char* const part :
       {"MEDIA IN", "5,000", "980,000", "6 of 5,000", "foreign_source 13", "media streams", "2, 1"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(ShowTables, MissingAndStrangeMembersShowAsADash) {
  for (const char* const json :
       {"{}", "{\"ports\":7}", "{\"ports\":[7,{}]}", "{\"ports\":[{\"received\":\"x\",\"dropped\":[]}]}",
        "{\"realms\":[null],\"lcores\":[1],\"rings\":{\"a\":1}}", "{\"media\":7}",
        "{\"media\":{\"realms\":[7,{\"in\":7,\"dropped\":\"a\"}]}}",
        "{\"realms\":[{\"dropped\":7,\"requests\":\"a\"}]}"}) {
    EXPECT_TRUE(ports_tables(json, false)) << json;
    EXPECT_TRUE(stats_tables(json, false)) << json;
  }
}

TEST(ShowTables, WhatIsNoObjectIsAnError) {
  for (const char* const json : {"", "[]", "7", "{"}) EXPECT_FALSE(ports_tables(json, false)) << json;
}

TEST(ShowTables, ControlBytesInAnAnswerAreEscaped) {
  EXPECT_EQ(ports_tables("{\"ports\":[{\"name\":\"\\u001b[2J\"}]}", false).value().find('\x1b'),
            std::string::npos);
}

TEST(WantsColour, NotInAFileAndNotWithNoColor) {
  std::FILE* const file = std::tmpfile();
  EXPECT_FALSE(wants_colour(file, nullptr));
  EXPECT_FALSE(wants_colour(file, "1"));
  std::fclose(file);
}

TEST(ShowCommand, EndsWith69WhenNoDaemonAnswers) {
  CommandLine line;
  line.command = Command::ShowPorts;
  line.socket = "/nonexistent/socket";
  std::FILE *const out = std::tmpfile(), *const error = std::tmpfile();
  EXPECT_EQ(show_command(line, out, error), 69);
  EXPECT_EQ(std::ftell(out), 0);
  EXPECT_GT(std::ftell(error), 0);
  std::fclose(out);
  std::fclose(error);
}

}  // namespace
}  // namespace sallyport::mgmt
