// media_plan_test.cpp — room for streams and what it takes, known before the start.
#include <gtest/gtest.h>

#include "dataplane/dpdk/device_plan.h"
#include "media-relay/control/port_pool.h"
#include "media-relay/relay/secured_streams.h"
#include "media-relay/relay/stream_state.h"

namespace sallyport::dataplane {
namespace {

SbcConfig two_realms(PortRange outside, PortRange inside) {
  SbcConfig config;
  for (const PortRange& range : {outside, inside}) {
    RealmConfig& realm = config.realms.emplace_back();
    realm.media.ports = range;
    realm.media.addresses = {*IpAddress::parse("198.18.1.1"), *IpAddress::parse("fd18::1")};
  }
  return config;
}

TEST(MediaPlan, OneLcoreHasRoomForExactlyWhatThePoolGivesOut) {
  for (const PortRange& range : {PortRange{20000, 29999}, PortRange{20001, 20004}, PortRange{20000, 20001},
                                 PortRange{1024, 65535}, PortRange{20001, 20002}}) {
    const SbcConfig config = two_realms(range, {30000, 39999});
    EXPECT_EQ(media_streams_of_lcore(config, 1), media::PortPool(config, {1, 2}).streams_max())
        << range.first << "-" << range.last;
  }
}

TEST(MediaPlan, EachOfSeveralLcoresHasRoomForAllStreamsOfItsSlices) {
  const SbcConfig config = two_realms({20001, 21000}, {30000, 30777});
  for (const std::uint32_t lcores : {2U, 3U, 5U, 8U}) {
    media::PortPool pool(config, {1, 2});
    std::vector<std::uint32_t> streams(lcores);
    for (const bool is_v4 : {true, false}) {
      const IpAddress address = *pool.address_of(RealmIndex(0), is_v4);
      while (const auto ports = pool.take(RealmIndex(0), address, RealmIndex(1), address))
        ++streams[media::lcore_of(ports->caller.port, lcores)];
    }
    for (const std::uint32_t count : streams) EXPECT_LE(count, media_streams_of_lcore(config, lcores));
  }
}

TEST(MediaPlan, ACallTakesLessThanTwoKilobytesOfTheRelay) {
  const SbcConfig small = two_realms({20000, 20199}, {30000, 30199}),
                  large = two_realms({20000, 22199}, {30000, 32199});
  const std::uint64_t bytes = media_bytes(large, {}) - media_bytes(small, {});
  const std::uint32_t streams = media_streams_of_lcore(large, 1) - media_streams_of_lcore(small, 1);
  EXPECT_EQ(streams, 2000U);
  EXPECT_LE(bytes, streams * 2048U);
}

TEST(MediaPlan, ACallWithSrtpOnBothLegsTakesLessThanEightKilobytes) {
  constexpr std::uint64_t kContexts = 4;
  constexpr std::uint64_t kStream =
      sizeof(media::StreamState) + sizeof(Timestamp) + 2 * (sizeof(media::HotFlow) + kMediaWayBytes);
  EXPECT_LE(kStream + sizeof(media::StreamSecurity) + kContexts * media::kSrtpContextBytesMax, 8192U);
}

TEST(MediaPlan, KeysTakeRoomWhereAProfileAllowsThem) {
  SbcConfig config = two_realms({20000, 29999}, {30000, 39999});
  config.profiles.resize(1);
  config.profiles[0].srtp.mode = SrtpMode::None;
  const std::uint64_t without = media_bytes(config, {});
  config.profiles[0].srtp.mode = SrtpMode::Optional;
  EXPECT_GT(media_bytes(config, {}), without + media_streams_of_lcore(config, 1) * 4 * 1000ULL);
}

}  // namespace
}  // namespace sallyport::dataplane
