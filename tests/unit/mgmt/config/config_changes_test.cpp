// What a reload says that has changed, and what of it may change while Sallyport runs.
#include "mgmt/config/config_changes.h"

#include <gtest/gtest.h>

#include "mgmt/config/include_files.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

std::vector<std::string> changes(std::string_view before, std::string_view after) {
  const TestFolder folder;
  const JoinedFiles old = read_with_includes(folder.write("before.yaml", before));
  const JoinedFiles now = read_with_includes(folder.write("after.yaml", after));
  EXPECT_TRUE(old.root && now.root);
  std::vector<std::string> said;
  for (const ConfigChange& change : config_changes(*old.root, *now.root)) said.push_back(to_string(change));
  return said;
}
using Said = std::vector<std::string>;

TEST(ConfigChanges, ComparesAFileWithItselfAsUnchanged) {
  EXPECT_EQ(changes("peers: [{ name: a, targets: [{ address: x }] }]",
                    "peers: [{ name: a, targets: [{ address: x }] }]"),
            Said{});
}

TEST(ConfigChanges, NamesTheChangedKeyOfANamedMember) {
  EXPECT_EQ(changes("peers: [{ name: a, limits: { in: { calls: 1 } } }, { name: b }]",
                    "peers: [{ name: a, limits: { in: { calls: 2 } } }, { name: b }]"),
            Said{"~ peers[a].limits.in.calls"});
}

TEST(ConfigChanges, TellsAddedAndRemovedMembersByTheirNames) {
  EXPECT_EQ(changes("peers: [{ name: a }, { name: b }]", "peers: [{ name: c }, { name: b }]"),
            (Said{"+ peers[c]", "- peers[a]"}));
}

TEST(ConfigChanges, CallsAnotherOrderOneChangeOfTheList) {
  EXPECT_EQ(changes("routes: [{ name: a }, { name: b }]", "routes: [{ name: b }, { name: a }]"),
            Said{"~ routes"});
}

TEST(ConfigChanges, ComparesMembersWithoutNamesByPosition) {
  EXPECT_EQ(changes("peers: [{ name: a, targets: [{ address: x }] }]",
                    "peers: [{ name: a, targets: [{ address: y }, { address: z }] }]"),
            (Said{"~ peers[a].targets[0].address", "+ peers[a].targets[1]"}));
}

TEST(ConfigChanges, TakesAListOfWordsAsOneValue) {
  EXPECT_EQ(changes("emergency: { numbers: [\"112\"] }", "emergency: { numbers: [\"112\", \"911\"] }"),
            Said{"~ emergency.numbers"});
}

TEST(ConfigChanges, SaysThatAKeyWasAddedOrTakenAway) {
  EXPECT_EQ(changes("emergency: { numbers: [\"112\"] }", "tables: []"), (Said{"+ tables", "- emergency"}));
}

TEST(ConfigChanges, NamesThePartsOfASectionThatComesOrGoesWhenAReloadMayChangeSomeOfIt) {
  const char* const without = "node: { name: a }";
  const char* const with = "node: { name: a }\nsecurity: { access: [{ source: 192.0.2.1, action: deny }] }";
  EXPECT_EQ(changes(without, with), Said{"+ security.access"});
  EXPECT_EQ(changes(with, without), Said{"- security.access"});
  EXPECT_EQ(changes(without, "node: { name: a }\ncluster: { mode: none }"), Said{"+ cluster"});
  EXPECT_EQ(changes(without, "node: { name: a }\nmanagement: { socket: x }"), Said{"+ management.socket"});
}

TEST(ConfigChanges, NeverShowsAValue) {
  for (const std::string& said : changes("a: secret-1", "a: secret-2"))
    EXPECT_EQ(said.find("secret"), said.npos);
}

TEST(LiveKeys, PeersRoutesRulesAndLimitsMayChangeWhileItRuns) {
  for (const std::string_view path : {"peers",
                                      "peers[]",
                                      "peers[].targets[].address",
                                      "profiles[].timers.t1",
                                      "routes[].to",
                                      "header_rules[].steps",
                                      "tables[].file",
                                      "emergency.numbers",
                                      "realms[].limits.calls",
                                      "realms[]",
                                      "realms[].listen[].port",
                                      "realms[].media.ports",
                                      "ports[].linux.ping",
                                      "registrars[].keepalive",
                                      "security.limits.source.rate",
                                      "security.blocklists[].file",
                                      "tls.certificates[].key",
                                      "security.detectors.toll_fraud.calls",
                                      "security.promotion.by",
                                      "security.overload.cpu",
                                      "management.log.level"})
    EXPECT_TRUE(is_live(path)) << path;
}

TEST(LiveKeys, DevicesMemoryAndSocketsNeedARestart) {
  for (const std::string_view path :
       {"version", "node.name", "ports[].device", "ports", "dataplane.capacity.calls", "realms[].port",
        "ports[].addresses", "registrars[]", "management.listen", "management.log.format", "dns.servers",
        "peersx"})
    EXPECT_FALSE(is_live(path)) << path;
}

}  // namespace
}  // namespace sallyport::mgmt
