// command_line.cpp — the options of the program.
#include "mgmt/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <string_view>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/log/log_line.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {
namespace {

using std::chrono::milliseconds;

// CLI11 writes into these; they become a CommandLine when all has been read.
struct RawOptions {
  CommandLine line;
  std::string drain = "30s", watch;
};

[[nodiscard]] std::string check_duration(const std::string& text) {
  return parse_duration_option(text) ? std::string() : text + " is not a duration such as 500ms, 1s or 5m";
}

CLI::App* add_show(CLI::App& show, const char* name, const char* what, RawOptions& raw) {
  CLI::App* const command = show.add_subcommand(name, what);
  command->add_flag("--json", raw.line.json, "print JSON, for programs");
  command->add_option("--watch", raw.watch, "repeat, each second or as often as given (500ms, 2s)")
      ->expected(0, 1)
      ->default_str("1s")
      ->check(check_duration);
  command->add_option("--socket", raw.line.socket, "the daemon's socket (else SALLYPORT_SOCKET)");
  return command;
}

[[nodiscard]] std::string one_line(std::string_view mistake) {
  return "sallyport: " + escaped(mistake.substr(0, mistake.find('\n'))) +
         " (sallyport --help lists the commands)\n";
}

// The first word that should have been a command and is none; empty when that is not the mistake.
[[nodiscard]] std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto known = at->get_subcommands([](const CLI::App*) { return true; });
    if (word.starts_with("-") || known.empty()) return {};
    const auto next =
        std::find_if(known.begin(), known.end(), [&](const CLI::App* one) { return one->check_name(word); });
    if (next == known.end()) return at == &app ? word : at->get_name() + " " + word;
    at = *next;
  }
  return {};
}

}  // namespace

std::optional<milliseconds> parse_duration_option(const std::string& text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number == 0) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const std::int64_t scale = unit == "ms"  ? 1
                             : unit == "s" ? 1000
                             : unit == "m" ? 60'000
                             : unit == "h" ? 3'600'000
                                           : 0;
  const milliseconds duration(scale * number);
  if (scale == 0 || duration > std::chrono::hours(24)) return std::nullopt;
  return duration;
}

CommandLineResult parse_command_line(int argc, const char* const* argv, const std::string& socket_default) {
  RawOptions raw;
  raw.line.socket = socket_default;
  CLI::App app{"Sallyport, a session border controller and firewall for SIP.", "sallyport"};
  app.set_version_flag("--version", std::string("sallyport ") + kVersion);
  app.require_subcommand(1);
  CLI::App* const run = app.add_subcommand("run", "run in the foreground");
  CLI::App* const check = app.add_subcommand("check", "validate a configuration; needs no privilege");
  CLI::App* const show = app.add_subcommand("show", "show what the running daemon does");
  for (CLI::App* const command : {run, check})
    command->add_option("-c,--config", raw.line.config_file, "the configuration file")->required();
  run->add_option("--drain-time", raw.drain, "how long SIGTERM waits for calls to end")
      ->check(check_duration);
  check->add_flag("--strict", raw.line.strict, "warnings are errors");
  show->require_subcommand(1);
  CLI::App* const ports = add_show(*show, "ports", "devices, addresses, traffic, drops", raw);
  CLI::App* const stats = add_show(*show, "stats", "SIP counts, tables, lcores, rings", raw);

  CommandLineResult out;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app.exit(asked, text, text);
    out.out = text.str();
    return out;
  } catch (const CLI::ParseError& error) {
    const std::string unknown = unknown_command(app, argc, argv);
    out.error = unknown.empty() ? one_line(error.what()) : one_line("unknown command: " + unknown);
    out.status = kExitUsage;
    return out;
  }
  raw.line.command = run->parsed()     ? Command::Run
                     : check->parsed() ? Command::Check
                     : ports->parsed() ? Command::ShowPorts
                                       : Command::ShowStats;
  raw.line.drain = parse_duration_option(raw.drain).value_or(std::chrono::seconds(30));
  const bool watches = ports->count("--watch") + stats->count("--watch") != 0;
  if (watches) raw.line.watch = parse_duration_option(raw.watch).value_or(std::chrono::seconds(1));
  out.command = raw.line;
  return out;
}

}  // namespace sallyport::mgmt
