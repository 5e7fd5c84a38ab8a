// config_json_test.cpp — the configuration as REST shows it: whole, and without secrets.
#include "mgmt/config/config_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mgmt/config/yaml_document.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] nlohmann::ordered_json shown(const char* text) {
  return config_json(parse_yaml(text, 0).root.value_or(YamlNode()));
}

TEST(ConfigJson, HasWhatIsWrittenAndDefaultsOfWhatIsNot) {
  const auto json = shown(
      "node: { name: edge-1 }\n"
      "ports: [{ name: outside, device: \"af_packet:a\", addresses: [198.18.1.1/24], mtu: 9000 }]\n");
  EXPECT_EQ(json["node"]["name"], "edge-1");
  EXPECT_EQ(json["node"]["state"], "/var/lib/sallyport");
  EXPECT_EQ(json["ports"][0]["mtu"], 9000);
  EXPECT_EQ(json["ports"][0]["addresses"][0], "198.18.1.1/24");
  EXPECT_EQ(json["ports"][0]["vlan"], "none");
  EXPECT_EQ(json["dns"]["timeout"], "2s");
  EXPECT_EQ(json["management"]["hep"], "none");
  EXPECT_EQ(json["security"]["detectors"]["register_bruteforce"]["failures"], 5);
}

// A peer leaves them to its profile: what the profile says is not known here.
TEST(ConfigJson, WhatAProfileDecidesIsNotMadeUpForAPeer) {
  const auto json = shown("peers: [{ name: pbx, realm: inside, media: { latch: sdp } }]\n");
  EXPECT_EQ(json["peers"][0]["media"]["latch"], "sdp");
  EXPECT_FALSE(json["peers"][0]["media"].contains("ice"));
  EXPECT_EQ(json["peers"][0]["balance"], "failover");
}

TEST(ConfigJson, SecretsAreMasked) {
  const auto json = shown(
      "peers:\n"
      "  - name: pbx\n"
      "    credentials: [{ digest_realm: any, user: trunk1, password_file: hidden1 }]\n"
      "    register: { aor: \"sip:u:hidden2@example.net\" }\n"
      "tls: { certificates: [{ name: edge, certificate: edge.pem, key: hidden3 }] }\n"
      "registrars: [{ name: phones, users_file: hidden4 }]\n"
      "management: { tokens: [{ file: hidden5, role: admin }] }\n"
      "header_rules:\n"
      "  - { name: r, steps: [{ field: \"header:X-API-Token\", set: hidden6 },\n"
      "      { field: \"header:Proxy-Authorization\", replace: a, with: hidden7 }, { field: caller, set: "
      "seen }] }\n");
  EXPECT_EQ(json.dump().find("hidden"), std::string::npos) << json.dump(1);
  EXPECT_EQ(json["peers"][0]["register"]["aor"], "sip:u:***@example.net");
  EXPECT_EQ(json["peers"][0]["credentials"][0]["user"], "trunk1");
  EXPECT_EQ(json["management"]["tokens"][0]["file"], "***");
  EXPECT_EQ(json["management"]["tokens"][0]["role"], "admin");
  EXPECT_EQ(json["header_rules"][0]["steps"][2]["set"], "seen");
}

}  // namespace
}  // namespace sallyport::mgmt
