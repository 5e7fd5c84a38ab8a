// command_line_test.cpp — what argv means.
#include "mgmt/cli/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::mgmt {
namespace {

CommandLineResult parse(std::vector<const char*> words) {
  words.insert(words.begin(), "sallyport");
  return parse_command_line(static_cast<int>(words.size()), words.data(), "/run/default.sock");
}

TEST(CommandLine, RunTakesAConfigurationAndADrainTime) {
  const auto parsed = parse({"run", "-c", "a.yaml", "--drain-time", "5m"});
  ASSERT_TRUE(parsed.command);
  EXPECT_EQ(parsed.command->command, Command::Run);
  EXPECT_EQ(parsed.command->config_file, "a.yaml");
  EXPECT_EQ(parsed.command->drain, std::chrono::minutes(5));
}

TEST(CommandLine, DrainTimeIsThirtySecondsWhenNotGiven) {
  EXPECT_EQ(parse({"run", "-c", "a"}).command->drain, std::chrono::seconds(30));
}

TEST(CommandLine, CheckMayBeStrict) {
  EXPECT_TRUE(parse({"check", "-c", "a", "--strict"}).command->strict);
  EXPECT_FALSE(parse({"check", "-c", "a"}).command->strict);
}

TEST(CommandLine, ShowTakesTheDefaultSocketUnlessToldOtherwise) {
  EXPECT_EQ(parse({"show", "ports"}).command->socket, "/run/default.sock");
  EXPECT_EQ(parse({"show", "stats", "--socket", "/x"}).command->socket, "/x");
}

TEST(CommandLine, WatchRepeatsEachSecondUnlessAnotherTimeIsGiven) {
  EXPECT_FALSE(parse({"show", "ports"}).command->watch);
  EXPECT_EQ(parse({"show", "ports", "--watch"}).command->watch, std::chrono::seconds(1));
  EXPECT_EQ(parse({"show", "ports", "--watch", "500ms", "--json"}).command->watch,
            std::chrono::milliseconds(500));
  EXPECT_TRUE(parse({"show", "stats", "--watch", "2s", "--json"}).command->json);
}

TEST(CommandLine, LogLevelIsChangedOrAskedFor) {
  const auto changed = parse({"log", "level", "debug"});
  ASSERT_TRUE(changed.command);
  EXPECT_EQ(changed.command->command, Command::LogLevel);
  EXPECT_EQ(changed.command->id, "debug");
  EXPECT_EQ(parse({"log", "level"}).command->id, "");
  EXPECT_FALSE(parse({"log"}).command);
}

TEST(CommandLine, DetectionsAreAskedByDetectorAndBySource) {
  const auto all = parse({"show", "detections", "--watch", "2s"});
  ASSERT_TRUE(all.command);
  EXPECT_EQ(all.command->command, Command::ShowDetections);
  EXPECT_EQ(all.command->limit, 100u);
  EXPECT_EQ(all.command->detector + all.command->source, "");
  EXPECT_EQ(all.command->watch, std::chrono::seconds(2));
  const auto some =
      parse({"show", "detections", "--detector", "scanner", "--source", "192.0.2.0/24", "--limit", "5"});
  ASSERT_TRUE(some.command);
  EXPECT_EQ(some.command->detector, "scanner");
  EXPECT_EQ(some.command->source, "192.0.2.0/24");
  EXPECT_EQ(some.command->limit, 5u);
}

TEST(CommandLine, CaptureTakesOneThingToLookAtAndAFile) {
  const auto call = parse({"capture", "--call", "67408c3e-00000001", "--to", "a.pcapng"});
  ASSERT_TRUE(call.command);
  EXPECT_EQ(call.command->command, Command::Capture);
  EXPECT_EQ(call.command->capture.call, "67408c3e-00000001");
  EXPECT_EQ(call.command->capture.file, "a.pcapng");
  EXPECT_FALSE(call.command->capture.longest);
  EXPECT_EQ(call.command->capture.bytes_max, 100'000'000u);
  const auto peer = parse({"capture", "--peer", "pbx", "--to", "a", "--for", "30s", "--max", "1MB"});
  ASSERT_TRUE(peer.command);
  EXPECT_EQ(peer.command->capture.peer, "pbx");
  EXPECT_EQ(peer.command->capture.longest, std::chrono::seconds(30));
  EXPECT_EQ(peer.command->capture.bytes_max, 1'000'000u);
  EXPECT_EQ(parse({"capture", "--address", "::1", "--to", "a"}).command->capture.address, "::1");
  for (const auto& words :
       std::vector<std::vector<const char*>>{{"capture", "--to", "a"},
                                             {"capture", "--call", "x"},
                                             {"capture", "--call", "x", "--peer", "y", "--to", "a"},
                                             {"capture", "--call", "x", "--to", "a", "--for", "5"},
                                             {"capture", "--call", "x", "--to", "a", "--max", "many"}})
    EXPECT_EQ(parse(words).status, 64);
}

TEST(CommandLine, TestNeedsAConfigurationAndAPeer) {
  const auto route =
      parse({"test", "route", "-c", "a.yaml", "--peer", "pbx", "--called", "+49", "--caller", "1"});
  ASSERT_TRUE(route.command);
  EXPECT_EQ(route.command->command, Command::Test);
  EXPECT_EQ(route.command->config_file, "a.yaml");
  EXPECT_EQ(route.command->test.peer, "pbx");
  EXPECT_EQ(route.command->test.called, "+49");
  EXPECT_EQ(route.command->test.caller, "1");
  EXPECT_FALSE(route.command->test.only_rules);
  const auto rules = parse({"test", "rules", "--config", "a", "--peer", "pbx", "--invite", "b.sip"});
  ASSERT_TRUE(rules.command);
  EXPECT_TRUE(rules.command->test.only_rules);
  EXPECT_EQ(rules.command->test.invite_file, "b.sip");
  for (const auto& words : std::vector<std::vector<const char*>>{{"test"},
                                                                 {"test", "route"},
                                                                 {"test", "route", "-c", "a"},
                                                                 {"test", "route", "--peer", "p"},
                                                                 {"test", "x"}})
    EXPECT_EQ(parse(words).status, 64);
}

TEST(CommandLine, CallsAreListedShownExplainedAndEnded) {
  EXPECT_EQ(parse({"show", "calls"}).command->command, Command::ShowCalls);
  EXPECT_EQ(parse({"show", "calls", "--limit", "7", "--watch"}).command->limit, 7u);
  EXPECT_EQ(parse({"show", "alarms", "--json"}).command->command, Command::ShowAlarms);
  const auto call = parse({"show", "call", "abc@host", "--ladder", "--json"});
  ASSERT_TRUE(call.command) << call.error;
  EXPECT_EQ(call.command->command, Command::ShowCall);
  EXPECT_EQ(call.command->id, "abc@host");
  EXPECT_TRUE(call.command->ladder);
  EXPECT_EQ(parse({"explain", "abc@host"}).command->command, Command::Explain);
  EXPECT_EQ(parse({"hangup", "--socket", "/x", "67408c3e-00000001"}).command->id, "67408c3e-00000001");
  EXPECT_EQ(parse({"drain"}).command->command, Command::Drain);
  EXPECT_EQ(parse({"reload"}).command->command, Command::Reload);
  EXPECT_EQ(parse({"reload"}).command->confirm, "");
  EXPECT_EQ(parse({"reload", "--confirm", "5m"}).command->confirm, "5m");
  EXPECT_FALSE(parse({"reload", "--confirm", "5"}).command);
  EXPECT_FALSE(parse({"reload", "--confirm"}).command);
  EXPECT_EQ(parse({"doctor"}).command->command, Command::Doctor);
  EXPECT_EQ(parse({"doctor", "-c", "a.yaml", "--json"}).command->config_file, "a.yaml");
  EXPECT_EQ(parse({"confirm"}).command->command, Command::Confirm);
  EXPECT_EQ(parse({"rollback", "--json"}).command->command, Command::Rollback);
  for (const auto& words : std::vector<std::vector<const char*>>{{"show", "call"},
                                                                 {"hangup"},
                                                                 {"explain"},
                                                                 {"hangup", "a", "b"},
                                                                 {"drain", "a"},
                                                                 {"reload", "file"},
                                                                 {"hangup", "a", "--ladder"},
                                                                 {"show", "calls", "--limit", "0"}})
    EXPECT_EQ(parse(words).status, 64) << words[0];
}

TEST(CommandLine, UnknownCommandIsNamedInOneLineWithStatus64) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"explode"},
                                                                 {"show", "trunks"},
                                                                 {"show", "ports", "extra"},
                                                                 {},
                                                                 {"show"},
                                                                 {"run"},
                                                                 {"run", "-c"}}) {
    const auto parsed = parse(words);
    EXPECT_FALSE(parsed.command);
    EXPECT_EQ(parsed.status, 64);
    EXPECT_EQ(parsed.error.find('\n'), parsed.error.size() - 1);
  }
  EXPECT_EQ(parse({"explode"}).error,
            "sallyport: unknown command: explode (sallyport --help lists the commands)\n");
  EXPECT_NE(parse({"show", "trunks"}).error.find("unknown command: show trunks"), std::string::npos);
}

TEST(CommandLine, MistakeSaysWhatWasMeantAndWhereThereIsMore) {
  EXPECT_EQ(parse({"show", "cals"}).error,
            "sallyport: unknown command: show cals; did you mean calls? (sallyport show --help lists the "
            "commands)\n");
  EXPECT_EQ(parse({}).error,
            "sallyport: a command is missing; a new machine begins with: sallyport init (sallyport "
            "--help lists the commands)\n");
  EXPECT_EQ(parse({"test"}).error,
            "sallyport: test: one of route, rules is missing (sallyport test --help lists the commands)\n");
  EXPECT_EQ(parse({"show", "call"}).error,
            "sallyport: show call: ID is required (sallyport show call --help says more)\n");
}

TEST(CommandLine, HelpIsACommandToo) {
  EXPECT_EQ(parse({"help"}).out, parse({"--help"}).out);
  EXPECT_EQ(parse({"help", "show", "calls"}).out, parse({"show", "calls", "--help"}).out);
  EXPECT_NE(parse({"help", "show", "calls"}).out.find("--search"), std::string::npos);
}

TEST(CommandLine, SearchAmongCallsIsTaken) {
  EXPECT_EQ(parse({"show", "calls", "--search", "+49 89 1"}).command.value().search, "+49 89 1");
}

TEST(CommandLine, ControlBytesOfAMistakeAreEscaped) {
  EXPECT_EQ(parse({"a\x1b[31m"}).error.find('\x1b'), std::string::npos);
}

TEST(CommandLine, HelpAndVersionGoToStandardOutputWithStatus0) {
  for (const char* option : {"--help", "--version"}) {
    const auto parsed = parse({option});
    EXPECT_FALSE(parsed.command);
    EXPECT_EQ(parsed.status, 0);
    EXPECT_FALSE(parsed.out.empty());
    EXPECT_TRUE(parsed.error.empty());
  }
  EXPECT_TRUE(parse({"--version"}).out.starts_with("sallyport "));
}

TEST(CommandLine, DurationNeedsAUnitAndASensibleSize) {
  EXPECT_EQ(parse_duration_option("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(parse_duration_option("2h"), std::chrono::hours(2));
  for (const char* bad : {"", "1", "s", "0s", "-1s", "1 s", "1d", "25h", "99999999999s", "1.5s"})
    EXPECT_FALSE(parse_duration_option(bad)) << bad;
  EXPECT_EQ(parse({"run", "-c", "a", "--drain-time", "soon"}).status, 64);
}

TEST(CommandLine, BlocksUnblocksAndShowsWhatIsBlocked) {
  const auto block = parse({"block", "192.0.2.0/24", "--for", "10m", "--reason", "a scan"}).command;
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->command, Command::Block);
  EXPECT_EQ(block->id, "192.0.2.0/24");
  EXPECT_EQ(block->block_for, "10m");
  EXPECT_EQ(block->reason, "a scan");
  EXPECT_EQ(parse({"unblock", "192.0.2.0/24"}).command->command, Command::Unblock);
  const auto show = parse({"show", "blocked", "--limit", "5", "--json", "--watch"}).command;
  EXPECT_EQ(show->command, Command::ShowBlocked);
  EXPECT_EQ(show->limit, 5u);
  EXPECT_TRUE(show->watch.has_value());
  EXPECT_EQ(parse({"block"}).status, 64);
}

TEST(CommandLine, ConfigExplainsAKeyOrAllOfThem) {
  EXPECT_EQ(parse({"config", "explain"}).command->key, "");
  const auto parsed = parse({"config", "explain", "peers.health"});
  ASSERT_TRUE(parsed.command);
  EXPECT_EQ(parsed.command->command, Command::ConfigExplain);
  EXPECT_EQ(parsed.command->key, "peers.health");
  EXPECT_EQ(parse({"config", "schema"}).command->command, Command::ConfigSchema);
  EXPECT_EQ(parse({"config", "manual"}).command->command, Command::ConfigManual);
  EXPECT_EQ(parse({"config"}).status, 64);
}

TEST(CommandLine, InitTakesAnOptionForEachQuestion) {
  const auto usual = parse({"init"});
  ASSERT_TRUE(usual.command);
  EXPECT_EQ(usual.command->command, Command::Init);
  EXPECT_EQ(usual.command->init.file, "/etc/sallyport/sallyport.yaml");
  EXPECT_TRUE(usual.command->init.given.empty());
  const auto told = parse({"init", "--to", "a.yaml", "--name", "sbc", "--outside-gateway", "none"});
  ASSERT_TRUE(told.command);
  EXPECT_EQ(told.command->init.file, "a.yaml");
  EXPECT_EQ(told.command->init.given, (SetupAnswers{{"name", "sbc"}, {"outside-gateway", "none"}}));
  for (const SetupQuestion& question : setup_questions())
    EXPECT_TRUE(parse({"init", ("--" + std::string(question.flag)).c_str(), "x"}).command) << question.flag;
}

}  // namespace
}  // namespace sallyport::mgmt
