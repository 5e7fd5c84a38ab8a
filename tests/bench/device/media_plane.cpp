// media_plane.cpp — configuration, commands and sums of the relay's benchmarks.
#include "tests/bench/device/media_plane.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace sallyport::bench {
namespace {

constexpr std::uint16_t kCallers = 10000, kCallees = 35000;

media::MediaCommand stream_between(const SbcConfig& config, std::size_t address, std::uint16_t pair) {
  media::MediaCommand command;
  for (std::size_t side = 0; side < 2; ++side) {
    media::MediaSideSettings& settings = command.sides[side];
    const auto port = static_cast<std::uint16_t>((side == 0 ? kCallers : kCallees) + 2 * pair);
    settings.realm = RealmIndex(side);
    settings.local = {config.ports[0].addresses[address].address, port};
    settings.remote = {*IpAddress::parse("198.18.1.2"), port};
    settings.signalled = settings.remote.address;
    settings.latch = LatchMode::Sdp;
    settings.inactivity = 0s;
  }
  return command;
}

}  // namespace

SbcConfig media_config(const std::string& socket) {
  SbcConfig config;
  config.node.name = fmt::format("mbench{}", getpid() % 10000);
  config.dataplane.lcore_cpus = {0};
  config.dataplane.signalling_threads = 1;
  config.dataplane.hugepages = HugepageMode::Never;
  config.dataplane.capacity = {.calls = 100, .transactions = 100, .sources = 1000};
  PortConfig& port = config.ports.emplace_back();
  port.name = "p";
  port.device.kind = DeviceKind::Memif;
  port.device.name = socket;
  port.device.memif_server = true;
  port.device.text = "memif:" + socket;
  port.addresses.push_back(*parse_prefix("198.18.1.1/24"));
  for (std::uint32_t i = 0; i < kPassingAddresses; ++i)
    port.addresses.push_back(*parse_prefix(fmt::format("198.18.1.{}/24", 10 + i)));
  for (const std::uint16_t first : {kCallers, kCallees}) {
    RealmConfig& realm = config.realms.emplace_back();
    realm.name = first == kCallers ? "callers" : "callees";
    realm.port = port.name;
    for (const Prefix& own : port.addresses) realm.media.addresses.push_back(own.address);
    realm.media.ports = {first, static_cast<std::uint16_t>(first + 2 * kPairsOfAddress - 1)};
    realm.media_limit.bits_per_second = 0;
  }
  return config;
}

media::MediaCommand standing_stream(const SbcConfig& config, std::uint16_t number) {
  media::MediaCommand command = stream_between(config, 0, number);
  command.key.call = number + 1U;
  return command;
}

media::MediaCommand passing_stream(const SbcConfig& config, std::uint32_t number) {
  const std::uint32_t place = number % kPassingPairs;
  media::MediaCommand command = stream_between(config, 1 + place / kPairsOfAddress,
                                               static_cast<std::uint16_t>(place % kPairsOfAddress));
  command.key.call = std::uint64_t{1} << 32 | number;
  return command;
}

void secure(media::MediaCommand& command, std::size_t side, std::string_view suite) {
  media::MediaKeys& keys = command.keys[side];
  keys.is_secured = true;
  keys.theirs_number = keys.ours_number = 1;
  keys.theirs.suite = keys.ours.suite =
      suite == "gcm" ? SrtpSuite::Aes128Gcm : SrtpSuite::AesCm128HmacSha1_80;
  const std::uint64_t call = command.key.call - 1;
  for (std::size_t i = 0; i < keys.ours.key.size(); ++i)
    keys.ours.key[i] = keys.theirs.key[i] = static_cast<std::uint8_t>(call * 31 + (call >> 8) + i * 7);
}

bool open_standing(dataplane::DataPlane& plane, const SbcConfig& config, std::uint16_t streams,
                   std::string_view callee_suite) {
  const bool is_given =
      plane.on_engine(0, [&](std::size_t, sip::SipEngine&, Timestamp, sip::EngineOutput& out) {
        for (std::uint16_t stream = 0; stream < streams; ++stream) {
          out.media().push_back(standing_stream(config, stream));
          if (!callee_suite.empty()) secure(out.media().back(), 1, callee_suite);
        }
      });
  for (int tries = 0; is_given && tries < 10'000; ++tries) {
    if (plane.snapshot().media.streams_active >= streams) return true;
    usleep(1000);
  }
  std::fprintf(stderr, "the streams did not open within ten seconds\n");
  return false;
}

MediaTotals totals_of(const dataplane::DataPlaneSnapshot& now) {
  MediaTotals totals{.busy_ns = now.lcores[0].busy_ns};
  for (const auto& realm : now.media.realms) {
    totals.relayed += realm.in.packets;
    for (const std::uint64_t count : realm.dropped) totals.refused += count;
  }
  for (const std::uint64_t count : now.ports[0].dropped) totals.unsent += count;
  return totals;
}

}  // namespace sallyport::bench
