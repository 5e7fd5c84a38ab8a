// detection_answers_test.cpp — show detections, its REST, and what `explain` says of an address.
#include "mgmt/detections/detection_answers.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/detections/detections_table.h"
#include "mgmt/http/openapi.h"
#include "mgmt/peers/explain_address.h"
#include "mgmt/peers/peers_table.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr Timestamp kStart{1h};

class DetectionAnswersTest : public testing::Test {
 protected:
  DetectionAnswersTest() {
    add_detection_commands(commands_, answers_);
    add_detection_paths(router_, answers_);
  }
  void found(const char* detector, const char* action, const char* source, std::string evidence,
             std::uint64_t call = 0) {
    sip::DetectionEvent event{.detector = detector,
                              .action = action,
                              .source = *parse_endpoint(source, 5060),
                              .call = call,
                              .evidence = std::move(evidence)};
    event.realm = RealmIndex{0};
    event.confidence = 80;
    log_.add(event, now_);
  }
  Json asked(const ControlArguments& given = {}) {
    return Json::parse(commands_.answer(show_request("detections", given)));
  }
  [[nodiscard]] Json explained(const char* of) const {
    const std::vector<PeerView> peers;
    const EndpointsAt endpoints;
    AddressFacts facts{peers, endpoints};
    facts.clocks = {now_, kWall};
    facts.detections = log_.page({.detector = {}, .source = parse_prefix(of), .before = 0, .limit = 20});
    SbcConfig config;
    config.realms.emplace_back().name = "outside";
    return explain_address(*IpAddress::parse(of), config, facts);
  }

  static constexpr WallTime kWall{std::chrono::milliseconds(1'700'000'000'000)};
  Timestamp now_ = kStart;
  DetectionLog log_{NumberMask::None};
  DetectionAnswers answers_{log_, [this] { return ClockPair{kStart, kWall}; },
                            [] { return std::vector<std::string>{"outside", "inside"}; }};
  ControlCommands commands_;
  Router router_;
};

TEST_F(DetectionAnswersTest, ShowsWhatWasFoundByWhomWhereAndHowSure) {
  found("register_bruteforce", "block", "192.0.2.7:5080", "5 wrong passwords within 60 s");
  found("register_bruteforce", "block", "192.0.2.7:5081", "6 wrong passwords within 60 s");
  const Json root = asked()["result"];
  const Json one = root["detections"].at(0);
  EXPECT_EQ(one["detector"], "register_bruteforce");
  EXPECT_EQ(one["action"], "block");
  EXPECT_EQ(one["source"], "192.0.2.7");
  EXPECT_EQ(one["port"], 5081);
  EXPECT_EQ(one["realm"], "outside");
  EXPECT_TRUE(one["call"].is_null());
  EXPECT_EQ(one["count"], 2);
  EXPECT_EQ(one["confidence"], 80);
  EXPECT_EQ(one["proved"], false);
  EXPECT_EQ(one["evidence"], "6 wrong passwords within 60 s");
  EXPECT_EQ(one["last"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(root["kept"], 1);
  EXPECT_EQ(root["capacity"], 10'000);
  const std::string table = detections_table(root.dump(), false).value();
  for (const char* const words :
       {"register_bruteforce", "192.0.2.7", "outside", "80", "6 wrong passwords", "1 finding is kept"})
    EXPECT_THAT(table, HasSubstr(words));
  EXPECT_EQ(detections_table(R"({"detections":[],"kept":0})", false).value(),
            "nothing has looked like an attack\n");
}

TEST_F(DetectionAnswersTest, RestSaysWhatTheSocketSaysPageByPage) {
  for (const char* const source : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    found("scanner", "block", source, "x");
  const HttpResponse first = router_.answer({"GET", "/api/v1/detections?limit=2"});
  EXPECT_EQ(first.status, 200u);
  EXPECT_EQ(Json::parse(first.body), asked({{"limit", "2"}})["result"]);
  const auto next = Json::parse(first.body)["next"].get<std::string>();
  const Json second = Json::parse(router_.answer({"GET", "/api/v1/detections?limit=2&cursor=" + next}).body);
  ASSERT_THAT(second["detections"], SizeIs(1));
  EXPECT_EQ(second["detections"][0]["source"], "192.0.2.1");
  EXPECT_TRUE(second["next"].is_null());
}

TEST_F(DetectionAnswersTest, FiltersByDetectorAndBySource) {
  found("scanner", "block", "192.0.2.1", "x");
  found("malformed", "log", "192.0.2.1", "x");
  found("scanner", "block", "198.51.100.1", "x");
  const auto count = [&](const char* query) {
    return Json::parse(router_.answer({"GET", std::string("/api/v1/detections?") + query}).body)["detections"]
        .size();
  };
  EXPECT_EQ(count("detector=scanner"), 2u);
  EXPECT_EQ(count("source=192.0.2.1"), 2u);
  EXPECT_EQ(count("source=192.0.2.0/24&detector=malformed"), 1u);
  EXPECT_EQ(count("source=203.0.113.1"), 0u);
  EXPECT_THAT(detections_table(asked({{"source", "203.0.113.1"}})["result"].dump(), false).value(),
              HasSubstr("none of that kind"));
}

TEST_F(DetectionAnswersTest, AMistakeIsSaidInOneLineAndIsA400) {
  for (const auto& [query, words] :
       {std::pair("limit=0", "limit is a number from 1 to 1000"), std::pair("limit=many", "limit"),
        std::pair("cursor=x", "cursor is what `next` was"), std::pair("source=nonsense", "is not a prefix"),
        std::pair("detector=nonsense",
                  "no such detector; there are forged_response, forged_cancel, signature, "
                  "invite_flood, register_bruteforce, scanner")}) {
    const HttpResponse answer = router_.answer({"GET", std::string("/api/v1/detections?") + query});
    EXPECT_EQ(answer.status, 400u) << query;
    EXPECT_THAT(answer.body, HasSubstr(words));
  }
  EXPECT_EQ(asked({{"detector", "nonsense"}})["status"], kExitUsage);
}

TEST_F(DetectionAnswersTest, TheInterfaceDescribesEveryMember) {
  found("scanner", "block", "192.0.2.1", "x");
  const Json root = Json::parse(openapi_json());
  EXPECT_TRUE(root["paths"]["/api/v1/detections"].contains("get"));
  std::vector<std::string> parameters;
  for (const Json& one : root["paths"]["/api/v1/detections"]["get"]["parameters"])
    parameters.push_back(one["name"]);
  EXPECT_THAT(parameters, testing::ElementsAre("limit", "cursor", "detector", "source"));
  const Json page = asked()["result"];
  const Json& schemas = root["components"]["schemas"];
  for (const auto& [name, value] : page.items())
    EXPECT_TRUE(schemas["DetectionPage"]["properties"].contains(name)) << name;
  for (const auto& [name, value] : page["detections"][0].items())
    EXPECT_TRUE(schemas["Detection"]["properties"].contains(name)) << name;
}

TEST_F(DetectionAnswersTest, ExplainTellsWhatWasFoundInItsOrder) {
  found("scanner", "block", "192.0.2.7", "12 users within 30 s");
  now_ += 1s;
  found("forged_request", "reject", "192.0.2.7", "BYE from a foreign address", 0x67408c3e00000001);
  found("scanner", "block", "192.0.2.8", "another");
  const Json said = explained("192.0.2.7");
  ASSERT_THAT(said["detections"], SizeIs(2));
  EXPECT_EQ(said["detections"][0]["detector"], "scanner");
  EXPECT_EQ(said["reasons"][0]["text"],
            "scanner at 2023-11-14T22:13:19.000Z: 12 users within 30 s; 80 per cent sure, the source may be "
            "forged, what was done: block");
  const std::string second = said["reasons"][1]["text"];
  EXPECT_THAT(second,
              HasSubstr("forged_request at 2023-11-14T22:13:20.000Z, in call 67408c3e-00000001: BYE"));
  EXPECT_THAT(address_lines(said.dump(), false).value(), Not(HasSubstr("another")));
}

TEST_F(DetectionAnswersTest, ExplainSaysThatNothingWasFound) {
  found("scanner", "block", "192.0.2.7", "x");
  EXPECT_EQ(explained("192.0.2.9")["reasons"][0]["text"],
            "no detector has found anything of it since Sallyport was started");
  DetectionLog small(NumberMask::None, 1);
  const std::vector<PeerView> peers;
  const EndpointsAt endpoints;
  for (const char* const source : {"192.0.2.1", "192.0.2.2"})
    small.add(
        {.detector = "scanner", .action = "log", .source = *parse_endpoint(source, 5060), .evidence = {}},
        now_);
  AddressFacts facts{peers, endpoints};
  facts.detections = small.page({.detector = {}, .source = parse_prefix("192.0.2.1")});
  const Json said = explain_address(*IpAddress::parse("192.0.2.1"), SbcConfig(), facts);
  EXPECT_EQ(said["reasons"][0]["text"],
            "no detector has found anything of it among the last 1 findings of all sources");
}

}  // namespace
}  // namespace sallyport::mgmt
