// registration_answers_test.cpp — registered endpoints as operators and programs see them.
#include "mgmt/registrations/registration_answers.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/http/openapi.h"
#include "mgmt/registrations/registrations_table.h"
#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

sip::EndpointView endpoint(const std::string& aor, const std::string& remote) {
  return {.aor = aor,
          .registrar = "phones",
          .contact = "sip:" + aor.substr(0, aor.find('@')) + "@10.0.0.5:5060",
          .remote = *parse_endpoint(remote, 5060),
          .local = *parse_endpoint("198.18.1.1:5060", 0),
          .transport = Transport::Tcp,
          .is_behind_nat = true,
          .since = moment(4000),
          .expires = moment(70'500),
          .inside_expires = moment(3'610'000),
          .user_agent = "Phone 1"};
}

class EndpointDesk : public FakeDesk {
 public:
  std::vector<sip::EndpointView> endpoints_;  // by AOR
  [[nodiscard]] std::vector<sip::EndpointView> endpoints(std::string_view after,
                                                         std::size_t limit) const override {
    std::vector<sip::EndpointView> out;
    for (const sip::EndpointView& one : endpoints_)
      if (one.aor > after && out.size() < limit) out.push_back(one);
    return out;
  }
};

class EndpointEngines : public CallEngines {
 public:
  std::array<EndpointDesk, 2> desks_;
  bool is_stuck_ = false;
  Timestamp now_ = moment(10'000);
  Duration each_look_{};
  [[nodiscard]] std::size_t count() const override { return desks_.size(); }
  [[nodiscard]] std::size_t home_of(std::string_view) const override { return 0; }
  bool run(std::size_t engine, const Work& work) override {
    if (is_stuck_) return false;
    now_ += each_look_;
    work(desks_[engine], now_, out_);
    return true;
  }
  [[nodiscard]] std::uint64_t calls_active() const override { return 0; }

 private:
  sip::EngineOutput out_;
};

class RegistrationAnswersTest : public testing::Test {
 protected:
  RegistrationAnswersTest() {
    engines_.desks_[0].endpoints_ = {endpoint("alice@example.com", "203.0.113.5:40001"),
                                     endpoint("carol@example.com", "203.0.113.7:40002"),
                                     endpoint("carol@example.com", "203.0.113.7:40003"),
                                     endpoint("carol@example.com", "203.0.113.5:40004")};
    engines_.desks_[1].endpoints_ = {endpoint("bob@example.com", "[2001:db8::7]:5060"),
                                     endpoint("dave@example.com", "203.0.113.5:40005")};
    const RegistrationAnswers answers{engines_, fake_wall_time, [] { return std::uint64_t{6}; }};
    add_registration_commands(commands_, answers);
    add_registration_paths(router_, answers);
  }
  [[nodiscard]] Json shown(const ControlArguments& arguments = {}) {
    return Json::parse(commands_.answer(show_request("registrations", arguments)));
  }
  [[nodiscard]] HttpResponse get(const std::string& query) {
    return router_.answer({"GET", "/api/v1/registrations" + query});
  }
  static std::vector<std::string> aors(const Json& page) {
    std::vector<std::string> out;
    for (const Json& one : page["registrations"])
      out.push_back(one["aor"].get<std::string>().substr(0, 1) +
                    one["remote"].get<std::string>().substr(one["remote"].get<std::string>().size() - 1));
    return out;
  }

  EndpointEngines engines_;
  ControlCommands commands_;
  Router router_;
};

TEST_F(RegistrationAnswersTest, EndpointsOfAllEnginesStandInTheOrderOfTheirAors) {
  const Json page = shown()["result"];
  EXPECT_THAT(aors(page), ElementsAre("a1", "b0", "c2", "c3", "c4", "d5"));
  EXPECT_EQ(page["active"], 6);
  EXPECT_TRUE(page["next"].is_null());
  const Json& alice = page["registrations"][0];
  EXPECT_EQ(alice["registrar"], "phones");
  EXPECT_EQ(alice["contact"], "sip:alice@10.0.0.5:5060");
  EXPECT_EQ(alice["remote"], "203.0.113.5:40001");
  EXPECT_EQ(alice["local"], "198.18.1.1:5060");
  EXPECT_EQ(alice["transport"], "tcp");
  EXPECT_EQ(alice["nat"], true);
  EXPECT_EQ(alice["since"], "2026-11-21T12:00:04.000Z");
  EXPECT_EQ(alice["expires"], "2026-11-21T12:01:10.500Z");
  EXPECT_EQ(alice["expires_in_s"], 60);
  EXPECT_EQ(alice["user_agent"], "Phone 1");
}

TEST_F(RegistrationAnswersTest, WhatIsNotKnownIsNullAndWhatIsPastHasNoTimeLeft) {
  sip::EndpointView& one = engines_.desks_[0].endpoints_[0];
  one.since = one.inside_expires = {};
  one.expires = moment(9000);
  one.user_agent.clear();
  const Json alice = shown()["result"]["registrations"][0];
  EXPECT_TRUE(alice["since"].is_null());
  EXPECT_TRUE(alice["inside_expires"].is_null());
  EXPECT_TRUE(alice["user_agent"].is_null());
  EXPECT_EQ(alice["expires_in_s"], 0);
}

TEST_F(RegistrationAnswersTest, PagesOfAnySizeShowEachContactOnce) {
  for (const std::size_t limit : {1u, 2u, 3u, 4u, 5u, 6u, 7u}) {
    std::vector<std::string> all;
    std::string cursor;
    for (int pages = 0; pages < 10; ++pages) {
      const Json page = Json::parse(get("?limit=" + std::to_string(limit) + "&cursor=" + cursor).body);
      for (const std::string& one : aors(page)) all.push_back(one);
      if (page["next"].is_null()) break;
      cursor = page["next"].get<std::string>();
    }
    EXPECT_THAT(all, ElementsAre("a1", "b0", "c2", "c3", "c4", "d5")) << limit;
  }
}

TEST_F(RegistrationAnswersTest, ABadLimitOrCursorIsABadRequest) {
  for (const char* const bad : {"?limit=0", "?limit=1001", "?limit=x", "?limit=-1", "?cursor=alice",
                                "?cursor=-1:alice", "?cursor=99999:alice", "?cursor=:alice"})
    EXPECT_EQ(get(bad).status, 400u) << bad;
  EXPECT_EQ(get("?cursor=0:zz").status, 200u);
  EXPECT_EQ(get("?cursor=" + std::string(600, '1') + ":").status, 400u);
}

TEST_F(RegistrationAnswersTest, AnEngineThatDoesNotAnswerIsNoDaemon) {
  engines_.is_stuck_ = true;
  EXPECT_EQ(shown()["status"], 69);
  EXPECT_EQ(get("").status, 503u);
  EXPECT_FALSE(endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.5")));
}

TEST_F(RegistrationAnswersTest, OpenApiKnowsEveryMember) {
  const Json root = Json::parse(openapi_json());
  EXPECT_TRUE(root["paths"].contains("/api/v1/registrations"));
  const Json page = shown()["result"], &schemas = root["components"]["schemas"];
  for (const auto& [name, value] : page.items())
    EXPECT_TRUE(schemas["RegistrationPage"]["properties"].contains(name)) << name;
  const Json one = page["registrations"][0], &known = schemas["Registration"]["properties"];
  EXPECT_EQ(one.size(), known.size());
  for (const auto& [name, value] : one.items()) EXPECT_TRUE(known.contains(name)) << name;
}

TEST_F(RegistrationAnswersTest, TheTableShowsThemAndHidesControlOctets) {
  engines_.desks_[0].endpoints_[0].contact = "sip:\x1b[2J@10.0.0.5";
  const std::string table = registrations_table(shown()["result"].dump(), false).value();
  for (const char* const part : {"AOR", "alice@example.com", "phones", "203.0.113.5:40001", "tcp", "yes",
                                 "1:00", "\\x1b[2J", "6 contacts are registered\n"})
    EXPECT_THAT(table, HasSubstr(part));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  const std::string cut = registrations_table(shown({{"limit", "2"}})["result"].dump(), false).value();
  EXPECT_THAT(cut, HasSubstr("6 contacts are registered, the first 2 are shown (--limit)"));
  EXPECT_EQ(registrations_table("{}", false).value(), "no endpoint is registered\n");
  EXPECT_FALSE(registrations_table("[]", false));
}

TEST_F(RegistrationAnswersTest, WhoRegisteredFromAnAddressIsFoundOnAllEngines) {
  const auto found = endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.5"));
  ASSERT_TRUE(found);
  std::vector<std::string> aors;
  for (const sip::EndpointView& one : found->endpoints) aors.push_back(one.aor);
  EXPECT_THAT(aors, ElementsAre("alice@example.com", "carol@example.com", "dave@example.com"));
  EXPECT_FALSE(found->is_cut);
  EXPECT_THAT(endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.6"))->endpoints, IsEmpty());
}

TEST_F(RegistrationAnswersTest, ALongSearchEndsAndSaysSo) {
  auto& many = engines_.desks_[0].endpoints_;
  many.clear();
  for (int i = 10'000; i < 16'000; ++i)
    many.push_back(endpoint(std::to_string(i) + "@example.com", "203.0.113.9:1"));
  EXPECT_EQ(endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.9"))->endpoints.size(),
            EndpointsAt::kMax);
  EXPECT_FALSE(endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.5"))->is_cut);
  engines_.each_look_ = std::chrono::milliseconds(600);
  const auto found = endpoints_at(engines_, fake_wall_time, *IpAddress::parse("203.0.113.5"));
  EXPECT_TRUE(found->is_cut);
  EXPECT_THAT(found->endpoints, IsEmpty());
}

}  // namespace
}  // namespace sallyport::mgmt
