// detector_blocks_test.cpp — whom detectors may block, how many and how fast; their alarms.
#include "mgmt/detections/detector_blocks.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using policy::BlockOrigin;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr HashKey kKey{1, 2};

SbcConfig two_sides() {
  SbcConfig config;
  config.ports.emplace_back().addresses = {*parse_prefix("198.18.1.1/24"), *parse_prefix("fd18:1::1/64")};
  RealmConfig& outside = config.realms.emplace_back();
  outside.name = "outside";
  outside.listen.emplace_back().addresses = {*IpAddress::parse("198.18.1.5")};
  PeerConfig& carrier = config.peers.emplace_back();
  carrier.name = "carrier";
  carrier.realm = "outside";
  carrier.targets.emplace_back().address = *parse_endpoint("198.18.1.2:5060", 0);
  carrier.sources = {*parse_prefix("203.0.113.0/28")};
  config.security.access = {{*parse_prefix("198.51.100.0/24"), "", AccessAction::Trusted}};
  return config;
}

class DetectorBlocksTest : public testing::Test {
 protected:
  DetectorBlocksTest() { begin(100); }
  void begin(std::uint32_t capacity) {
    blocks_.reset();
    desk_.reset();
    store_.reset();
    store_ = std::make_unique<BlockStore>(folder_.path().string(), kKey, alarms_, log_);
    desk_ = std::make_unique<BlockDesk>(
        capacity, kKey,
        BlockPlaces{alarms_, log_, *store_, [this] { return now_; },
                    [this] { return WallTime(std::chrono::milliseconds(1'700'000'000'000)) + passed(); },
                    config_, [this] { ++follows_; }});
    desk_->restore(store_->load());
    blocks_ = std::make_unique<DetectorBlocks>(DetectorBlockPlaces{*desk_, alarms_, log_, config_});
    wait(1s);
  }
  [[nodiscard]] std::chrono::milliseconds passed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - Timestamp{1h});
  }
  // As the daemon's ticker does.
  void wait(Duration time) {
    now_ += time;
    desk_->tick();
    blocks_->tick(now_);
  }
  static sip::DetectionEvent event(const IpAddress& source, bool is_proved = false) {
    sip::DetectionEvent out{
        .detector = "scanner", .action = "block", .source = {source, 5060}, .evidence = "12 users"};
    out.realm = RealmIndex{0};
    out.is_proved = is_proved;
    out.block_for = 10min;
    return out;
  }
  static IpAddress source(std::uint32_t number) { return IpAddress::v4(0x0a000001 + number); }
  void ask(const char* address, bool is_proved = false) {
    blocks_->add(event(*IpAddress::parse(address), is_proved));
    wait(100ms);
  }
  [[nodiscard]] std::vector<policy::BlockView> blocked(const char* address) const {
    return desk_->around(*parse_prefix(address));
  }
  [[nodiscard]] std::size_t alarms_of(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(alarms_.active(), name, &ActiveAlarm::name));
  }

  const TestFolder folder_;
  EventLog log_{LogConfig{.level = LogLevel::Error}, 2, false, system_wall_time};
  AlarmRegistry alarms_{log_, system_wall_time};
  Timestamp now_{1h};
  SharedSlot<SbcConfig> config_{make_value<SbcConfig>(two_sides())};
  int follows_ = 0;
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<BlockDesk> desk_;
  std::unique_ptr<DetectorBlocks> blocks_;
};

// A host on the network of a port has neighbours that are others'.
TEST_F(DetectorBlocksTest, OnOurOwnNetworkOneIpv6HostIsBlockedAlone) {
  ask("fd18:1::7", true);
  ASSERT_THAT(blocked("fd18:1::7"), SizeIs(1));
  EXPECT_EQ(to_string(blocked("fd18:1::7")[0].block.prefix), "fd18:1::7/128");
  EXPECT_EQ(alarms_.active().at(0).subject, "fd18:1::7");
}

// New addresses of one subscriber take one place, in the queue and in the list, and one alarm.
TEST_F(DetectorBlocksTest, ManyAddressesOfASubscriberAreOneBlock) {
  for (int i = 1; i < 60; ++i)
    blocks_->add(event(*IpAddress::parse("2001:db8:0:7::" + std::to_string(i)), true));
  wait(100ms);
  EXPECT_EQ(desk_->prefixes(), 1u);
  ASSERT_EQ(alarms_of("detection_block"), 1u);
  EXPECT_EQ(alarms_.active().at(0).subject, "2001:db8:0:7::/64");
}

TEST_F(DetectorBlocksTest, BlocksTheSourceForItsTimeAndSaysWhy) {
  ask("192.0.2.7");
  const auto found = blocked("192.0.2.7");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(to_string(found[0].block.prefix), "192.0.2.7/32");
  EXPECT_EQ(found[0].block.origin, BlockOrigin::Detector);
  EXPECT_FALSE(found[0].block.is_proved);
  EXPECT_EQ(found[0].block.reason, "scanner: 12 users");
  EXPECT_EQ(found[0].block.until, now_ + 10min);
  EXPECT_EQ(follows_, 1) << "the lcores have it";
  ask("2001:db8::7", true);
  ASSERT_THAT(blocked("2001:db8::7"), SizeIs(1));
  EXPECT_EQ(to_string(blocked("2001:db8::7")[0].block.prefix), "2001:db8::/64") << "what its subscriber has";
  EXPECT_TRUE(blocked("2001:db8::7")[0].block.is_proved);
  wait(10min);
  EXPECT_THAT(blocked("192.0.2.7"), IsEmpty());
  EXPECT_EQ(desk_->of_detectors(), 0u);
}

TEST_F(DetectorBlocksTest, NothingIsBlockedForWhatIsOnlyLoggedOrRejected) {
  for (const char* const action : {"log", "challenge", "reject", "alert", "drop"}) {
    sip::DetectionEvent one = event(*IpAddress::parse("192.0.2.7"));
    one.action = action;
    blocks_->add(one);
  }
  sip::DetectionEvent timeless = event(*IpAddress::parse("192.0.2.7"));
  timeless.block_for = {};
  blocks_->add(timeless);
  wait(100ms);
  EXPECT_EQ(desk_->prefixes(), 0u);
  EXPECT_EQ(follows_, 0);
}

// RFC 3261 has no say here; threats I10: whoever forges a source must not shut out a trunk, a name server,
// us.
TEST_F(DetectorBlocksTest, PeersTrustedSourcesAndOurselvesAreSpared) {
  ask("198.18.1.2");
  ask("203.0.113.3", true);
  ask("198.18.1.1", true);
  ask("198.18.1.5", true);
  ask("0.0.0.0");
  ask("198.51.100.9");
  EXPECT_EQ(desk_->prefixes(), 0u);
  EXPECT_EQ(alarms_of("detection_block"), 0u);
  ask("198.51.100.9", true);
  EXPECT_THAT(blocked("198.51.100.9"), SizeIs(1)) << "that can't have been forged";
}

TEST_F(DetectorBlocksTest, AReloadThatMakesAPeerOfASourceSparesIt) {
  SbcConfig next = two_sides();
  next.peers[0].sources = {*parse_prefix("192.0.2.0/24")};
  config_.put(make_value<SbcConfig>(next));
  ask("192.0.2.7", true);
  EXPECT_EQ(desk_->prefixes(), 0u);
}

TEST_F(DetectorBlocksTest, ForgedSourcesTakeAShareOfTheRoomAndNoMore) {
  begin(1000);
  for (std::uint32_t second = 0; second < 60; ++second) {
    for (std::uint32_t i = 0; i < 1000; ++i) blocks_->add(event(source(second * 1000 + i)));
    const std::uint32_t before = desk_->prefixes();
    for (int tick = 0; tick < 10; ++tick) wait(100ms);
    EXPECT_LE(desk_->prefixes() - before, DetectorBlocks::kUnprovedPerSecond * 6 / 5) << "in one second";
  }
  EXPECT_EQ(desk_->prefixes(), 250u) << "a quarter";
  EXPECT_EQ(alarms_of("blocked_room_low"), 1u);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    blocks_->add(event(IpAddress::v4(0xc0000200 + i), true));
    if (i % 20 == 0) wait(100ms);
  }
  for (int tick = 0; tick < 50; ++tick) wait(100ms);
  EXPECT_EQ(desk_->of_detectors(), 500u) << "what is proved still finds room, up to a half";
  for (std::uint32_t i = 0; i < 500; ++i)
    ASSERT_TRUE(desk_->block({.prefix = {IpAddress::v4(0xc6336400 + i), 32}, .lasts = {}, .reason = {}}))
        << "the operator has the rest";
  wait(10min);
  EXPECT_EQ(desk_->of_detectors(), 0u);
  EXPECT_EQ(alarms_of("blocked_room_low"), 0u);
}

TEST_F(DetectorBlocksTest, AFloodOfForgedOnesDoesNotDelayWhatIsProved) {
  begin(10'000);
  for (std::uint32_t i = 0; i < 100'000; ++i) blocks_->add(event(source(i)));
  blocks_->add(event(*IpAddress::parse("192.0.2.7"), true));
  wait(100ms);
  EXPECT_THAT(blocked("192.0.2.7"), SizeIs(1));
}

TEST_F(DetectorBlocksTest, TenThousandSourcesRaiseAHandfulOfAlarms) {
  begin(100'000);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    blocks_->add(event(source(i), true));
    if (i % 20 == 0) wait(100ms);
  }
  wait(1s);
  EXPECT_EQ(alarms_of("detection_block"), DetectorBlocks::kAlarmsMax + 1);
  wait(10min);
  EXPECT_EQ(alarms_of("detection_block"), 0u);
}

TEST_F(DetectorBlocksTest, TheAlarmNamesTheSourceAndEndsWithTheBlock) {
  ask("192.0.2.7");
  ASSERT_THAT(alarms_.active(), SizeIs(1));
  EXPECT_EQ(alarms_.active()[0].name, "detection_block");
  EXPECT_EQ(alarms_.active()[0].subject, "192.0.2.7");
  EXPECT_EQ(alarms_.active()[0].detail, "scanner: 12 users");
  EXPECT_EQ(desk_->unblock(*parse_prefix("192.0.2.7")), 1u);
  wait(2s);
  EXPECT_THAT(alarms_.active(), IsEmpty()) << "an operator took it back";
  sip::DetectionEvent long_one = event(*IpAddress::parse("192.0.2.8"));
  long_one.block_for = 24h;
  blocks_->add(long_one);
  wait(100ms);
  EXPECT_EQ(alarms_of("detection_block"), 1u);
  wait(DetectorBlocks::kAlarmLasts + 1s);
  EXPECT_EQ(alarms_of("detection_block"), 0u) << "nobody wants to see it for a day";
  EXPECT_THAT(blocked("192.0.2.8"), SizeIs(1));
}

TEST_F(DetectorBlocksTest, WhatIsProvedIsNeitherShortenedNorWeakenedByWhatIsNot) {
  ask("192.0.2.7", true);
  const Timestamp until = blocked("192.0.2.7")[0].block.until;
  wait(5min);
  ask("192.0.2.7");
  EXPECT_TRUE(blocked("192.0.2.7")[0].block.is_proved);
  EXPECT_EQ(blocked("192.0.2.7")[0].block.until, until);
  ask("192.0.2.7", true);
  EXPECT_GT(blocked("192.0.2.7")[0].block.until, until);
  EXPECT_EQ(desk_->of_detectors(), 1u);
}

TEST_F(DetectorBlocksTest, ARestartFindsThemAndCountsThem) {
  ask("192.0.2.7", true);
  ask("192.0.2.8");
  static_cast<void>(store_->step(now_, true));
  begin(100);
  EXPECT_EQ(desk_->of_detectors(), 2u);
  ASSERT_THAT(blocked("192.0.2.7"), SizeIs(1));
  EXPECT_TRUE(blocked("192.0.2.7")[0].block.is_proved);
  EXPECT_FALSE(blocked("192.0.2.8")[0].block.is_proved);
  wait(10min);
  EXPECT_EQ(desk_->of_detectors(), 0u);
}

TEST_F(DetectorBlocksTest, HostileEvidenceIsCleanInReasonAndAlarm) {
  sip::DetectionEvent one = event(*IpAddress::parse("192.0.2.7"));
  one.evidence = "\x1b[2J\"}\n=cmd|' /C calc'!A0" + std::string(1000, 'x');
  blocks_->add(one);
  wait(100ms);
  const std::string reason = blocked("192.0.2.7").at(0).block.reason;
  EXPECT_TRUE(reason.starts_with("scanner: \\x1b[2J\"}\\x0a=cmd")) << reason;
  EXPECT_LE(reason.size(), policy::Blocklist::kReasonBytesMax);
  EXPECT_THAT(alarms_.active().at(0).detail, HasSubstr("\\x1b"));
}

}  // namespace
}  // namespace sallyport::mgmt
