// show_json_test.cpp — the shape of what programs read.
#include "mgmt/cli/show_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/mgmt/fake_observation.h"

namespace sallyport::mgmt {
namespace {

TEST(PortsJson, HasDeviceAddressesTrafficAndDrops) {
  const auto json = ports_json(fake_observation());
  ASSERT_EQ(json["ports"].size(), 2u);
  const auto& port = json["ports"][0];
  EXPECT_EQ(port["name"], "outside");
  EXPECT_EQ(port["device"], "af_packet:s-outside");
  EXPECT_EQ(port["namespace"], "sp-edge-outside");
  EXPECT_EQ(port["link"], "up");
  EXPECT_EQ(port["mac"], "02:00:00:00:00:ab");
  EXPECT_TRUE(port["vlan"].is_null());
  EXPECT_EQ(json["ports"][1]["vlan"], 20);
  EXPECT_EQ(port["addresses"][0], "198.18.1.1/24");
  EXPECT_EQ(port["received"]["signalling"]["packets"], 1234);
  EXPECT_EQ(port["sent"]["exception"]["bytes"], 420);
  EXPECT_EQ(port["dropped"]["total"], 12);
  EXPECT_EQ(port["dropped"]["reasons"].size(), 2u);
  EXPECT_EQ(port["dropped"]["reasons"]["no_listener"], 3);
}

TEST(StatsJson, HasSipTablesLcoresAndRings) {
  const auto json = stats_json(fake_observation());
  const auto& realm = json["realms"][0];
  EXPECT_EQ(realm["name"], "outside");
  EXPECT_EQ(realm["requests"]["in"]["OPTIONS"], 12);
  EXPECT_EQ(realm["responses"]["out"]["200"], 11);
  EXPECT_EQ(realm["responses"]["out"]["4xx"], 1);
  EXPECT_EQ(realm["dropped"]["stranger"], 5);
  EXPECT_EQ(realm["retransmissions"]["received"], 2);
  EXPECT_EQ(json["transactions"]["active"], 4);
  EXPECT_EQ(json["sources"]["capacity"], 1000000);
  EXPECT_EQ(json["lcores"][0]["cpu"], 3);
  EXPECT_TRUE(json["lcores"][1]["cpu"].is_null());
  EXPECT_EQ(json["lcores"][1]["busy_ratio"], 0.95);
  EXPECT_EQ(json["lcores"][0]["busy_ns"], 1);
  EXPECT_EQ(json["lcores"][0]["total_ns"], 2);
  EXPECT_EQ(json["rings"][0]["used"], 256);
  EXPECT_EQ(json["mbufs"]["free"], 8000);
}

TEST(StatsJson, HasTheNodeItsPortsAndWhatIsUp) {
  Observation seen = fake_observation();
  seen.node = "edge-1";
  seen.started = WallTime{1h};
  seen.at = seen.started + 90s;
  seen.uptime = 90'700ms;
  seen.blocked_prefixes = 3;
  seen.blocked_capacity = 1000;
  const auto json = stats_json(seen);
  EXPECT_EQ(json["node"], "edge-1");
  EXPECT_EQ(json["at"], "1970-01-01T01:01:30.000Z");
  EXPECT_EQ(json["uptime_s"], 90);
  EXPECT_EQ(json["is_draining"], false);
  EXPECT_EQ(json["ports"][0]["received"]["signalling"]["packets"], 1234);
  EXPECT_EQ(json["ports"][0]["dropped"]["total"], 12);
  EXPECT_FALSE(json["ports"][0].contains("mac"));
  EXPECT_EQ(json["blocked"]["capacity"], 1000);
  EXPECT_EQ(json["detections"]["total"], 5);
  EXPECT_EQ(json["detections"]["by"][0]["detector"], "forged_request");
  EXPECT_EQ(json["alarms"],
            nlohmann::ordered_json::parse(R"({"active":1,"critical":0,"major":1,"minor":0,"warning":0})"));
}

TEST(StatsJson, HasTheMeanQualityOfCallsThatHaveEndedOrNone) {
  auto quality = stats_json(fake_observation())["media"]["quality"];
  EXPECT_EQ(quality["directions"], 4);
  EXPECT_DOUBLE_EQ(quality["lost_ratio"].get<double>(), 0.005);
  EXPECT_DOUBLE_EQ(quality["jitter_ms"].get<double>(), 5.25);
  EXPECT_DOUBLE_EQ(quality["mos"].get<double>(), 4.125);
  Observation seen = fake_observation();
  seen.media_quality.clear();
  quality = stats_json(seen)["media"]["quality"];
  EXPECT_EQ(quality["directions"], 0);
  EXPECT_TRUE(quality["mos"].is_null());
}

TEST(StatsJson, HasStreamsTrafficDropsAndPortsOfMedia) {
  const auto media = stats_json(fake_observation())["media"];
  EXPECT_EQ(media["streams"]["active"], 2);
  EXPECT_EQ(media["streams"]["closing"], 1);
  EXPECT_EQ(media["reports_late"], 4);
  EXPECT_EQ(media["relay_mean_ns"], 2000);
  ASSERT_EQ(media["realms"].size(), 2u);
  EXPECT_EQ(media["realms"][0]["name"], "outside");
  EXPECT_EQ(media["realms"][0]["in"]["packets"], 5000);
  EXPECT_EQ(media["realms"][0]["out"]["bytes"], 980000);
  EXPECT_EQ(media["realms"][0]["dropped"]["foreign_source"], 13);
  EXPECT_EQ(media["realms"][0]["port_pairs"]["taken"], 6);
  EXPECT_TRUE(media["realms"][1]["dropped"].empty());
}

}  // namespace
}  // namespace sallyport::mgmt
