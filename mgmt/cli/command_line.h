// command_line.h — what the user asked for, read from argv with CLI11; nothing is done here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace sallyport::mgmt {

enum class Command : std::uint8_t { Run, Check, ShowPorts, ShowStats };

struct CommandLine {
  Command command = Command::Run;
  std::string config_file;                         // Run, Check
  bool strict = false;                             // Check
  std::chrono::milliseconds drain{};               // Run: --drain-time
  bool json = false;                               // Show
  std::optional<std::chrono::milliseconds> watch;  // Show: repeat at this interval
  std::string socket;                              // Show
};

// What to do, or what to print and the exit status to end with (help, version, a mistake).
struct CommandLineResult {
  std::optional<CommandLine> command;
  std::string out, error;
  int status = 0;
};

// `socket_default` is used where --socket is not given (the value of SALLYPORT_SOCKET, when set).
[[nodiscard]] CommandLineResult parse_command_line(int argc, const char* const* argv,
                                                   const std::string& socket_default);

// "500ms", "1s", "5m", "1h"; a number alone is not a duration. Nothing when it is none, is 0 or over a day.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration_option(const std::string& text);

}  // namespace sallyport::mgmt
