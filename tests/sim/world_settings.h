// What one simulated world is like: drawn from its seed, with what a command line lays over it.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/sim/virtual_network.h"

namespace sallyport::sim {

enum class JournalPace : std::uint8_t { Fast, Slow, Stalled };  // within 10 ms; up to 400 ms; never

struct WorldSettings {
  std::uint64_t seed = 1;
  unsigned calls = 20;
  LinkSettings link;
  bool calm = false;  // nothing is lost, doubled or overtaken
  unsigned engines = 1;
  bool snapshot = false;       // saved, thrown away and restored behind every step
  double snapshot_chance = 1;  // or behind so many of them: what is not saved must come to its end too
  bool reloads = false;        // behind every seventh step, routes in other places each time
  JournalPace journal = JournalPace::Fast;
  bool target_down = false, icmp = false;  // the PBX's first target is not there; the network says so
  bool simple = false;                     // every call is answered
  bool tight = false;                      // tables with room for a few calls only
  bool operator_hangs_up = false;          // now and then, any call
  bool routers = false, moves = false;     // phones are behind some, which forget where they were
  bool keys = false;                       // some secure their media
  bool passes_refer = false;               // whoever is to be transferred does it himself
  bool stale = false;                      // requests of the past come again
  bool keep_trace = false;
};

struct WorldWishes {
  std::optional<double> loss;
  std::optional<unsigned> engines;
  bool snapshot = false, reloads = false, keep_trace = false, simple = false, tight = false;
  unsigned calls = 20;
};
[[nodiscard]] WorldSettings draw_settings(std::uint64_t seed, const WorldWishes& wishes);

}  // namespace sallyport::sim
