// Worlds of all kinds, by seed.
#include "tests/sim/world_settings.h"

#include <array>

namespace sallyport::sim {

WorldSettings draw_settings(std::uint64_t seed, const WorldWishes& wishes) {
  SimRandom random(seed * 0x2545f4914f6cdd1du + 7);
  WorldSettings world;
  world.seed = seed;
  world.calls = wishes.calls;
  world.snapshot = wishes.snapshot;
  world.reloads = wishes.reloads;
  world.keep_trace = wishes.keep_trace;
  world.simple = wishes.simple;
  const bool calm = random.chance(0.25);
  constexpr std::array<double, 4> kLosses{0.0, 0.02, 0.1, 0.1};
  const double drawn = kLosses[random.below(kLosses.size())];
  world.calm = wishes.loss ? *wishes.loss == 0 : calm;
  if (world.calm) {
    world.link.delay_min = world.link.delay_max = random.between(1ms, 80ms);
  } else {
    world.link.loss = wishes.loss.value_or(drawn);
    world.link.duplication = random.chance(0.5) ? 0.05 : 0;
    world.link.reordering = random.chance(0.5) ? 0.1 : 0;
    world.link.delay_min = random.between(1ms, 20ms);
    world.link.delay_max = world.link.delay_min + random.between(0ms, 60ms);
  }
  constexpr std::array<unsigned, 3> kEngines{1, 2, 4};
  world.engines = kEngines[random.below(kEngines.size())];
  if (wishes.engines) world.engines = *wishes.engines;
  world.journal = static_cast<JournalPace>(random.below(3));
  world.target_down = !wishes.simple && random.chance(0.15);
  world.icmp = random.chance(0.5);
  world.operator_hangs_up = !world.calm && random.chance(0.25);
  world.tight = wishes.tight;
  constexpr std::array<double, 3> kChances{1, 0.2, 0.03};
  world.snapshot_chance = kChances[random.below(kChances.size())];
  world.calm = world.calm && !world.tight;  // refusals are in order there
  world.routers = random.chance(0.6);
  world.moves = world.routers && !world.calm && random.chance(0.4);
  world.passes_refer = random.chance(0.3);
  world.keys = random.chance(0.4);
  world.stale = !wishes.simple && seed % 2 == 0;
  return world;
}

}  // namespace sallyport::sim
