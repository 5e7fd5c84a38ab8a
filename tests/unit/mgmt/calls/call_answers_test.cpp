// call_answers_test.cpp — questions about calls over the control socket and over REST. RFC 9110, RFC 9457.
#include "mgmt/calls/call_answers.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/http/openapi.h"
#include "tests/unit/mgmt/calls/call_traffic.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

class CallAnswersTest : public testing::Test {
 protected:
  CallAnswersTest() {
    engines_.desk(1).calls_ = {answered_call(0x6740'8c3e'0000'0001), answered_call(0x6740'8c3e'0000'0002)};
    engines_.desk(1).calls_[1].record.legs[0].call_id = "a/b?c@host";
    const CallAnswers answers{desk_, call_names, [] { return std::string("{\"alarms\":[]}"); },
                              [this](std::string_view) { ++drained_; },
                              [this](const std::string& id) { hung_up_ += id; }};
    add_call_commands(commands_, answers);
    add_call_paths(router_, answers);
  }
  [[nodiscard]] Json ask(const std::string& request) { return Json::parse(commands_.answer(request)); }
  [[nodiscard]] HttpResponse get(const std::string& target, const char* method = "GET") {
    return router_.answer({method, target});
  }

  FakeEngines engines_{2};
  CallDesk desk_{engines_, fake_wall_time};
  ControlCommands commands_;
  Router router_;
  int drained_ = 0;
  std::string hung_up_;
};

TEST_F(CallAnswersTest, CommandsAnswerWithTheStatusesOfTheContract) {
  EXPECT_EQ(ask(show_request("calls"))["result"]["calls"].size(), 2u);
  EXPECT_EQ(ask(show_request("calls", {{"limit", "1"}}))["result"]["calls"].size(), 1u);
  EXPECT_EQ(ask(show_request("call", {{"id", "abc@198.18.1.2"}}))["result"]["call"]["id"],
            "67408c3e-00000001");
  EXPECT_TRUE(ask(show_request("call", {{"id", "abc@198.18.1.2"}, {"messages", "true"}}))["result"].contains(
      "messages"));
  EXPECT_EQ(ask(command_request("explain", {{"of", "67408c3e-00000002"}}))["result"]["call"]["state"],
            "answered");
  EXPECT_EQ(ask(show_request("alarms"))["status"], 0);
  for (const std::string& nobody :
       {show_request("call", {{"id", "nobody"}}), command_request("hangup", {{"id", "nobody"}}),
        command_request("explain", {{"of", "nobody"}}), command_request("explain", {{"of", "198.18.1.2"}})})
    EXPECT_EQ(ask(nobody)["status"], 66) << nobody;
  for (const std::string& mistake :
       {show_request("call"), command_request("hangup"), show_request("calls", {{"limit", "0"}}),
        show_request("calls", {{"limit", "x"}}), show_request("calls", {{"cursor", "-1"}})})
    EXPECT_EQ(ask(mistake)["status"], 64) << mistake;
}

TEST_F(CallAnswersTest, HangupEndsTheCallAndASecondOneFindsNone) {
  EXPECT_EQ(ask(command_request("hangup", {{"id", "67408c3e-00000001"}}))["result"]["id"],
            "67408c3e-00000001");
  EXPECT_EQ(ask(command_request("hangup", {{"id", "67408c3e-00000001"}}))["status"], 66);
  EXPECT_EQ(desk_.calls_active(), 1u);
  EXPECT_EQ(hung_up_, "67408c3e-00000001");
}

TEST_F(CallAnswersTest, DrainSaysHowManyCallsAreUpAndTellsTheDaemon) {
  EXPECT_EQ(ask(command_request("drain"))["result"]["active"], 2);
  EXPECT_TRUE(engines_.desk(0).drains_);
  EXPECT_EQ(drained_, 1);
}

TEST_F(CallAnswersTest, EngineThatDoesNotAnswerIs69And503) {
  engines_.stuck_ = 0;
  EXPECT_EQ(ask(show_request("calls"))["status"], 69);
  EXPECT_EQ(get("/api/v1/calls").status, 503u);
}

TEST_F(CallAnswersTest, RestReadsCalls) {
  const Json page = Json::parse(get("/api/v1/calls?limit=1").body);
  ASSERT_EQ(page["calls"].size(), 1u);
  const Json rest = Json::parse(get("/api/v1/calls?cursor=" + page["next"].get<std::string>()).body);
  ASSERT_EQ(rest["calls"].size(), 1u);
  EXPECT_NE(page["calls"][0]["id"], rest["calls"][0]["id"]);
  EXPECT_EQ(Json::parse(get("/api/v1/calls/67408c3e-00000001").body)["call"]["state"], "answered");
  EXPECT_EQ(Json::parse(get("/api/v1/calls/a%2Fb%3Fc%40host").body)["call"]["id"], "67408c3e-00000002");
  EXPECT_TRUE(Json::parse(get("/api/v1/calls/abc@198.18.1.2/messages").body)["messages"].is_array());
  EXPECT_EQ(Json::parse(get("/api/v1/explain?of=abc@198.18.1.2").body)["call"]["reasons"].size(), 2u);
  EXPECT_TRUE(Json::parse(get("/api/v1/alarms").body)["alarms"].empty());
}

TEST_F(CallAnswersTest, MistakesAreProblems) {
  for (const auto& [target, status] :
       {std::pair{"/api/v1/calls/nobody", 404u}, std::pair{"/api/v1/calls?limit=1001", 400u},
        std::pair{"/api/v1/calls?cursor=a", 400u}, std::pair{"/api/v1/explain", 400u},
        std::pair{"/api/v1/explain?of=nobody", 404u}, std::pair{"/api/v2/calls", 404u}}) {
    const HttpResponse answer = get(target);
    EXPECT_EQ(answer.status, status) << target;
    EXPECT_EQ(answer.content_type, "application/problem+json") << target;
    EXPECT_EQ(Json::parse(answer.body)["status"], status) << target;
  }
}

TEST_F(CallAnswersTest, RestEndsACallAndDrains) {
  const HttpResponse ended = get("/api/v1/calls/67408c3e-00000001", "DELETE");
  EXPECT_EQ(ended.status, 200u) << ended.body;
  EXPECT_EQ(Json::parse(ended.body)["id"], "67408c3e-00000001");
  EXPECT_EQ(hung_up_, "67408c3e-00000001");
  EXPECT_EQ(get("/api/v1/calls/nobody", "DELETE").status, 404u);
  EXPECT_FALSE(engines_.desk(0).drains_);
  const HttpResponse drained = get("/api/v1/drain", "POST");
  EXPECT_EQ(drained.status, 200u) << drained.body;
  EXPECT_TRUE(engines_.desk(0).drains_);
  EXPECT_EQ(drained_, 1);
  EXPECT_EQ(get("/api/v1/drain").status, 405u);
  EXPECT_EQ(get("/api/v1/drain").allow, "POST");
}

TEST_F(CallAnswersTest, OpenApiKnowsEveryMemberOfACall) {
  const Json root = Json::parse(openapi_json());
  const Json& schemas = root["components"]["schemas"];
  const Json call = Json::parse(get("/api/v1/calls/67408c3e-00000001").body)["call"];
  for (const auto& [name, value] : call.items())
    EXPECT_TRUE(schemas["Call"]["properties"].contains(name)) << name;
  for (const auto& [name, value] : call["media"][0].items())
    EXPECT_TRUE(schemas["Media"]["properties"].contains(name)) << name;
  EXPECT_EQ(call["media"][0].size(), schemas["Media"]["properties"].size());
  const Json message = trace_json(call_trace(), call_names())["messages"][0];
  for (const auto& [name, value] : message.items())
    EXPECT_TRUE(schemas["CallTrace"]["properties"]["messages"]["items"]["properties"].contains(name)) << name;
}

}  // namespace
}  // namespace sallyport::mgmt
