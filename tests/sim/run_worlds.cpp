// Runs worlds and says how to replay the bad ones.
#include "tests/sim/run_worlds.h"

#include <fmt/format.h>

#include <algorithm>

namespace sallyport::sim {
namespace {

constexpr unsigned kReportedMax = 8;

std::string replay_command(std::uint64_t seed, unsigned calls, const WorldWishes& wishes) {
  std::string command = fmt::format("sip_sim --seed {} --calls {} --print", seed, calls);
  if (wishes.loss) command += fmt::format(" --loss {}", *wishes.loss);
  if (wishes.engines) command += fmt::format(" --engines {}", *wishes.engines);
  if (wishes.snapshot) command += " --snapshot";
  if (wishes.reloads) command += " --reloads";
  if (wishes.tight) command += " --tight";
  if (wishes.simple) command += " --simple";
  return command;
}

std::string describe(const WorldSettings& world) {
  return fmt::format("loss {}, {}, {} engines, journal {}{}{}{}{}{}{}{}", world.link.loss,
                     world.calm ? "calm" : "rough", world.engines, static_cast<int>(world.journal),
                     world.target_down ? ", target down" : "", world.icmp ? ", icmp" : "",
                     world.keys ? ", keys" : "", world.routers ? ", routers" : "",
                     world.moves ? " that forget" : "", world.passes_refer ? ", REFER passed" : "",
                     world.stale ? ", stale requests" : "");
}

}  // namespace

RunResult run_worlds(std::uint64_t seed, unsigned calls, const WorldWishes& wishes) {
  RunResult result;
  for (unsigned done = 0; done < calls; ++seed) {
    WorldWishes of_world = wishes;
    of_world.calls = std::min(kCallsPerWorld, calls - done);
    done += of_world.calls;
    const WorldSettings settings = draw_settings(seed, of_world);
    SipWorld world(settings);
    world.run();
    const WorldCounts counts = world.counts();
    result.counts.calls += counts.calls;
    result.counts.answered += counts.answered;
    result.counts.failed += counts.failed;
    result.counts.datagrams += counts.datagrams;
    result.counts.restarts += counts.restarts;
    result.counts.steps += counts.steps;
    result.counts.exchanges += counts.exchanges;
    result.counts.subscriptions += counts.subscriptions;
    result.counts.registrations += counts.registrations;
    result.counts.stale += counts.stale;
    ++result.worlds;
    const bool is_bad = !world.judge().violations().empty();
    if (settings.keep_trace && (is_bad || calls <= kCallsPerWorld))
      result.report += print_trace(world.network().trace());
    if (!is_bad) continue;
    if (++result.bad_worlds > kReportedMax) continue;
    result.report += fmt::format("seed {}: {} ({})\n", seed, replay_command(seed, of_world.calls, wishes),
                                 describe(settings));
    for (const Violation& violation : world.judge().violations())
      result.report +=
          fmt::format("  {:.6f} {}\n", static_cast<double>(violation.at.time_since_epoch().count()) / 1e9,
                      violation.text);
  }
  return result;
}

}  // namespace sallyport::sim
