// openapi_test.cpp — the description of REST, the router and the table of roles say the same.
#include "mgmt/http/openapi.h"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "mgmt/blocks/block_answers.h"
#include "mgmt/calls/call_answers.h"
#include "mgmt/capture/capture_streams.h"
#include "mgmt/daemon/reload_answer.h"
#include "mgmt/detections/detection_answers.h"
#include "mgmt/events/event_feed.h"
#include "mgmt/http/health.h"
#include "mgmt/http/node_answers.h"
#include "mgmt/http/page_paths.h"
#include "mgmt/http/path_roles.h"
#include "mgmt/peers/peer_answers.h"
#include "mgmt/registrations/registration_answers.h"
#include "tests/unit/mgmt/calls/call_traffic.h"
#include "tests/unit/mgmt/calls/fake_engines.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using Paths = std::set<std::pair<std::string, std::string>>;

// All that the daemon serves.
class OpenApiTest : public testing::Test {
 protected:
  OpenApiTest() {
    add_call_paths(router_, {desk_, [] { return call_names(); }, [] { return std::string("{}"); },
                             [](std::string_view) {}, [](const std::string&) {}});
    add_health_paths(router_, readiness_);
    add_page_paths(router_);
    router_.on_get("/metrics", [] { return HttpResponse(); });
    add_peer_paths(router_, {});
    add_registration_paths(router_, {engines_, fake_wall_time, [] { return std::uint64_t{0}; }});
    add_block_paths(router_, {blocks_});
    add_detection_paths(router_, {detections_, [] { return ClockPair{}; }, {}});
    add_reload_paths(router_, reload_);
    add_node_paths(router_, {});
    add_event_paths(router_, events_);
    add_capture_paths(router_, captures_);
  }
  template <class Each>
  void each_operation(Each each) const {
    for (const auto& [path, operations] : root_["paths"].items())
      for (const auto& [method, operation] : operations.items()) {
        std::string upper = method;
        for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
        each(upper, path, operation);
      }
  }

  const TestFolder folder_;
  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  BlockStore store_{folder_.path().string(), HashKey{1, 2}, alarms_, log_};
  SharedSlot<SbcConfig> config_{make_value<SbcConfig>()};
  BlockDesk blocks_{
      1, HashKey{1, 2},
      BlockPlaces{alarms_, log_, store_, [] { return Timestamp{}; }, system_wall_time, config_}};
  DetectionLog detections_{NumberMask::None};
  FakeEngines engines_{2};
  CallDesk desk_{engines_, fake_wall_time};
  CaptureHub hub_{engines_};
  CaptureSessions sessions_{CapturePlaces{hub_, desk_, config_, [] { return Timestamp{}; }, fake_wall_time}};
  CaptureStreams captures_{sessions_};
  EventFeed events_{EventPlaces{{}, alarms_, detections_, {}, [] { return Timestamp{}; }}};
  Readiness readiness_;
  Reload reload_{
      ReloadPlaces{.file = "",
                   .config = config_,
                   .engines = engines_,
                   .log = log_,
                   .adopt = [](const SharedValue<SbcConfig>&) -> Result<void, std::string> { return {}; }},
      {}};
  Router router_;
  const Json root_ = Json::parse(openapi_json());
};

TEST_F(OpenApiTest, DescribesWhatThereIsAndNothingElse) {
  Paths served, described;
  for (const auto& route : router_.routes()) served.insert(route);
  EXPECT_TRUE(root_["openapi"].get<std::string>().starts_with("3.1"));
  each_operation([&](const std::string& method, const std::string& path, const Json& operation) {
    described.emplace(method, path);
    EXPECT_FALSE(operation["responses"].empty()) << path;
    std::size_t variables = 0;
    if (operation.contains("parameters"))
      for (const Json& parameter : operation["parameters"]) variables += parameter["in"] == "path" ? 1 : 0;
    EXPECT_EQ(variables, path.find('{') == std::string::npos ? 0u : 1u) << path;
  });
  EXPECT_EQ(described, served);
}

TEST_F(OpenApiTest, EachPathStandsInTheTableOfRolesAndHasItsRole) {
  Paths served, in_table;
  for (const auto& route : router_.routes()) served.insert(route);
  for (const PathRole& one : path_roles()) in_table.emplace(one.method, one.pattern);
  EXPECT_EQ(in_table, served);
  EXPECT_EQ(in_table.size(), path_roles().size()) << "each once";
  each_operation([&](const std::string& method, const std::string& path, const Json& operation) {
    const Needs needs = needed_role(method, path);
    const Json wanted = needs == Needs::Nothing
                            ? Json::array()
                            : Json::array({Json{{"token", Json::array({to_string(needs)})}}});
    EXPECT_EQ(operation["security"], wanted) << path;
    EXPECT_EQ(operation["responses"].contains("401"), needs != Needs::Nothing) << path;
    EXPECT_EQ(operation["responses"].contains("415"), method == "POST") << path;
  });
  EXPECT_EQ(root_["components"]["securitySchemes"]["token"]["scheme"], "bearer");
}

// Whoever may only look changes nothing, and has no messages in clear to take away.
TEST_F(OpenApiTest, WhatChangesAnythingNeedsMoreThanAViewer) {
  for (const PathRole& one : path_roles()) {
    const bool is_more = one.method != "GET" || one.pattern == "/api/v1/capture";
    EXPECT_EQ(is_more, one.needs > Needs::Viewer) << one.method << " " << one.pattern;
  }
}

// A member that is not described, or one that is missing, is a mistake that a client can find.
TEST_F(OpenApiTest, EachObjectSaysWhatItHasAndThatItHasNothingElse) {
  std::size_t objects = 0;
  const std::function<void(const Json&, const std::string&)> look = [&](const Json& node,
                                                                        const std::string& at) {
    if (node.is_object() && node.contains("properties") && node["properties"].is_object()) {
      ++objects;
      EXPECT_EQ(node.value("additionalProperties", Json()), false) << at;
    }
    if (node.is_structured())
      for (const auto& [name, value] : node.items()) look(value, at + "/" + name);
  };
  look(root_, "");
  EXPECT_GT(objects, 30u);
}

TEST_F(OpenApiTest, EachSchemaThatIsReferredToIsThere) {
  const std::string text = root_.dump();
  const std::string_view mark = "#/components/schemas/";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t start = at + mark.size();
    const std::string name = text.substr(start, text.find('"', start) - start);
    EXPECT_TRUE(root_["components"]["schemas"].contains(name)) << name;
  }
}

}  // namespace
}  // namespace sallyport::mgmt
