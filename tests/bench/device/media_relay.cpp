// media_relay.cpp — the data plane with streams that are open from the start, without calls: what a benchmark
// loads over memif. For each octet that it reads it prints one line of figures.
//
//   media_relay SOCKET STREAMS [cm80|gcm]
// With a suite, what goes to the callees is SRTP, under a key of each stream's own. See media_plane.h.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/bench/device/media_plane.h"

namespace {

using namespace sallyport;

int run(const std::string& socket, std::uint16_t streams, std::string_view suite) {
  const SbcConfig config = bench::media_config(socket);
  auto plane = dataplane::DataPlane::start(config, {.secrets = {{1, 2}, {3, 4}, {}}});
  if (!plane) {
    std::fprintf(stderr, "%s\n", plane.error().message.c_str());
    return 71;
  }
  if (!bench::open_standing(**plane, config, streams, suite)) return 71;
  std::printf("ready\n");
  std::fflush(stdout);
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    const bench::MediaTotals now = bench::totals_of((*plane)->snapshot());
    std::printf("%lu %lu %lu %lu\n", now.busy_ns, now.relayed, now.refused, now.unsent);
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
