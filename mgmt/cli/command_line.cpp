// command_line.cpp — the options of the program.
#include "mgmt/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/config/option_value.h"
#include "mgmt/config/suggest.h"
#include "mgmt/log/log_line.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {
namespace {

using std::chrono::milliseconds;

// CLI11 writes into these; they become a CommandLine when all has been read.
struct RawOptions {
  CommandLine line;
  std::string drain = "30s", watch, capture_for, capture_max = "100MB";
};

[[nodiscard]] std::string check_duration(const std::string& text) {
  return parse_duration_option(text) ? std::string() : text + " is not a duration such as 500ms, 1s or 5m";
}

// A command that the daemon answers.
CLI::App* add_question(CLI::App& app, const char* name, const char* what, RawOptions& raw) {
  CLI::App* const command = app.add_subcommand(name, what);
  command->add_flag("--json", raw.line.json, "print JSON, for programs");
  command->add_option("--socket", raw.line.socket, "the daemon's socket (else SALLYPORT_SOCKET)");
  return command;
}

CLI::App* add_show(CLI::App& show, const char* name, const char* what, RawOptions& raw) {
  CLI::App* const command = add_question(show, name, what, raw);
  command->add_option("--watch", raw.watch, "repeat, each second or as often as given (500ms, 2s)")
      ->expected(0, 1)
      ->default_str("1s")
      ->check(check_duration);
  return command;
}

using Questions = std::vector<std::pair<const CLI::App*, Command>>;

[[nodiscard]] Questions add_questions(CLI::App& app, CLI::App& show, RawOptions& raw) {
  Questions out;
  const auto add_shown = [&](const char* name, Command command, const char* what) {
    CLI::App* const added = add_show(show, name, what, raw);
    out.emplace_back(added, command);
    return added;
  };
  const auto add_named = [&](CLI::App* added, Command command, const char* name, const char* what) {
    added->add_option(name, raw.line.id, what)->required();
    out.emplace_back(added, command);
  };
  add_shown("ports", Command::ShowPorts, "devices, addresses, traffic, drops");
  add_shown("stats", Command::ShowStats, "SIP counts, tables, lcores, rings");
  add_shown("alarms", Command::ShowAlarms, "conditions that somebody should look at");
  add_shown("peers", Command::ShowPeers, "peers, their targets, who is up, registrations");
  CLI::App* const calls = add_shown("calls", Command::ShowCalls, "calls that are up, the oldest first");
  calls->add_option("--limit", raw.line.limit, "how many at most")->check(CLI::Range(1, 1000));
  calls->add_option("--search", raw.line.search,
                    "only those with this number, peer, route, address or Call-ID");
  add_shown("registrations", Command::ShowRegistrations, "registered endpoints, by address of record")
      ->add_option("--limit", raw.line.limit, "how many at most")
      ->check(CLI::Range(1, 1000));
  add_shown("blocked", Command::ShowBlocked, "prefixes from which nothing is taken; feeds last")
      ->add_option("--limit", raw.line.limit, "how many at most")
      ->check(CLI::Range(1, 1000));
  CLI::App* const detections =
      add_shown("detections", Command::ShowDetections, "what looked like an attack, the last first");
  detections->add_option("--limit", raw.line.limit, "how many at most")->check(CLI::Range(1, 1000));
  detections->add_option("--detector", raw.line.detector, "only what this one found (scanner, ...)");
  detections->add_option("--source", raw.line.source, "only from this address or prefix");
  CLI::App* const block = add_question(app, "block", "take nothing more from a prefix", raw);
  block->add_option("--for", raw.line.block_for, "how long (10m, 1h, 30d); else until it is unblocked");
  block->add_option("--reason", raw.line.reason, "a few words for `show blocked` and `explain`");
  add_named(block, Command::Block, "PREFIX", "an address, or a prefix such as 192.0.2.0/24");
  add_named(add_question(app, "unblock", "end the block of a prefix", raw), Command::Unblock, "PREFIX",
            "as `show blocked` shows it");
  CLI::App* const call = add_show(show, "call", "one call: parties, legs, targets, reasons", raw);
  call->add_flag("--ladder", raw.line.ladder, "draw the messages of both legs with their times");
  add_named(call, Command::ShowCall, "ID", "the call's id, or the Call-ID of any leg");
  add_named(add_question(app, "explain", "why a call went as it did, or whom an address is taken for", raw),
            Command::Explain, "CALL-ID|ADDRESS", "the call's id, the Call-ID of any leg, or an address");
  add_named(add_question(app, "hangup", "end a call on both legs", raw), Command::HangUp, "ID",
            "the call's id, or the Call-ID of any leg");
  out.emplace_back(add_question(app, "drain", "take no new calls", raw), Command::Drain);
  CLI::App* const reload = add_question(app, "reload", "read the configuration again; calls go on", raw);
  reload->add_option("--confirm", raw.line.confirm, "take it back unless `confirm` comes in this time (5m)")
      ->check(check_duration);
  out.emplace_back(reload, Command::Reload);
  out.emplace_back(add_question(app, "confirm", "keep what `reload --confirm` brought", raw),
                   Command::Confirm);
  out.emplace_back(
      add_question(app, "rollback", "go back to the configuration before the last reload; one step", raw),
      Command::Rollback);
  CLI::App* const log = app.add_subcommand("log", "how much the running daemon logs");
  log->require_subcommand(1);
  CLI::App* const level = add_question(*log, "level", "change the level, or say which it is", raw);
  level->add_option("LEVEL", raw.line.id, "error, warning, info or debug");
  out.emplace_back(level, Command::LogLevel);
  return out;
}

[[nodiscard]] std::string check_byte_count(const std::string& text) {
  return parse_byte_count(text) ? std::string() : text + " is not a size such as 10MB or 1GB";
}

void add_capture(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const command = app.add_subcommand(
      "capture", "write signalling in clear to a pcapng file, until Ctrl-C or until the call ends");
  CaptureQuestion& asked = raw.line.capture;
  CLI::Option_group* const what = command->add_option_group("what");
  what->add_option("--call", asked.call, "the call's id, or the Call-ID of any leg");
  what->add_option("--peer", asked.peer, "all that goes between Sallyport and this peer");
  what->add_option("--address", asked.address, "all that goes between Sallyport and this address");
  what->require_option(1);
  command->add_option("--to", asked.file, "the file; what it held is gone")->required();
  command->add_flag("!--no-media", asked.media, "of a call: leave out the heads of its media packets");
  command->add_option("--for", raw.capture_for, "how long at most (30s, 5m)")->check(check_duration);
  command->add_option("--max", raw.capture_max, "how long the file grows (100MB)")->check(check_byte_count);
  command->add_option("--socket", raw.line.socket, "the daemon's socket (else SALLYPORT_SOCKET)");
  questions.emplace_back(command, Command::Capture);
}

// `test route` and `test rules`, which need no daemon.
void add_tests(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const test = app.add_subcommand("test", "say what the configuration would do with a call");
  test->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* const command = test->add_subcommand(name, what);
    command->add_option("-c,--config", raw.line.config_file, "the configuration file")->required();
    command
        ->add_option("--peer", raw.line.test.peer, "the peer that calls, or the registrar whose phone does")
        ->required();
    command->add_option("--called", raw.line.test.called, "the number called, or a URN");
    command->add_option("--caller", raw.line.test.caller, "the number that calls");
    command->add_option("--invite", raw.line.test.invite_file, "a file that holds the request");
    questions.emplace_back(command, Command::Test);
    return command;
  };
  add("route", "which route, rules, targets and limits");
  add("rules", "what the rules change, step by step")->parse_complete_callback([&raw] {
    raw.line.test.only_rules = true;
  });
}

// `rules check` and `rules print`, which need no daemon.
void add_rules(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const rules = app.add_subcommand("rules", "signatures: check a file, print the shipped ones");
  rules->require_subcommand(1);
  CLI::App* const check =
      rules->add_subcommand("check", "compile a file and name the rules that can't be taken");
  check->add_option("FILE", raw.line.rules_file, "the signature file")->required();
  questions.emplace_back(check, Command::RulesCheck);
  questions.emplace_back(rules->add_subcommand("print", "print the signatures that come with Sallyport"),
                         Command::RulesPrint);
}

// `doctor`, which needs no daemon and, without a configuration, looks at the machine alone.
void add_doctor(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const doctor = app.add_subcommand(
      "doctor", "check this machine and say what to do; 0, or 71 when something is in the way of a start");
  doctor->add_option("-c,--config", raw.line.config_file, "the configuration that is to run here");
  doctor->add_flag("--json", raw.line.json, "print JSON, for programs");
  questions.emplace_back(doctor, Command::Doctor);
}

// `config`, which needs no daemon and no configuration.
void add_config(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const config = app.add_subcommand("config", "what may stand in a configuration");
  config->require_subcommand(1);
  CLI::App* const explain = config->add_subcommand("explain", "what a key means, takes and is when left out");
  explain->add_option("KEY", raw.line.key, "as in peers.health.ping; without one: the keys of the file");
  questions.emplace_back(explain, Command::ConfigExplain);
  questions.emplace_back(config->add_subcommand("schema", "print a JSON Schema, for editors"),
                         Command::ConfigSchema);
  questions.emplace_back(config->add_subcommand("manual", "print the manual page sallyport.yaml(5)"),
                         Command::ConfigManual);
}

// `init`: each question may be answered by an option.
void add_init(CLI::App& app, Questions& questions, RawOptions& raw) {
  CLI::App* const init = app.add_subcommand(
      "init", "write a first configuration from a few questions; a file that is there stays as it is");
  InitQuestion& asked = raw.line.init;
  init->add_option("--to", asked.file, std::string("the file (") + kUsualConfigFile + ")");
  const auto add = [&](std::string_view flag, std::string_view words) {
    init->add_option_function<std::string>(
        "--" + std::string(flag),
        [&asked, name = std::string(flag)](const std::string& said) { asked.given[name] = said; },
        std::string(words));
  };
  for (const SetupQuestion& question : setup_questions()) add(question.flag, question.words);
  add("state", "node.state, where the usual folder is another's");
  add("socket", "management.socket, the same");
  questions.emplace_back(init, Command::Init);
}

// How far the words of a command line are commands.
struct Walk {
  const CLI::App* last = nullptr;
  std::string names;     // "show call"; empty: none of them is a command
  std::string stranger;  // the word that should have been the next and is none
};

[[nodiscard]] std::vector<const CLI::App*> commands_below(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

[[nodiscard]] Walk walk(const CLI::App& app, int argc, const char* const* argv) {
  Walk out{.last = &app, .names = {}, .stranger = {}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto known = commands_below(*out.last);
    if (word.starts_with("-") || known.empty()) return out;
    const auto next = std::ranges::find_if(known, [&](const CLI::App* one) { return one->check_name(word); });
    if (next == known.end()) {
      out.stranger = word;
      return out;
    }
    out.last = *next;
    out.names += (out.names.empty() ? "" : " ") + word;
  }
  return out;
}

[[nodiscard]] std::string mistake_line(const CLI::App& app, int argc, const char* const* argv,
                                       std::string_view mistake) {
  const Walk words = walk(app, argc, argv);
  const std::string below = words.names.empty() ? "" : words.names + " ";
  std::vector<std::string> names;
  for (const CLI::App* const one : commands_below(*words.last)) names.push_back(one->get_name());
  std::string what, help = "says more";
  if (!words.stranger.empty()) {
    const std::string meant = nearest(words.stranger, names);
    what =
        "unknown command: " + below + words.stranger + (meant.empty() ? "" : "; did you mean " + meant + "?");
    help = "lists the commands";
  } else if (!names.empty()) {
    what = words.names.empty() ? "a command is missing; a new machine begins with: sallyport init"
                               : fmt::format("{}: one of {} is missing", words.names, fmt::join(names, ", "));
    help = "lists the commands";
  } else {
    what = fmt::format("{}: {}", words.names, mistake.substr(0, mistake.find('\n')));
  }
  return fmt::format("sallyport: {} (sallyport {}--help {})\n", escaped(what), below, help);
}

// `help` is --help, before or behind the command that it is about.
[[nodiscard]] std::vector<const char*> with_help(int argc, const char* const* argv) {
  std::vector<const char*> words(argv, argv + argc);
  if (words.size() < 2 || std::string_view(words[1]) != "help") return words;
  words.erase(words.begin() + 1);
  words.push_back("--help");
  return words;
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
  app.footer(
      "A new machine: init, check, doctor, then run, or the service. More: man sallyport, man "
      "sallyport.yaml");
  app.require_subcommand(1);
  Questions questions;  // in the order of a new machine: that is the order of --help
  add_init(app, questions, raw);
  CLI::App* const check = app.add_subcommand("check", "validate a configuration; needs no privilege");
  add_doctor(app, questions, raw);
  CLI::App* const run = app.add_subcommand("run", "run in the foreground");
  CLI::App* const show = app.add_subcommand("show", "show what the running daemon does");
  for (CLI::App* const command : {run, check})
    command->add_option("-c,--config", raw.line.config_file, "the configuration file")->required();
  run->add_option("--drain-time", raw.drain, "how long SIGTERM waits for calls to end")
      ->check(check_duration);
  check->add_flag("--strict", raw.line.strict, "warnings are errors");
  show->require_subcommand(1);
  std::ranges::copy(add_questions(app, *show, raw), std::back_inserter(questions));
  add_tests(app, questions, raw);
  add_capture(app, questions, raw);
  add_rules(app, questions, raw);
  add_config(app, questions, raw);

  CommandLineResult out;
  const auto words = with_help(argc, argv);
  try {
    app.parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app.exit(asked, text, text);
    out.out = text.str();
    return out;
  } catch (const CLI::ParseError& error) {
    out.error = mistake_line(app, static_cast<int>(words.size()), words.data(), error.what());
    out.status = kExitUsage;
    return out;
  }
  raw.line.command = check->parsed() ? Command::Check : Command::Run;
  raw.line.capture.longest = parse_duration_option(raw.capture_for);
  if (const auto bytes = parse_byte_count(raw.capture_max)) raw.line.capture.bytes_max = bytes->bytes;
  raw.line.drain = parse_duration_option(raw.drain).value_or(std::chrono::seconds(30));
  for (const auto& [question, command] : questions) {
    if (!question->parsed()) continue;
    raw.line.command = command;
    if (question->get_option_no_throw("--watch") != nullptr && question->count("--watch") != 0)
      raw.line.watch = parse_duration_option(raw.watch).value_or(std::chrono::seconds(1));
  }
  out.command = raw.line;
  return out;
}

}  // namespace sallyport::mgmt
