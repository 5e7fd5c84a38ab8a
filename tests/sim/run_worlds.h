// Many worlds, one behind the other, from one seed: what the tests and the command line both run.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/sip_world.h"

namespace sallyport::sim {

inline constexpr unsigned kCallsPerWorld = 20;

struct RunResult {
  WorldCounts counts;
  unsigned worlds = 0, bad_worlds = 0;
  std::string report;  // of the first bad worlds: what went wrong and the command that plays it again
};
// Worlds with the seeds seed, seed + 1, ... until there were so many calls.
[[nodiscard]] RunResult run_worlds(std::uint64_t seed, unsigned calls, const WorldWishes& wishes);

}  // namespace sallyport::sim
