// command_line.h — what the user asked for, read from argv with CLI11; nothing is done here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "mgmt/cli/tested_call.h"
#include "mgmt/setup/init_command.h"

namespace sallyport::mgmt {

enum class Command : std::uint8_t {
  Run,
  Check,
  ShowPorts,
  ShowStats,
  ShowCalls,
  ShowCall,
  ShowAlarms,
  ShowPeers,
  ShowRegistrations,
  ShowBlocked,
  ShowDetections,
  Block,
  Unblock,
  Explain,
  HangUp,
  Drain,
  Reload,
  Confirm,
  Rollback,
  LogLevel,
  Capture,
  Test,
  RulesCheck,
  RulesPrint,
  Doctor,
  ConfigSchema,
  ConfigExplain,
  ConfigManual,
  Init
};

// What follows `capture`: one of call, peer and address.
struct CaptureQuestion {
  std::string call, peer, address, file;
  std::optional<std::chrono::milliseconds> longest;
  bool media = true;            // heads of media packets, of a call
  std::uint64_t bytes_max = 0;  // the file is a little longer at most
};

struct CommandLine {
  Command command = Command::Run;
  std::string config_file;                         // Run, Check, Test; Doctor: or none
  bool strict = false;                             // Check
  std::chrono::milliseconds drain{};               // Run: --drain-time
  bool json = false;                               // those that ask the daemon, from here on
  std::optional<std::chrono::milliseconds> watch;  // Show: repeat at this interval
  std::string socket;
  std::string id;  // ShowCall, HangUp: of a call; Explain: of a call, or an address; Block, Unblock: a
                   // prefix; LogLevel: a level, or nothing to ask for it
  std::string block_for, reason;  // Block; empty: for ever, none
  std::string confirm;            // Reload: --confirm; empty: it stays
  bool ladder = false;            // ShowCall
  std::uint32_t limit = 100;      // ShowCalls, ShowRegistrations, ShowBlocked, ShowDetections
  std::string search;             // ShowCalls; empty: all
  std::string detector, source;   // ShowDetections; empty: all
  TestQuestion test;              // Test
  CaptureQuestion capture;        // Capture
  std::string rules_file;         // RulesCheck
  std::string key;                // ConfigExplain; empty: those of the file itself
  InitQuestion init;              // Init
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
