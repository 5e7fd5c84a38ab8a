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
