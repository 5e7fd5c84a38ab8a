// block_answers_test.cpp — block, unblock, show blocked and their REST, feeds, and what a restart finds.
#include "mgmt/blocks/block_answers.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "mgmt/blocks/blocks_table.h"
#include "mgmt/http/openapi.h"
#include "mgmt/peers/explain_address.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using policy::BlockOrigin;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr HashKey kKey{1, 2};

SbcConfig peers_config() {
  SbcConfig config;
  RealmConfig& realm = config.realms.emplace_back();
  realm.name = "outside";
  realm.listen.emplace_back().addresses = {*IpAddress::parse("198.18.1.1")};
  PeerConfig& carrier = config.peers.emplace_back();
  carrier.name = "carrier";
  carrier.realm = "outside";
  carrier.targets.emplace_back().address = *parse_endpoint("198.18.1.2:5060", 0);
  carrier.sources = {*parse_prefix("203.0.113.0/28")};
  return config;
}

class BlockAnswersTest : public testing::Test {
 protected:
  BlockAnswersTest() { begin(); }
  // As a start does; what was before ends like a process that is killed.
  void begin(std::uint32_t capacity = 10) {
    desk_.reset();
    store_.reset();
    commands_ = ControlCommands();
    router_ = Router();
    store_ = std::make_unique<BlockStore>(folder_.path().string(), kKey, alarms_, log_);
    desk_ = std::make_unique<BlockDesk>(
        capacity, kKey,
        BlockPlaces{alarms_, log_, *store_, [this] { return core_; },
                    [this] { return WallTime(std::chrono::milliseconds(1'700'000'000'000)) + passed(); },
                    config_, [this] { ++follows_; }});
    desk_->restore(store_->load());
    add_block_commands(commands_, {*desk_});
    add_block_paths(router_, {*desk_});
    add_block_paths(open_router_, {*desk_, [](const PathArguments&) { return std::nullopt; }});
  }
  void write() { static_cast<void>(store_->step(core_, true)); }
  [[nodiscard]] std::chrono::milliseconds passed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(core_ - Timestamp{1h});
  }
  void wait(Duration time) {
    core_ += time;
    desk_->tick();
  }
  Json ask(std::string_view command, const ControlArguments& given) {
    return Json::parse(commands_.answer(command_request(command, given)));
  }
  Json shown(const ControlArguments& given = {}) {
    return Json::parse(commands_.answer(show_request("blocked", given)));
  }
  [[nodiscard]] std::vector<std::string> prefixes() {
    std::vector<std::string> out;
    const Json answer = shown({{"limit", "1000"}});
    for (const Json& one : answer["result"]["blocked"])
      out.push_back(one["prefix"].get<std::string>() + " " + one["origin"].get<std::string>());
    std::ranges::sort(out);
    return out;
  }
  [[nodiscard]] std::vector<std::string> alarms() const {
    std::vector<std::string> out;
    for (const ActiveAlarm& alarm : alarms_.active()) out.emplace_back(alarm.name);
    return out;
  }
  void feed(std::vector<std::vector<Prefix>> files) {
    SbcConfig config = peers_config();
    for (std::size_t i = 0; i < files.size(); ++i) {
      config.security.blocklist_files.push_back("/feeds/f" + std::to_string(i) + ".txt");
      config.security.blocklist_prefixes.push_back(make_value<std::vector<Prefix>>(files[i]));
    }
    desk_->take_feeds(config);
  }

  const TestFolder folder_;
  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  Timestamp core_{1h};
  SharedSlot<SbcConfig> config_{make_value<SbcConfig>(peers_config())};
  int follows_ = 0;
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<BlockDesk> desk_;
  ControlCommands commands_;
  Router router_, open_router_;  // the second lets everybody change
};

TEST_F(BlockAnswersTest, BlocksAndShowsItAndUnblocks) {
  const Json done = ask("block", {{"prefix", "192.0.2.0/24"}, {"for", "10m"}, {"reason", "abuse"}});
  EXPECT_EQ(done["status"], 0);
  EXPECT_EQ(follows_, 1) << "it answers when the lcores have it";
  EXPECT_THAT(done["result"]["warnings"], IsEmpty());
  const Json one = shown()["result"]["blocked"].at(0);
  EXPECT_EQ(one["prefix"], "192.0.2.0/24");
  EXPECT_EQ(one["origin"], "operator");
  EXPECT_EQ(one["reason"], "abuse");
  EXPECT_EQ(one["touches"], "all");
  EXPECT_EQ(one["since"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(one["until"], "2023-11-14T22:23:20.000Z");
  EXPECT_EQ(one["expires_in_s"], 600);
  EXPECT_EQ(one["hits"], 0);
  EXPECT_TRUE(one["last_hit"].is_null());
  EXPECT_EQ(ask("unblock", {{"prefix", "192.0.2.0/24"}})["status"], 0);
  EXPECT_EQ(follows_, 2);
  EXPECT_THAT(prefixes(), IsEmpty());
}

TEST_F(BlockAnswersTest, SaysWhatIsWrongInOneLine) {
  const auto said = [&](const char* command, const ControlArguments& given) {
    const Json answer = ask(command, given);
    EXPECT_THAT(answer.value("error", ""), testing::Not(HasSubstr("\n")));
    return std::to_string(answer["status"].get<int>()) + " " + answer.value("error", "");
  };
  EXPECT_THAT(said("block", {{"prefix", "nonsense"}}), HasSubstr("64 'nonsense' is not a prefix"));
  EXPECT_THAT(said("block", {}), testing::StartsWith("64 "));
  EXPECT_THAT(said("block", {{"prefix", "192.0.2.7/24"}}), HasSubstr("write 192.0.2.0/24"));
  EXPECT_THAT(said("block", {{"prefix", "0.0.0.0/0"}}), HasSubstr("would block everybody"));
  EXPECT_THAT(said("block", {{"prefix", "192.0.2.7"}, {"for", "soon"}}), HasSubstr("64 --for: "));
  EXPECT_THAT(said("block", {{"prefix", "192.0.2.7"}, {"for", "0s"}}), HasSubstr("64 --for: "));
  EXPECT_EQ(said("unblock", {{"prefix", "192.0.2.7"}}), "66 192.0.2.7/32 is not blocked");
  EXPECT_EQ(follows_, 0);
}

TEST_F(BlockAnswersTest, UnblockNamesWhatStillBlocks) {
  ask("block", {{"prefix", "192.0.2.0/24"}});
  feed({{*parse_prefix("198.51.100.0/24")}});
  const Json inside = ask("unblock", {{"prefix", "192.0.2.7"}});
  EXPECT_EQ(inside["status"], 66);
  EXPECT_THAT(inside["error"].get<std::string>(), HasSubstr("192.0.2.0/24, which holds it, is blocked"));
  const Json of_feed = ask("unblock", {{"prefix", "198.51.100.0/24"}});
  EXPECT_EQ(of_feed["status"], 66);
  EXPECT_THAT(of_feed["error"].get<std::string>(), HasSubstr("feed f0.txt blocks 198.51.100.0/24"));
  ask("block", {{"prefix", "198.51.100.0/24"}});
  const Json both = ask("unblock", {{"prefix", "198.51.100.0/24"}});
  EXPECT_EQ(both["status"], 0);
  EXPECT_THAT(both["result"]["warnings"].at(0).get<std::string>(), HasSubstr("feed f0.txt"));
}

TEST_F(BlockAnswersTest, WarnsWhoeverBlocksAPeer) {
  for (const char* prefix : {"198.18.1.2", "198.18.0.0/15", "203.0.113.4"}) {
    const Json done = ask("block", {{"prefix", prefix}});
    EXPECT_THAT(done["result"]["warnings"].at(0).get<std::string>(), HasSubstr("peer carrier is blocked"))
        << prefix;
  }
}

TEST_F(BlockAnswersTest, EndsABlockAtItsTime) {
  ask("block", {{"prefix", "192.0.2.1"}, {"for", "10s"}});
  ask("block", {{"prefix", "192.0.2.2"}});
  wait(9s);
  EXPECT_EQ(prefixes().size(), 2u);
  wait(2s);
  EXPECT_THAT(prefixes(), ElementsAre("192.0.2.2/32 operator"));
}

TEST_F(BlockAnswersTest, FindsBlocksAgainAfterAKillButNotThoseThatAreOver) {
  ask("block", {{"prefix", "192.0.2.1"}, {"for", "10s"}});
  ask("block", {{"prefix", "2001:db8::/32"}, {"for", "1h"}, {"reason", "scan \xff\n"}});
  ask("block", {{"prefix", "192.0.2.3"}});
  ask("block", {{"prefix", "192.0.2.4"}});
  write();
  ask("unblock", {{"prefix", "192.0.2.4"}});
  ASSERT_TRUE(desk_->block({*parse_prefix("192.0.2.5"), BlockOrigin::Detector, false, 1h, "invite_flood"}));
  write();
  core_ += 10min;  // the machine was off
  begin();
  EXPECT_THAT(prefixes(),
              ElementsAre("192.0.2.3/32 operator", "192.0.2.5/32 detector", "2001:db8::/32 operator"));
  const auto kept = desk_->around(*parse_prefix("192.0.2.5"));
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(kept[0].block.is_proved);
  EXPECT_EQ(kept[0].block.until, core_ + 50min);
  EXPECT_EQ(kept[0].block.reason, "invite_flood");
  write();
  begin();
  EXPECT_EQ(prefixes().size(), 3u);
}

TEST_F(BlockAnswersTest, SaysThatThereIsNoRoomAndRaisesAnAlarmBefore) {
  for (int i = 1; i <= 7; ++i) ask("block", {{"prefix", "192.0.2." + std::to_string(i)}});
  EXPECT_THAT(alarms(), IsEmpty());
  ask("block", {{"prefix", "192.0.2.8"}});
  EXPECT_THAT(alarms(), ElementsAre("blocked_room_low"));
  for (int i = 9; i <= 10; ++i) ask("block", {{"prefix", "192.0.2." + std::to_string(i)}});
  const Json full = ask("block", {{"prefix", "192.0.2.11"}});
  EXPECT_EQ(full["status"], kExitCannotHave);
  EXPECT_THAT(full["error"].get<std::string>(), HasSubstr("10 prefixes are blocked"));
  EXPECT_EQ(prefixes().size(), 10u);
  for (int i = 1; i <= 3; ++i) ask("unblock", {{"prefix", "192.0.2." + std::to_string(i)}});
  EXPECT_THAT(alarms(), IsEmpty());
}

TEST_F(BlockAnswersTest, FollowsItsFeedsAndKeepsWhatOthersBlock) {
  ask("block", {{"prefix", "192.0.2.1"}});
  feed({{*parse_prefix("192.0.2.1"), *parse_prefix("198.51.100.0/24")}, {*parse_prefix("203.0.113.0/24")}});
  EXPECT_THAT(prefixes(), ElementsAre("192.0.2.1/32 feed", "192.0.2.1/32 operator", "198.51.100.0/24 feed",
                                      "203.0.113.0/24 feed"));
  feed({{*parse_prefix("198.51.100.0/24")}});
  EXPECT_THAT(prefixes(), ElementsAre("192.0.2.1/32 operator", "198.51.100.0/24 feed"));
  write();
  begin();
  EXPECT_THAT(prefixes(), ElementsAre("192.0.2.1/32 operator")) << "a feed is read again, not restored";
}

TEST_F(BlockAnswersTest, PagesThroughAll) {
  for (int i = 1; i <= 5; ++i) ask("block", {{"prefix", "192.0.2." + std::to_string(i)}});
  std::size_t seen = 0;
  std::string cursor;
  do {
    const HttpResponse page = router_.answer({"GET", "/api/v1/blocked?limit=2&cursor=" + cursor});
    ASSERT_EQ(page.status, 200u);
    const Json root = Json::parse(page.body);
    seen += root["blocked"].size();
    EXPECT_EQ(root["prefixes"], 5);
    cursor = root["next"].is_null() ? "" : root["next"].get<std::string>();
  } while (!cursor.empty());
  EXPECT_EQ(seen, 5u);
  EXPECT_EQ(router_.answer({"GET", "/api/v1/blocked?limit=0"}).status, 400u);
  EXPECT_EQ(router_.answer({"GET", "/api/v1/blocked?cursor=x"}).status, 400u);
  EXPECT_EQ(router_.answer({"GET", "/api/v1/blocked?cursor=18446744073709551615"}).status, 200u);
}

TEST_F(BlockAnswersTest, RestChangesNothingWithoutARole) {
  ask("block", {{"prefix", "192.0.2.1"}});
  const std::string body = R"({"prefix":"192.0.2.2"})";
  EXPECT_EQ(router_.answer({"POST", "/api/v1/blocked", body}).status, 403u);
  EXPECT_EQ(router_.answer({"DELETE", "/api/v1/blocked?prefix=192.0.2.1"}).status, 403u);
  EXPECT_THAT(prefixes(), ElementsAre("192.0.2.1/32 operator"));
}

TEST_F(BlockAnswersTest, RestBlocksAndUnblocksForWhomItMay) {
  const std::string body = R"({"prefix":"2001:db8::/32","for":"1h","reason":"scan"})";
  const HttpResponse done = open_router_.answer({"POST", "/api/v1/blocked", body});
  EXPECT_EQ(done.status, 200u) << done.body;
  EXPECT_EQ(Json::parse(done.body)["block"]["expires_in_s"], 3600);
  EXPECT_EQ(open_router_.answer({"POST", "/api/v1/blocked", "[1]"}).status, 400u);
  EXPECT_EQ(open_router_.answer({"POST", "/api/v1/blocked", R"({"prefix":"x"})"}).status, 400u);
  EXPECT_EQ(open_router_.answer({"DELETE", "/api/v1/blocked?prefix=2001:db8::/32"}).status, 200u);
  EXPECT_EQ(open_router_.answer({"DELETE", "/api/v1/blocked?prefix=2001:db8::/32"}).status, 404u);
  EXPECT_THAT(prefixes(), IsEmpty());
}

TEST_F(BlockAnswersTest, IsDescribedInOpenApi) {
  const Json root = Json::parse(openapi_json());
  const Json& path = root["paths"]["/api/v1/blocked"];
  for (const char* method : {"get", "post", "delete"}) EXPECT_TRUE(path.contains(method)) << method;
  ask("block", {{"prefix", "192.0.2.1"}});
  const Json one = shown()["result"]["blocked"].at(0);
  for (const auto& [name, value] : one.items())
    EXPECT_TRUE(root["components"]["schemas"]["Block"]["properties"].contains(name)) << name;
}

TEST_F(BlockAnswersTest, ExplainsAnAddressByItsBlocks) {
  ask("block", {{"prefix", "192.0.2.0/24"}, {"for", "10m"}, {"reason", "abuse desk"}});
  const std::vector<PeerView> peers;
  const EndpointsAt endpoints;
  const auto explained = [&](const char* of) {
    AddressFacts facts{peers, endpoints};
    facts.blocks = desk_->around(*parse_prefix(of));
    facts.clocks = desk_->clocks();
    return explain_address(*IpAddress::parse(of), peers_config(), facts);
  };
  const Json blocked = explained("192.0.2.7");
  EXPECT_EQ(blocked["reasons"].at(0)["text"],
            "192.0.2.0/24 is blocked by the operator since 2023-11-14T22:13:20.000Z, until "
            "2023-11-14T22:23:20.000Z (abuse desk); that touches everybody there, 0 packets were dropped");
  EXPECT_EQ(blocked["realms"].at(0)["blocked"], true);
  EXPECT_EQ(blocked["blocks"].size(), 1u);
  EXPECT_EQ(explained("192.0.3.7")["realms"].at(0)["blocked"], false);
  ASSERT_TRUE(desk_->block({*parse_prefix("198.18.1.2"), BlockOrigin::Detector, true, 1h, "flood"}));
  EXPECT_EQ(explained("198.18.1.2")["realms"].at(0)["blocked"], false) << "it is a peer";
}

TEST_F(BlockAnswersTest, IsDrawnForPeople) {
  const auto result = [](const Json& answer) { return answer["result"].dump(); };
  const Json done = ask("block", {{"prefix", "198.18.1.2"}, {"for", "10m"}});
  EXPECT_EQ(block_line(result(done), false).value(),
            "198.18.1.2/32 is blocked until 2023-11-14T22:23:20.000Z\n"
            "warning: peer carrier is blocked by it: it is not heard until you unblock 198.18.1.2/32\n");
  const std::string table = blocks_table(result(shown()), false).value();
  EXPECT_THAT(table, HasSubstr("198.18.1.2/32"));
  EXPECT_THAT(table, HasSubstr("1 prefix is blocked, there is room for 10"));
  EXPECT_EQ(unblock_line(result(ask("unblock", {{"prefix", "198.18.1.2"}})), false).value(),
            "198.18.1.2/32 is unblocked\n");
  EXPECT_EQ(blocks_table(result(shown()), false).value(), "nothing is blocked\n");
}

TEST(SavedBlocks, ComeBackAsTheyWereAndNothingElseDoes) {
  const SavedBlock block{.prefix = *parse_prefix("2001:db8::/32"),
                         .origin = BlockOrigin::Detector,
                         .is_proved = false,
                         .since = WallTime(std::chrono::milliseconds(5)),
                         .until = WallTime(std::chrono::milliseconds(7)),
                         .reason = "a \"b\""};
  const auto again = decode_block(encode_block(block));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->prefix, block.prefix);
  EXPECT_EQ(again->origin, block.origin);
  EXPECT_FALSE(again->is_proved);
  EXPECT_EQ(again->since, block.since);
  EXPECT_EQ(again->until, block.until);
  EXPECT_EQ(again->reason, block.reason);
  for (const char* bad :
       {"", "{}", "[]", "{\"prefix\":1}",
        R"({"prefix":"x","origin":"operator","proved":true,"since":1,"until":null,"reason":""})",
        R"({"prefix":"::1","origin":"who","proved":true,"since":1,"until":null,"reason":""})"})
    EXPECT_FALSE(decode_block(bad).has_value()) << bad;
}

}  // namespace
}  // namespace sallyport::mgmt
