// router_test.cpp — paths, methods and problem details. RFC 9110, RFC 9457.
#include "mgmt/http/router.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "mgmt/http/health.h"

namespace sallyport::mgmt {
namespace {

Router router() {
  Router out;
  out.on_get("/metrics", [] {
    return HttpResponse{.status = 200, .content_type = "text/plain", .body = "m", .allow = {}};
  });
  out.on_get("/broken", []() -> HttpResponse { throw std::runtime_error("secret"); });
  return out;
}

TEST(Router, AnswersGetAndHeadWhateverTheQuery) {
  const Router routes = router();
  EXPECT_EQ(routes.answer({"GET", "/metrics"}).body, "m");
  EXPECT_EQ(routes.answer({"HEAD", "/metrics"}).status, 200u);
  EXPECT_EQ(routes.answer({"GET", "/metrics?name=a"}).status, 200u);
  EXPECT_EQ(routes.answer({"GET", "http://sbc.example:8080/metrics"}).status, 200u);  // RFC 9112 §3.2.2
}

TEST(Router, UnknownPathIsAProblem404) {
  for (const char* const target :
       {"/", "", "*", "/metrics/", "/METRICS", "/../metrics", "/metrics%00", "http://x", "//metrics"}) {
    const HttpResponse answer = router().answer({"GET", target});
    EXPECT_EQ(answer.status, 404u) << target;
    EXPECT_EQ(answer.content_type, "application/problem+json");
    EXPECT_EQ(nlohmann::json::parse(answer.body)["status"], 404);
  }
}

TEST(Router, OtherMethodIsAProblem405WithAllow) {
  for (const char* const method : {"POST", "DELETE", "OPTIONS", "TRACE", "get", ""}) {
    const HttpResponse answer = router().answer({method, "/metrics"});
    EXPECT_EQ(answer.status, 405u) << method;
    EXPECT_EQ(answer.allow, "GET, HEAD");
  }
}

Router calls() {
  Router out;
  const auto echo = [](const char* what) {
    return [what](const PathArguments& given) {
      HttpResponse answer;
      answer.body = what;
      for (const auto* arguments : {&given.path, &given.query})
        for (const auto& [name, value] : *arguments) answer.body += " " + name + "=" + value;
      return answer;
    };
  };
  out.on("GET", "/calls/{id}", echo("call"));
  out.on("DELETE", "/calls/{id}", echo("hangup"));
  out.on("GET", "/calls/{id}/messages", echo("messages"));
  out.on("GET", "/calls/all", echo("all"));
  out.on("GET", "/calls", echo("list"));
  out.on("POST", "/drain", echo("drain"));
  return out;
}

// RFC 3986 §2.1: what is encoded is part of its segment, whatever it is.
TEST(Router, PathArgumentsComeDecoded) {
  const Router routes = calls();
  EXPECT_EQ(routes.answer({"GET", "/calls/67-1"}).body, "call id=67-1");
  EXPECT_EQ(routes.answer({"GET", "/calls/a%40b%2Fc%25/messages"}).body, "messages id=a@b/c%");
  EXPECT_EQ(routes.answer({"DELETE", "/calls/x"}).body, "hangup id=x");
  EXPECT_EQ(routes.answer({"GET", "/calls/all"}).body, "all");
  for (const char* const target : {"/calls/", "/calls//messages", "/calls/%", "/calls/%4", "/calls/%zz",
                                   "/calls/a/b", "/calls/a/messages/", "/calls?a=%", "/calls?a=1&a=2"})
    EXPECT_EQ(routes.answer({"GET", target}).status, 404u) << target;
}

TEST(Router, QueryComesDecodedAndPlusIsPlus) {
  const Router routes = calls();
  EXPECT_EQ(routes.answer({"GET", "/calls?limit=5&cursor=a%26b"}).body, "list cursor=a&b limit=5");
  EXPECT_EQ(routes.answer({"GET", "/calls?of=+4930&&x"}).body, "list of=+4930 x=");
  std::string many = "/calls?";
  for (std::size_t i = 0; i <= kQueryArgumentsMax; ++i) many += std::to_string(i) + "&";
  EXPECT_EQ(routes.answer({"GET", many}).status, 404u);
}

TEST(Router, AllowNamesTheMethodsOfThePath) {
  EXPECT_EQ(calls().answer({"POST", "/calls/1"}).allow, "DELETE, GET, HEAD");
  EXPECT_EQ(calls().answer({"GET", "/drain"}).allow, "POST");
  EXPECT_EQ(calls().answer({"HEAD", "/drain"}).status, 405u);
}

TEST(Router, FailureOfAHandlerIs500AndTellsNothing) {
  const HttpResponse answer = router().answer({"GET", "/broken"});
  EXPECT_EQ(answer.status, 500u);
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
}

TEST(HealthPaths, ReadyzFollowsReadinessAndHealthzDoesNot) {
  Router routes;
  Readiness readiness;
  add_health_paths(routes, readiness);
  EXPECT_EQ(routes.answer({"GET", "/healthz"}).status, 200u);
  EXPECT_EQ(routes.answer({"GET", "/readyz"}).status, 503u);
  readiness.ready = true;
  EXPECT_EQ(routes.answer({"GET", "/readyz"}).status, 200u);
  readiness.draining = true;
  EXPECT_EQ(routes.answer({"GET", "/readyz"}).status, 503u);
  EXPECT_THAT(routes.answer({"GET", "/readyz"}).body, testing::HasSubstr("draining"));
  EXPECT_EQ(routes.answer({"GET", "/healthz"}).status, 200u);
}

}  // namespace
}  // namespace sallyport::mgmt
