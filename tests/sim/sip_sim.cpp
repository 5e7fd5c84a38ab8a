// The simulator's command line: sip_sim [--seed N] [--calls M] [--snapshot] [--reloads] [--loss P]
// [--engines N] [--simple] [--tight] [--print] [--full]. Status 1 when anything went against the rules.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "tests/sim/run_worlds.h"

namespace {

constexpr unsigned kFullCalls = 100'000;

int usage(std::string_view what) {
  std::fputs(
      fmt::format("sip_sim: what is '{}'?\nusage: sip_sim [--seed N] [--calls M] [--snapshot] [--reloads] "
                  "[--loss P] [--engines N] [--simple] [--tight] [--print] [--full]\n",
                  what)
          .c_str(),
      stderr);
  return 64;
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t seed = 1;
  unsigned calls = 1000;
  sallyport::sim::WorldWishes wishes;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const char* value = i + 1 < count ? arguments[i + 1] : "";
    if (word == "--snapshot")
      wishes.snapshot = true;
    else if (word == "--reloads")
      wishes.reloads = true;
    else if (word == "--simple")
      wishes.simple = true;
    else if (word == "--tight")
      wishes.tight = true;
    else if (word == "--print")
      wishes.keep_trace = true;
    else if (word == "--full")
      calls = kFullCalls;
    else if (i + 1 == count)
      return usage(word);
    else if (++i; word == "--seed")
      seed = std::strtoull(value, nullptr, 10);
    else if (word == "--calls")
      calls = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else if (word == "--loss")
      wishes.loss = std::strtod(value, nullptr);
    else if (word == "--engines")
      wishes.engines = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
    else
      return usage(word);
  }
  const auto result = sallyport::sim::run_worlds(seed, calls, wishes);
  std::fwrite(result.report.data(), 1, result.report.size(), stdout);  // packets of phones may hold NULs
  std::fputs(
      fmt::format(
          "{} worlds from seed {}: {} calls, {} answered, {} exchanges, {} subscriptions, {} "
          "registrations, {} stale requests refused, {} steps, {} datagrams, {} restarts; {} worlds against "
          "the rules\n",
          result.worlds, seed, result.counts.calls, result.counts.answered, result.counts.exchanges,
          result.counts.subscriptions, result.counts.registrations, result.counts.stale, result.counts.steps,
          result.counts.datagrams, result.counts.restarts, result.bad_worlds)
          .c_str(),
      stdout);
  return result.bad_worlds == 0 ? 0 : 1;
}
