// media_sessions.cpp — sessions that come and go beside streams that stand: opened and closed by the commands
// and the rings that calls use, so many a second, each there for half a second.
//
//   media_sessions SOCKET STREAMS SECONDS SESSIONS-PER-SECOND plain|gcm|cm80
// Says "ready" when the streams stand, begins when it reads a line, says "done", and when it reads another
// line prints what was made of it as JSON: sums since it was ready, times of the moment between the lines.
// With a suite both legs of each session have SRTP, under keys of their own. See media_plane.h.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/bench/device/media_plane.h"

namespace {

using namespace sallyport;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTurn = 2'000'000;  // between two batches of commands
constexpr std::uint32_t kHeldFor = 2;      // half a second: the rate divided by this

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

struct Asked {
  std::uint16_t standing = 0;
  std::uint32_t seconds = 0, per_second = 0;
  std::string_view suite;
};

class Sessions {
 public:
  Sessions(dataplane::DataPlane& plane, const SbcConfig& config, const Asked& asked)
      : plane_(plane), config_(config), asked_(asked) {}

  // False: the engine's thread does not take commands.
  bool run() {
    const std::int64_t begin = now(), end = begin + asked_.seconds * kSecond;
    const std::uint32_t held = asked_.per_second / kHeldFor;
    for (std::int64_t turn = begin; turn < end; turn += kTurn) {
      const timespec until{turn / kSecond, turn % kSecond};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
      late_ = std::max(late_, now() - turn);
      const auto due = static_cast<std::uint32_t>((turn - begin) * asked_.per_second / kSecond);
      if (!give(due, due > held ? due - held : 0)) return false;
      if (turn / kSecond != (turn + kTurn) / kSecond) look();
    }
    look();
    return give(opened_, opened_);
  }
  // Closed streams leave the count of those that are open at once.
  bool wait_for_end() {
    for (int tries = 0; tries < 5000; ++tries) {
      if (plane_.snapshot().media.streams_active == asked_.standing) return true;
      usleep(1000);
    }
    return false;
  }
  [[nodiscard]] std::uint32_t opened() const { return opened_; }
  [[nodiscard]] std::uint64_t most() const { return most_; }
  [[nodiscard]] std::uint64_t most_secured() const { return most_secured_; }
  [[nodiscard]] double late_ms() const { return static_cast<double>(late_) / 1e6; }

 private:
  bool give(std::uint32_t open_up_to, std::uint32_t close_up_to) {
    return plane_.on_engine(0, [&](std::size_t, sip::SipEngine&, Timestamp, sip::EngineOutput& out) {
      for (; opened_ < open_up_to; ++opened_) {
        out.media().push_back(bench::passing_stream(config_, opened_));
        if (asked_.suite == "plain") continue;
        for (const std::size_t side : {0u, 1u}) bench::secure(out.media().back(), side, asked_.suite);
      }
      for (; closed_ < close_up_to; ++closed_) {
        out.media().push_back(bench::passing_stream(config_, closed_));
        out.media().back().kind = media::MediaCommand::Kind::Close;
      }
    });
  }
  void look() {
    const auto media = plane_.snapshot().media;
    most_ = std::max(most_, media.streams_active - asked_.standing);
    most_secured_ = std::max(most_secured_, media.streams_secured);
  }

  dataplane::DataPlane& plane_;
  const SbcConfig& config_;
  const Asked asked_;
  std::uint32_t opened_ = 0, closed_ = 0;
  std::uint64_t most_ = 0, most_secured_ = 0;
  std::int64_t late_ = 0;
};

// Microseconds that so many of the bursts took at the most, by the bounds of the buckets; -1: beyond them.
double relay_time(const dataplane::MediaSnapshot& before, const dataplane::MediaSnapshot& after,
                  double share) {
  std::array<std::uint64_t, dataplane::kRelayTimeBounds.size() + 1> counts{};
  std::uint64_t all = 0, sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i)
    all += counts[i] = after.relay_times[i] - before.relay_times[i];
  for (std::size_t i = 0; i < dataplane::kRelayTimeBounds.size(); ++i) {
    sum += counts[i];
    if (static_cast<double>(sum) >= share * static_cast<double>(all))
      return static_cast<double>(dataplane::kRelayTimeBounds[i].count()) / 1000.0;
  }
  return -1;
}

// False: nobody wants more.
bool say_and_wait(const char* word) {
  std::printf("%s\n", word);
  std::fflush(stdout);
  for (int byte = std::getchar(); byte != '\n'; byte = std::getchar())
    if (byte == EOF) return false;
  return true;
}

int run(const std::string& socket, const Asked& asked) {
  const SbcConfig config = bench::media_config(socket);
  auto plane = dataplane::DataPlane::start(config, {.secrets = {{1, 2}, {3, 4}, {}}});
  if (!plane) {
    std::fprintf(stderr, "%s\n", plane.error().message.c_str());
    return 71;
  }
  if (!bench::open_standing(**plane, config, asked.standing)) return 71;
  const bench::MediaTotals first = bench::totals_of((*plane)->snapshot());
  if (!say_and_wait("ready")) return 64;
  const auto before = (*plane)->snapshot();
  Sessions sessions(**plane, config, asked);
  if (!sessions.run()) {
    std::fprintf(stderr, "the engine takes no commands\n");
    return 70;
  }
  const auto after = (*plane)->snapshot();
  const bool has_ended = sessions.wait_for_end();
  if (!say_and_wait("done")) return 64;
  const bench::MediaTotals last = bench::totals_of((*plane)->snapshot());
  std::printf(
      "{\"opened\": %u, \"refused_commands\": %lu, \"open_at_once\": %lu, \"secured_at_once\": %lu, "
      "\"all_closed\": %s, \"commands_late_ms\": %.1f, \"relayed\": %lu, \"refused\": %lu, \"unsent\": %lu, "
      "\"busy\": %.3f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"longest_us\": %.0f}\n",
      sessions.opened(), after.media.commands_refused, sessions.most(), sessions.most_secured(),
      has_ended ? "true" : "false", sessions.late_ms(), last.relayed - first.relayed,
      last.refused - first.refused, last.unsent - first.unsent,
      static_cast<double>(after.lcores[0].busy_ns - before.lcores[0].busy_ns) /
          static_cast<double>(after.lcores[0].total_ns - before.lcores[0].total_ns),
      relay_time(before.media, after.media, 0.5), relay_time(before.media, after.media, 0.99),
      relay_time(before.media, after.media, 1.0));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fputs("usage: media_sessions SOCKET STREAMS SECONDS SESSIONS-PER-SECOND plain|gcm|cm80\n", stderr);
    return 64;
  }
  const auto number = [&](int place) { return std::strtoul(argv[place], nullptr, 10); };
  return run(argv[1], {static_cast<std::uint16_t>(number(2)), static_cast<std::uint32_t>(number(3)),
                       static_cast<std::uint32_t>(number(4)), argv[5]});
}
