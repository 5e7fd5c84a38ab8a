// token_gate_test.cpp — who may do what over REST, and what is told of it. RFC 6750, RFC 9110 §11, §15.5.
#include "mgmt/http/token_gate.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "mgmt/http/path_roles.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TokenGateTest : public testing::Test {
 protected:
  TokenGateTest() {
    for (const PathRole& one : path_roles())
      router_.on(one.method, one.pattern, [this](const PathArguments& given) {
        ++done_;
        HttpResponse answer;
        answer.body = given.caller;
        return answer;
      });
    router_.on("PUT", "/api/v1/forgotten", [](const PathArguments&) { return HttpResponse(); });
    router_.guard_with(gate_);
  }
  void configure() {
    gate_.take({{"eye", Role::Viewer, digest_of("viewer-token")},
                {"ops", Role::Operator, digest_of("operator-token")},
                {"boss", Role::Admin, digest_of("admin-token")}});
  }
  // Of a path: its braces filled.
  HttpResponse ask(std::string_view method, std::string path, const std::string& authorization = {},
                   const char* from = "127.0.0.1", const char* type = "application/json") {
    if (const auto brace = path.find("{id}"); brace != std::string::npos) path.replace(brace, 4, "c1");
    return router_.answer({method, path, body_, authorization, type, *IpAddress::parse(from)});
  }
  HttpResponse with(const std::string& token, std::string_view method, const std::string& path) {
    return ask(method, path, "Bearer " + token);
  }
  // The table as this token finds it: what is answered.
  std::size_t allowed(const std::string& token) {
    std::size_t out = 0;
    for (const PathRole& one : path_roles())
      out += with(token, one.method, std::string(one.pattern)).status == 200 ? 1 : 0;
    return out;
  }
  [[nodiscard]] std::string logged() const { return read_file(folder_.path() / "log"); }

  const TestFolder folder_;
  std::unique_ptr<EventLog> log_ =
      EventLog::open(LogConfig{}, (folder_.path() / "log").string(), [] { return WallTime{}; }).value();
  Timestamp now_{1h};
  TokenGate gate_{*log_, [this] { return now_; }};
  Router router_;
  int done_ = 0;
  std::string body_;  // of what is asked from now on
};

TEST_F(TokenGateTest, WithoutTokensRestOnlyReadsAndOnlyOnThisMachine) {
  for (const PathRole& one : path_roles()) {
    const bool is_read = one.needs <= Needs::Viewer;
    EXPECT_EQ(ask(one.method, std::string(one.pattern)).status, is_read ? 200u : 403u) << one.pattern;
    EXPECT_EQ(ask(one.method, std::string(one.pattern), {}, "::1").status, is_read ? 200u : 403u);
    EXPECT_EQ(ask(one.method, std::string(one.pattern), {}, "192.0.2.1").status,
              one.needs == Needs::Nothing ? 200u : 403u);
  }
  EXPECT_EQ(with("anything", "POST", "/api/v1/drain").status, 403u);
  EXPECT_THAT(with("anything", "POST", "/api/v1/drain").body, HasSubstr("management.tokens"));
}

TEST_F(TokenGateTest, EachRoleMayWhatTheTableSays) {
  configure();
  std::size_t open = 0, viewer = 0, ops = 0;
  for (const PathRole& one : path_roles()) {
    open += one.needs == Needs::Nothing ? 1 : 0;
    viewer += one.needs <= Needs::Viewer ? 1 : 0;
    ops += one.needs <= Needs::Operator ? 1 : 0;
  }
  EXPECT_EQ(allowed("viewer-token"), viewer);
  EXPECT_EQ(allowed("operator-token"), ops);
  EXPECT_EQ(allowed("admin-token"), path_roles().size());
  EXPECT_EQ(open, 6u) << "health, counters, the description and the page's files";
  EXPECT_EQ(with("operator-token", "DELETE", "/api/v1/calls/{id}").status, 200u);
  EXPECT_EQ(with("viewer-token", "DELETE", "/api/v1/calls/{id}").status, 403u);
  EXPECT_EQ(with("operator-token", "POST", "/api/v1/reload").status, 403u);
}

TEST_F(TokenGateTest, NothingWasDoneForWhomItWasRefused) {
  configure();
  with("viewer-token", "POST", "/api/v1/drain");
  ask("POST", "/api/v1/drain");
  with("wrong", "POST", "/api/v1/drain");
  ask("POST", "/api/v1/drain", "Bearer admin-token", "127.0.0.1", "text/plain");
  EXPECT_EQ(done_, 0);
}

TEST_F(TokenGateTest, APathThatTheTableForgotNeedsAnAdmin) {
  configure();
  EXPECT_EQ(with("operator-token", "PUT", "/api/v1/forgotten").status, 403u);
  EXPECT_EQ(with("admin-token", "PUT", "/api/v1/forgotten").status, 200u);
}

// RFC 9110 §15.5.2: each 401 says what would be right.
TEST_F(TokenGateTest, NoTokenOrAWrongOneIsA401WithAChallenge) {
  configure();
  for (const char* const authorization :
       {"", "Bearer", "Bearer ", "Basic YTpi", "admin-token", "Bearer admin-toke", "Bearer admin-token2",
        "Bearer ADMIN-TOKEN", "Bearer admin-token viewer-token"}) {
    const HttpResponse answer = ask("GET", "/api/v1/calls", authorization);
    EXPECT_EQ(answer.status, 401u) << authorization;
    EXPECT_THAT(answer.authenticate, StartsWith("Bearer realm=\"sallyport\"")) << authorization;
    EXPECT_EQ(answer.content_type, "application/problem+json");
    now_ += 1h;
  }
  EXPECT_THAT(with("wrong", "GET", "/api/v1/calls").authenticate, HasSubstr("invalid_token"));
  EXPECT_EQ(ask("GET", "/api/v1/calls", "bEaReR   admin-token ").status, 200u) << "RFC 9110 §11.1";
  EXPECT_EQ(with("viewer-token", "HEAD", "/api/v1/calls").status, 200u);
}

// A form of another web page can post text/plain and forms without asking, JSON it can't.
TEST_F(TokenGateTest, WhatIsPostedMustBeJson) {
  configure();
  const auto post = [this](const char* type) {
    return ask("POST", "/api/v1/drain", "Bearer admin-token", "127.0.0.1", type).status;
  };
  for (const char* const type : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                                 "application/jsonp", "text/plain; application/json"})
    EXPECT_EQ(post(type), 415u) << type;
  EXPECT_EQ(post("Application/JSON; charset=utf-8"), 200u);
  EXPECT_EQ(ask("DELETE", "/api/v1/blocked", "Bearer admin-token", "127.0.0.1", "").status, 200u);
}

TEST_F(TokenGateTest, GuessingIsSlowedAndTheRightTokenIsNoExceptionFromThere) {
  configure();
  unsigned looked_at = 0;
  for (int i = 0; i < 1000; ++i)
    looked_at +=
        ask("GET", "/api/v1/calls", "Bearer " + std::to_string(i), "192.0.2.1").status == 401 ? 1 : 0;
  EXPECT_EQ(looked_at, GuessLimit::kGuessesMax);
  const HttpResponse slowed = ask("GET", "/api/v1/calls", "Bearer admin-token", "192.0.2.1");
  EXPECT_EQ(slowed.status, 429u);
  EXPECT_EQ(slowed.retry_after_s, 6u);
  EXPECT_EQ(ask("GET", "/api/v1/calls", "Bearer admin-token", "192.0.2.2").status, 200u);
  now_ += GuessLimit::kGuessEach;
  EXPECT_EQ(ask("GET", "/api/v1/calls", "Bearer admin-token", "192.0.2.1").status, 200u);
}

// A false positive: on loopback everybody is one source.
TEST_F(TokenGateTest, AClientThatWorkedGoesOnWhileAnotherGuessesFromThere) {
  configure();
  EXPECT_EQ(with("operator-token", "GET", "/api/v1/calls").status, 200u);
  for (int i = 0; i < 1000; ++i) with(std::to_string(i), "GET", "/api/v1/calls");
  EXPECT_EQ(with("operator-token", "GET", "/api/v1/calls").status, 200u);
  EXPECT_EQ(with("admin-token", "GET", "/api/v1/calls").status, 429u) << "that one was not seen there yet";
  gate_.take({{"ops", Role::Operator, digest_of("another-token")}});
  EXPECT_EQ(with("operator-token", "GET", "/api/v1/calls").status, 429u);
}

TEST_F(TokenGateTest, AReloadTakesATokenAway) {
  configure();
  EXPECT_EQ(with("admin-token", "GET", "/api/v1/calls").status, 200u);
  gate_.take({{"eye", Role::Viewer, digest_of("viewer-token")}});
  EXPECT_EQ(with("admin-token", "GET", "/api/v1/calls").status, 401u);
  EXPECT_EQ(with("viewer-token", "GET", "/api/v1/calls").status, 200u);
}

TEST_F(TokenGateTest, EachChangeIsToldWithWhoAndWhatAndNeverTheToken) {
  configure();
  body_ = "{\"prefix\":\"198.51.100.0/24\"}";
  ask("POST", "/api/v1/blocked", "Bearer operator-token", "192.0.2.7");
  with("viewer-token", "POST", "/api/v1/drain");
  with("guessed-token", "GET", "/api/v1/calls");
  with("admin-token", "GET", "/api/v1/calls");
  log_.reset();
  const std::string told = logged();
  EXPECT_THAT(told, HasSubstr("\"rest_change\""));
  for (const char* const part :
       {"\"by\":\"ops\"", "192.0.2.7", "/api/v1/blocked", "198.51.100.0/24", "\"status\":200",
        "\"rest_refused\"", "\"by\":\"eye\"", "\"rest_token_wrong\""})
    EXPECT_THAT(told, HasSubstr(part));
  EXPECT_THAT(told, Not(HasSubstr("-token"))) << "no token, not even a wrong one";
  EXPECT_EQ(std::ranges::count(told, '\n'), 3) << "reading is not told";
}

TEST_F(TokenGateTest, WhatIsToldIsCutAndEscaped) {
  configure();
  body_ = "\x1b[2J\n" + std::string(60000, 'a');
  ask("POST", "/api/v1/blocked", "Bearer operator-token");
  log_.reset();
  EXPECT_LT(logged().size(), 2000u);
  EXPECT_THAT(logged(), Not(HasSubstr("\x1b")));
}

TEST_F(TokenGateTest, EachRefusalIsCountedByItsReason) {
  ask("POST", "/api/v1/drain");
  configure();
  ask("GET", "/api/v1/calls");
  for (int i = 0; i < 1000; ++i) with("wrong" + std::to_string(i), "GET", "/api/v1/calls");
  now_ += 1h;
  with("viewer-token", "POST", "/api/v1/drain");
  ask("POST", "/api/v1/drain", "Bearer admin-token", "127.0.0.1", "text/plain");
  with("admin-token", "POST", "/api/v1/drain");
  using Count = std::pair<std::string_view, std::uint64_t>;
  EXPECT_THAT(gate_.refusals(),
              testing::ElementsAre(Count{"no_token", 1}, Count{"wrong_token", GuessLimit::kGuessesMax},
                                   Count{"too_many_guesses", 1000 - GuessLimit::kGuessesMax},
                                   Count{"role", 1}, Count{"not_configured", 1}, Count{"not_json", 1}));
}

// For an answer that goes on: it ends when its token would not be let in any more.
TEST_F(TokenGateTest, AnAdmissionHoldsUntilItsTokenIsGoneOrMayLess) {
  std::function<bool()> holds;
  router_.on("GET", "/api/v1/capture", [&holds](const PathArguments& given) {
    holds = given.is_still_admitted;
    return HttpResponse();
  });
  configure();
  ASSERT_EQ(with("operator-token", "GET", "/api/v1/capture").status, 200u);
  EXPECT_TRUE(holds());
  gate_.take(
      {{"another", Role::Viewer, digest_of("x")}, {"ops", Role::Operator, digest_of("operator-token")}});
  EXPECT_TRUE(holds());
  gate_.take({{"ops", Role::Operator, digest_of("rotated-token")}});
  EXPECT_FALSE(holds()) << "the same name, another token";
  gate_.take({{"ops", Role::Viewer, digest_of("operator-token")}});
  EXPECT_FALSE(holds()) << "the same token, less of a role";
}

// Whoever is let in later is told later.
TEST_F(TokenGateTest, AnAnswerThatComesLaterIsToldThen) {
  configure();
  Router::Reply kept;
  router_.on_later("POST", "/api/v1/reload",
                   [&kept](const PathArguments&, Router::Reply reply) { kept = reply; });
  std::vector<unsigned> answered;
  router_.answer({"POST", "/api/v1/reload", "", "Bearer admin-token", "application/json", {}},
                 [&answered](const HttpResponse& answer) { answered.push_back(answer.status); });
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(logged(), "");
  kept(problem(409, "Conflict", "no"));
  kept(HttpResponse());
  EXPECT_EQ(answered, std::vector<unsigned>{409});
  log_.reset();
  EXPECT_THAT(logged(), HasSubstr("\"status\":409"));
}

}  // namespace
}  // namespace sallyport::mgmt
