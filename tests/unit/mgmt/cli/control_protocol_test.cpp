// control_protocol_test.cpp — requests of honest and hostile clients.
#include "mgmt/cli/control_protocol.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sallyport::mgmt {
namespace {

ControlCommands commands() {
  ControlCommands out;
  out.on_show("ports", [] { return std::string("{\"ports\":[]}"); });
  out.on_show("broken", []() -> std::string { throw std::runtime_error("no"); });
  return out;
}

int status_of(const std::string& answer) {
  EXPECT_EQ(answer.find('\n'), answer.size() - 1) << answer;
  return nlohmann::json::parse(answer).at("status").get<int>();
}

TEST(ControlCommands, ShowGivesItsResult) {
  EXPECT_EQ(commands().answer(show_request("ports")), "{\"status\":0,\"result\":{\"ports\":[]}}\n");
}

TEST(ControlCommands, CommandGetsItsArguments) {
  ControlCommands served = commands();
  served.on("hangup", [](const ControlArguments& arguments) -> ControlResult {
    const auto id = arguments.find("id");
    if (id == arguments.end()) return fail(ControlFailure{66, "no such call: \x1b"});
    return "{\"ended\":\"" + id->second + "\"}";
  });
  served.on_show("call", [](const ControlArguments& arguments) -> ControlResult {
    return arguments.at("id") + arguments.at("limit") + arguments.at("ladder");
  });
  EXPECT_EQ(served.answer(command_request("hangup", {{"id", "a@b"}})),
            "{\"status\":0,\"result\":{\"ended\":\"a@b\"}}\n");
  EXPECT_EQ(status_of(served.answer(command_request("hangup"))), 66);
  EXPECT_EQ(served.answer(
                "{\"command\":\"show\",\"what\":\"call\",\"id\":\"1\",\"limit\":2,\"ladder\":true,\"x\":[]}"),
            "{\"status\":0,\"result\":12true}\n");
  EXPECT_EQ(status_of(served.answer(show_request("hangup"))), 64);
  EXPECT_EQ(status_of(served.answer(command_request("call"))), 64);
}

TEST(ControlCommands, AnythingElseIsAUsageError) {
  const ControlCommands served = commands();
  for (const std::string& line :
       {std::string(), std::string("\n"), std::string("{"), std::string("[]"), std::string("null"),
        std::string("{\"command\":\"show\"}"), std::string("{\"command\":7,\"what\":\"ports\"}"),
        std::string("{\"command\":\"show\",\"what\":{}}"),
        std::string("{\"command\":\"drop\",\"what\":\"ports\"}"), std::string("\0\0\0", 3),
        std::string("\xff\xfe"), show_request("nothing\x1b[2J\n\"")})
    EXPECT_EQ(status_of(served.answer(line)), 64) << line;
}

TEST(ControlCommands, DeepAndLongRequestsAreRefused) {
  const ControlCommands served = commands();
  EXPECT_EQ(status_of(served.answer(std::string(10000, '['))), 64);
  EXPECT_EQ(status_of(served.answer(std::string(kControlRequestBytesMax + 1, 'a'))), 64);
  EXPECT_LT(served.answer(show_request(std::string(10000, 'a'))).size(), 256u);
}

TEST(ControlCommands, FailureOfAnAnswerIsSaid) {
  EXPECT_EQ(status_of(commands().answer(show_request("broken"))), 70);
}

TEST(ParseAnswer, GivesResultOrTheStatusToEndWith) {
  EXPECT_EQ(parse_answer("{\"status\":0,\"result\":{\"b\":1,\"a\":2}}\n").value(), "{\"b\":1,\"a\":2}");
  EXPECT_EQ(parse_answer("{\"status\":66,\"error\":\"no such call\"}").error().status, 66);
  EXPECT_EQ(parse_answer("{\"status\":66,\"error\":\"no such call\"}").error().message, "no such call");
  for (const char* bad : {"", "x", "{}", "{\"status\":\"0\"}", "{\"status\":0}"})
    EXPECT_EQ(parse_answer(bad).error().status, 70) << bad;
}

TEST(ParseAnswer, GivesEachThingThatIsWrong) {
  ControlCommands served;
  served.on("reload", [](const ControlArguments&) -> ControlResult {
    return fail(ControlFailure{78, "refused", {"c.yaml:1: a", "c.yaml:2: \"b\""}});
  });
  const std::string answer = served.answer(command_request("reload"));
  EXPECT_EQ(answer,
            "{\"status\":78,\"error\":\"refused\",\"lines\":[\"c.yaml:1: a\",\"c.yaml:2: \\\"b\\\"\"]}\n");
  const auto failure = parse_answer(answer).error();
  EXPECT_EQ(failure.status, 78);
  EXPECT_EQ(failure.lines, (std::vector<std::string>{"c.yaml:1: a", "c.yaml:2: \"b\""}));
  EXPECT_TRUE(parse_answer("{\"status\":78,\"error\":\"x\",\"lines\":{}}").error().lines.empty());
}

}  // namespace
}  // namespace sallyport::mgmt
