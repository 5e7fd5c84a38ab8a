// guard_view_test.cpp — an lcore judges while others put new rules in place: what it looks at is there until
// its turn is over. Without packets: ARP is judged by what stands in its meta.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/dpdk/turns.h"
#include "dataplane/stages/guard_stage.h"

namespace sallyport::dataplane {
namespace {

constexpr HashKey kKey{5, 6};

SbcConfig one_port(bool denies) {
  SbcConfig config;
  config.dataplane.capacity.sources = 1024;
  config.ports.emplace_back().name = "outside";
  RealmConfig& realm = config.realms.emplace_back();
  realm.name = realm.port = "outside";
  if (denies) config.security.access.push_back({*parse_prefix("192.0.2.0/24"), "", AccessAction::Deny});
  return config;
}

// A burst of one ping of 192.0.2.1.
struct Ping {
  Ping() {
    meta.port = PortIndex{0};
    meta.packet_class = PacketClass::Exception;
    meta.exception = policy::ExceptionKind::Echo;
    meta.source = *IpAddress::parse("192.0.2.1");
    burst.count = 1;
    burst.meta[0] = &meta;
    burst.packets[0] = nullptr;
  }
  [[nodiscard]] bool is_denied_by(GuardStage& guard, Timestamp now) {
    burst.verdicts[0] = Verdict::Continue;
    guard.process(now, burst);
    return burst.verdicts[0] == Verdict::Drop && burst.drop_reasons[0] == DropReason::Denied;
  }
  PacketMeta meta{};
  Burst burst{};
};

TEST(GuardViewOfManyThreads, IsWholeForAsLongAsAnLcoreLooksAtIt) {
  const SbcConfig allows = one_port(false), denies = one_port(true);
  std::vector<std::unique_ptr<policy::SourceClassifier>> sources;
  sources.push_back(std::make_unique<policy::SourceClassifier>(allows));
  GuardStage guard(allows, *sources[0], kKey);
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> denied{0}, allowed{0};
  std::thread lcore([&] {
    Turns turns(7);
    Ping ping;
    for (Timestamp now{1h}; !is_over; now += 1ms) {
      turns.begin();
      ++(ping.is_denied_by(guard, now) ? denied : allowed);
    }
  });
  const auto adopt = [&](const SbcConfig& config) {
    auto next = std::make_unique<policy::SourceClassifier>(config);
    auto before = guard.adopt(std::make_unique<GuardView>(config, *next, kKey, 1));
    wait_for_turns();
    before.reset();
    sources[0] = std::move(next);
  };
  while (allowed == 0) std::this_thread::yield();  // it has begun
  for (int i = 0; i < 200; ++i) {
    adopt(denies);
    const std::uint64_t allowed_before = allowed;
    wait_for_turns();
    EXPECT_EQ(allowed, allowed_before) << "after adopt() nobody judges by what went before";
    adopt(allows);
  }
  is_over = true;
  lcore.join();
  EXPECT_GT(denied, 0U);
}

}  // namespace
}  // namespace sallyport::dataplane
