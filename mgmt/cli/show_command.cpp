// show_command.cpp — one question to the daemon, or one at each tick, and its answer on the terminal.
#include "mgmt/cli/show_command.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "mgmt/blocks/blocks_table.h"
#include "mgmt/calls/calls_tables.h"
#include "mgmt/calls/ladder.h"
#include "mgmt/cli/control_client.h"
#include "mgmt/cli/json_layout.h"
#include "mgmt/cli/reload_lines.h"
#include "mgmt/cli/show_tables.h"
#include "mgmt/detections/detections_table.h"
#include "mgmt/log/log_level_command.h"
#include "mgmt/log/log_line.h"
#include "mgmt/peers/peers_table.h"
#include "mgmt/registrations/registrations_table.h"

namespace sallyport::mgmt {
namespace {

// How many columns `out` has: those of its terminal, else all that a ladder may take.
[[nodiscard]] std::size_t columns_of(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kLadderColumnsMax;
  return size.ws_col;
}

[[nodiscard]] std::string request_of(const CommandLine& line) {
  const std::string limit = std::to_string(line.limit);
  switch (line.command) {
    case Command::ShowPorts:
      return show_request("ports");
    case Command::ShowCalls:
      return show_request("calls", {{"limit", limit}, {"search", line.search}});
    case Command::ShowCall:
      return show_request("call", {{"id", line.id}, {"messages", line.ladder ? "true" : "false"}});
    case Command::ShowAlarms:
      return show_request("alarms");
    case Command::ShowPeers:
      return show_request("peers");
    case Command::ShowRegistrations:
      return show_request("registrations", {{"limit", limit}});
    case Command::ShowBlocked:
      return show_request("blocked", {{"limit", limit}});
    case Command::ShowDetections:
      return show_request("detections",
                          {{"limit", limit}, {"detector", line.detector}, {"source", line.source}});
    case Command::Block:
      return command_request("block",
                             {{"prefix", line.id}, {"for", line.block_for}, {"reason", line.reason}});
    case Command::Unblock:
      return command_request("unblock", {{"prefix", line.id}});
    case Command::Explain:
      return command_request("explain", {{"of", line.id}});
    case Command::HangUp:
      return command_request("hangup", {{"id", line.id}});
    case Command::Drain:
      return command_request("drain");
    case Command::Reload:
      return command_request("reload", {{"confirm", line.confirm}});
    case Command::Confirm:
      return command_request("confirm");
    case Command::Rollback:
      return command_request("rollback");
    case Command::LogLevel:
      return command_request("log", {{"level", line.id}});
    default:
      return show_request("stats");
  }
}

// What `explain` answered.
[[nodiscard]] bool is_of_address(const std::string& result) {
  const auto root = nlohmann::ordered_json::parse(result, nullptr, false);
  return root.is_object() && root.contains("address");
}

[[nodiscard]] Drawn drawn(const CommandLine& line, const std::string& result, std::FILE* out) {
  const bool colour = wants_colour(out, std::getenv("NO_COLOR"));
  switch (line.command) {
    case Command::ShowPorts:
      return ports_tables(result, colour);
    case Command::ShowCalls:
      return calls_table(result, colour);
    case Command::ShowCall:
      return line.ladder ? draw_ladder(result, {columns_of(out), colour}) : call_tables(result, colour);
    case Command::ShowAlarms:
      return alarms_table(result, colour);
    case Command::ShowPeers:
      return peers_table(result, colour);
    case Command::ShowRegistrations:
      return registrations_table(result, colour);
    case Command::ShowBlocked:
      return blocks_table(result, colour);
    case Command::ShowDetections:
      return detections_table(result, colour);
    case Command::Block:
      return block_line(result, colour);
    case Command::Unblock:
      return unblock_line(result, colour);
    case Command::Explain:
      return is_of_address(result) ? address_lines(result, colour) : explanation(result, colour);
    case Command::HangUp:
      return hangup_line(result, colour);
    case Command::Drain:
      return drain_line(result, colour);
    case Command::Reload:
    case Command::Rollback:
      return reload_lines(result, colour);
    case Command::Confirm:
      return std::string("confirmed: the configuration that runs is kept\n");
    case Command::LogLevel:
      return log_level_line(result, colour);
    default:
      return stats_tables(result, colour);
  }
}

[[nodiscard]] Drawn rendered(const CommandLine& line, const std::string& result, std::FILE* out) {
  if (!line.json) return drawn(line, result, out);
  // One object a line while watching, so that a program can read line by line. ASCII alone: it may be a
  // terminal that shows it.
  if (!line.watch) return laid_out(result) + '\n';
  return nlohmann::ordered_json::parse(result).dump(-1, ' ', true) + '\n';
}

// Each thing that is wrong goes where `check` puts it, the sentence to where errors go.
[[nodiscard]] int show_failure(const CommandLine& line, const ControlFailure& failure, std::FILE* out,
                               std::FILE* error) {
  if (line.json && !failure.lines.empty())
    fmt::print(
        out, "{}\n",
        nlohmann::ordered_json{{"error", failure.message}, {"problems", failure.lines}}.dump(2, ' ', true));
  else
    for (const std::string& one : failure.lines) fmt::print(out, "{}\n", escaped(one));
  fmt::print(error, "sallyport: {}\n", escaped(failure.message));
  return failure.status;
}

[[nodiscard]] int show_once(const CommandLine& line, std::FILE* out, std::FILE* error) {
  const bool is_reload = line.command == Command::Reload;
  const auto result = ask_daemon(line.socket, request_of(line), is_reload ? kReloadWaitMax : kAnswerWaitMax);
  if (!result) return show_failure(line, result.error(), out, error);
  const Drawn text = rendered(line, *result, out);
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
