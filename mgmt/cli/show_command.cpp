// show_command.cpp — one question to the daemon, or one at each tick.
#include "mgmt/cli/show_command.h"

#include <fmt/format.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "mgmt/cli/control_client.h"
#include "mgmt/cli/show_tables.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] Result<std::string, std::string> rendered(const CommandLine& line, const std::string& result,
                                                        bool colour) {
  // One object a line while watching, so that a program can read line by line.
  if (line.json) return nlohmann::ordered_json::parse(result).dump(line.watch ? -1 : 2) + '\n';
  return line.command == Command::ShowPorts ? ports_tables(result, colour) : stats_tables(result, colour);
}

[[nodiscard]] int show_once(const CommandLine& line, std::FILE* out, std::FILE* error) {
  const bool colour = wants_colour(out, std::getenv("NO_COLOR"));
  const auto result =
      ask_daemon(line.socket, show_request(line.command == Command::ShowPorts ? "ports" : "stats"));
  if (!result) {
    fmt::print(error, "sallyport: {}\n", result.error().message);
    return result.error().status;
  }
  const auto text = rendered(line, *result, colour);
  if (!text) {
    fmt::print(error, "sallyport: {}\n", text.error());
    return kExitInternal;
  }
  const bool redraws = line.watch && !line.json && ::isatty(::fileno(out)) != 0;
  const std::string_view home = redraws ? "\x1b[H\x1b[2J" : "";
  if (std::fwrite(home.data(), 1, home.size(), out) != home.size() ||
      std::fwrite(text->data(), 1, text->size(), out) != text->size() || std::fflush(out) != 0)
    return kExitInternal;
  return kExitOk;
}

// Waits for the next tick of a periodic timer.
[[nodiscard]] bool wait_tick(int timer) {
  std::uint64_t ticks = 0;
  return ::read(timer, &ticks, sizeof ticks) == static_cast<ssize_t>(sizeof ticks);
}

}  // namespace

bool wants_colour(std::FILE* out, const char* no_color) noexcept {
  if (no_color != nullptr && no_color[0] != '\0') return false;
  return ::isatty(::fileno(out)) != 0;
}

int show_command(const CommandLine& line, std::FILE* out, std::FILE* error) {
  int status = show_once(line, out, error);
  if (!line.watch || status != kExitOk) return status;
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const auto milliseconds = line.watch->count();
  const timespec every{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  const itimerspec periodic{.it_interval = every, .it_value = every};
  if (timer < 0 || ::timerfd_settime(timer, 0, &periodic, nullptr) != 0) return kExitInternal;
  while (status == kExitOk && wait_tick(timer)) status = show_once(line, out, error);
  ::close(timer);
  return status;
}

}  // namespace sallyport::mgmt
