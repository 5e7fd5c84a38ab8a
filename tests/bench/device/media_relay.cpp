// media_relay.cpp — the data plane with streams that are open from the start, without calls: what a benchmark
// loads over memif. For each line that it reads it prints one of figures.
//
//   media_relay SOCKET STREAMS [cm80|gcm]
// With a suite, what goes to the callees is SRTP, under a key of each stream's own.
// Stream i stands between 198.18.1.2, port 10000 + 2i, and the same host, port 35000 + 2i; ours are the same.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dataplane/data_plane.h"

namespace {

using namespace sallyport;

constexpr std::uint16_t kCallers = 10000, kCallees = 35000;

SbcConfig config_of(const std::string& socket) {
  SbcConfig config;
  config.node.name = "mbench" + std::to_string(getpid() % 10000);
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
  for (const std::uint16_t first : {kCallers, kCallees}) {
    RealmConfig& realm = config.realms.emplace_back();
    realm.name = first == kCallers ? "callers" : "callees";
    realm.port = port.name;
    realm.media.addresses = {port.addresses[0].address};
    realm.media.ports = {first, static_cast<std::uint16_t>(first + 24999)};
    realm.media_limit.bits_per_second = 0;
  }
  return config;
}

void secure(media::MediaKeys& keys, std::uint16_t stream, SrtpSuite suite) {
  keys.is_secured = true;
  keys.theirs_number = keys.ours_number = 1;
  keys.theirs.suite = keys.ours.suite = suite;
  for (std::size_t i = 0; i < keys.ours.key.size(); ++i)
    keys.ours.key[i] = keys.theirs.key[i] = static_cast<std::uint8_t>(stream * 31 + (stream >> 8) + i * 7);
}

media::MediaCommand command_of(const SbcConfig& config, std::uint16_t stream) {
  media::MediaCommand command;
  command.key.call = stream + 1U;
  for (std::size_t side = 0; side < 2; ++side) {
    media::MediaSideSettings& settings = command.sides[side];
    const auto port = static_cast<std::uint16_t>((side == 0 ? kCallers : kCallees) + 2 * stream);
    settings.realm = RealmIndex(side);
    settings.local = {config.ports[0].addresses[0].address, port};
    settings.remote = {*IpAddress::parse("198.18.1.2"), port};
    settings.signalled = settings.remote.address;
    settings.latch = LatchMode::Sdp;
    settings.inactivity = 0s;
  }
  return command;
}

int run(const std::string& socket, std::uint16_t streams, std::string_view suite) {
  const SbcConfig config = config_of(socket);
  auto plane = dataplane::DataPlane::start(config, {.secrets = {{1, 2}, {3, 4}, {}}});
  if (!plane) {
    std::fprintf(stderr, "%s\n", plane.error().message.c_str());
    return 71;
  }
  const bool is_done =
      (*plane)->on_engine(0, [&](std::size_t, sip::SipEngine&, Timestamp, sip::EngineOutput& out) {
        for (std::uint16_t stream = 0; stream < streams; ++stream) {
          out.media().push_back(command_of(config, stream));
          if (suite.empty()) continue;
          secure(out.media().back().keys[1], stream,
                 suite == "gcm" ? SrtpSuite::Aes128Gcm : SrtpSuite::AesCm128HmacSha1_80);
        }
      });
  if (!is_done) return 71;
  for (int tries = 0; (*plane)->snapshot().media.streams_active < streams; ++tries) {
    if (tries == 10'000) {
      std::fprintf(stderr, "the streams did not open within ten seconds\n");
      return 71;
    }
    usleep(1000);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    const dataplane::DataPlaneSnapshot now = (*plane)->snapshot();
    std::uint64_t dropped = 0, unsent = 0;
    for (const auto& realm : now.media.realms)
      for (const std::uint64_t count : realm.dropped) dropped += count;
    for (const std::uint64_t count : now.ports[0].dropped) unsent += count;
    std::printf("%lu %lu %lu %lu\n", now.lcores[0].busy_ns,
                now.media.realms[0].in.packets + now.media.realms[1].in.packets, dropped, unsent);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 64;
  return run(argv[1], static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10)),
             argc == 4 ? argv[3] : "");
}
