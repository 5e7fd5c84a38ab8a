// guard_memory_bench.cpp — what the guard's tables hold in memory when they are full, as Linux counts
// resident pages: buckets of a million sources, each in a prefix of its own, and 250,000 blocked prefixes;
// and the longest that one change of the blocked ones took, with somebody asking between the changes.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <vector>

#include "policy/decide/blocklist.h"
#include "policy/decide/source_limiter.h"

namespace {

using namespace sallyport;

constexpr Timestamp kNow{1h};
constexpr std::uint32_t kSources = 1'000'000, kPrefixes = 250'000, kChanges = 10'000;

double resident_megabytes() {
  long size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Of this thread: what else runs on the machine takes no time of it.
double cpu_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

void sources() {
  const double before = resident_megabytes();
  policy::SourceLimiterSettings settings;
  settings.capacity = kSources;
  policy::SourceLimiter limiter(settings, HashKey{1, 2});
  for (std::uint32_t i = 0; i < kSources; ++i)
    (void)limiter.admit(limiter.prepare(PortIndex{0}, IpAddress::v4(0x0B000000u + 256u * i)), kNow);
  std::printf("%u sources in as many prefixes: %.1f MB resident (%.1f MB of tables), %llu tracked\n",
              kSources, resident_megabytes() - before,
              static_cast<double>(limiter.memory_bytes()) / (1 << 20),
              static_cast<unsigned long long>(limiter.tracked()));
}

Prefix any_prefix(std::mt19937& random) {
  const IpAddress any = IpAddress::v4(static_cast<std::uint32_t>(random()) | 1);
  constexpr std::array<std::uint8_t, 8> kLengths{24, 24, 24, 22, 23, 20, 19, 16};
  const std::uint8_t length = random() % 4 != 0 ? std::uint8_t{32} : kLengths[random() % kLengths.size()];
  return {Prefix{any, length}.network(), length};
}

void prefixes() {
  const double before = resident_megabytes();
  policy::Blocklist list(kPrefixes, HashKey{1, 2});
  std::mt19937 random(1);
  while (list.prefixes() < kPrefixes - 1)
    if (!list.put({any_prefix(random), policy::BlockOrigin::Operator, true, kNow, Timestamp::max(), {}}))
      break;
  std::printf("%u blocked prefixes: %.1f MB resident\n", static_cast<unsigned>(list.prefixes()),
              resident_megabytes() - before);
  std::vector<double> took;
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < kChanges; ++i) {
    const Prefix changed = i % 100 == 0 ? *parse_prefix("128.0.0.0/1") : any_prefix(random);
    const policy::Block one{changed, policy::BlockOrigin::Operator, true, kNow, kNow + 1h, "bench"};
    const double begin = cpu_microseconds();
    const bool is_put = static_cast<bool>(list.put(one));
    const double took_now = cpu_microseconds() - begin;
    found += list.table().find(changed.address, TrustClass::Untrusted, kNow) != policy::BlockTable::kNone;
    if (is_put) list.remove(one.prefix, one.origin);
    took.push_back(took_now);
  }
  std::ranges::sort(took);
  std::printf("a change: p50 %.1f p99 %.1f longest %.1f us; %u of %u blocked at once\n",
              took[took.size() / 2], took[took.size() * 99 / 100], took.back(), found, kChanges);
}

}  // namespace

int main() {
  sources();
  prefixes();
  return 0;
}
