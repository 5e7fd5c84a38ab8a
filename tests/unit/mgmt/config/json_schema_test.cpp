// json_schema_test.cpp — the JSON Schema has every key of the table, with its meaning, and no other.
#include "mgmt/config/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "mgmt/config/schema.h"

namespace sallyport::mgmt {
namespace {

using nlohmann::json;

// Paths of all keys below a schema, as the table writes them.
void collect(const json& schema, const std::string& path, std::set<std::string>& out) {
  for (const json& one : schema.value("anyOf", json::array())) collect(one, path, out);
  if (schema.contains("items")) collect(schema["items"], path + "[]", out);
  if (!schema.contains("properties")) return;
  EXPECT_EQ(schema["additionalProperties"], false) << path << ": a mistyped key is not found";
  for (const auto& [key, below] : schema["properties"].items()) {
    const std::string here = joined_path(path, key);
    out.insert(here);
    const Option* const option = find_option(here);
    ASSERT_NE(option, nullptr) << here;
    EXPECT_EQ(below["description"].get<std::string>().find(option->doc), 0u) << here;
    EXPECT_EQ(below.contains("default"), !option->fallback.empty()) << here;
    collect(below, here, out);
  }
}

TEST(JsonSchema, HasEveryKeyOfTheTable) {
  std::set<std::string> found;
  collect(json::parse(json_schema()), "", found);
  for (const Option& option : all_options())
    EXPECT_TRUE(found.contains(std::string(option.path))) << option.path;
  EXPECT_TRUE(found.contains("peers[].timers.ring")) << "a peer may have the keys of a profile";
}

TEST(JsonSchema, AsksForWhatTheTableAsksFor) {
  const json root = json::parse(json_schema());
  EXPECT_EQ(root["anyOf"][0]["required"], json({"version", "node", "ports", "realms", "peers", "routes"}));
  const json& port = root["properties"]["ports"]["items"];
  EXPECT_EQ(port["required"], json({"name", "device", "addresses"}));
  EXPECT_EQ(root["properties"]["ports"]["minItems"], 1);
  const json& mtu = port["properties"]["mtu"];
  EXPECT_EQ(mtu["minimum"], 1280);
  EXPECT_EQ(mtu["maximum"], 9000);
  EXPECT_EQ(mtu["default"], 1500);
}

}  // namespace
}  // namespace sallyport::mgmt
