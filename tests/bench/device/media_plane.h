// media_plane.h — a data plane of one lcore over memif whose streams are opened by command, without calls:
// what benchmarks of the relay load.
//
// Two realms, "callers" and "callees", share a port. Standing stream i stands between 198.18.1.2, port
// 10000 + 2i, and the same host, port 35000 + 2i; ours are the same on 198.18.1.1. Passing streams have their
// own addresses of ours, so that no packet of a standing one is ever for them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/data_plane.h"

namespace sallyport::bench {

inline constexpr std::uint16_t kPairsOfAddress = 12'500;
// With the default quarantine of 10 s a pair comes again after 17 s at 5,000 sessions a second.
inline constexpr std::uint32_t kPassingAddresses = 7;
inline constexpr std::uint32_t kPassingPairs = kPairsOfAddress * kPassingAddresses;

[[nodiscard]] SbcConfig media_config(const std::string& socket);
[[nodiscard]] media::MediaCommand standing_stream(const SbcConfig& config, std::uint16_t number);
// The same ports again after kPassingPairs of them.
[[nodiscard]] media::MediaCommand passing_stream(const SbcConfig& config, std::uint32_t number);
// Keys of its own for one side. `suite`: "cm80" or "gcm".
void secure(media::MediaCommand& command, std::size_t side, std::string_view suite);
// False, and said why on stderr, when they are not open within ten seconds.
[[nodiscard]] bool open_standing(dataplane::DataPlane& plane, const SbcConfig& config, std::uint16_t streams,
                                 std::string_view callee_suite = "");

// What was relayed so far, and what was not.
struct MediaTotals {
  std::uint64_t busy_ns = 0, relayed = 0, refused = 0, unsent = 0;
};
[[nodiscard]] MediaTotals totals_of(const dataplane::DataPlaneSnapshot& now);

}  // namespace sallyport::bench
