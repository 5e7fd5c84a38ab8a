// main.cpp — the program: reads the command line and does what it asks; `run` is a Daemon with its
// configuration and its log.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include "mgmt/cli/capture_command.h"
#include "mgmt/cli/check_command.h"
#include "mgmt/cli/command_line.h"
#include "mgmt/cli/config_command.h"
#include "mgmt/cli/rules_command.h"
#include "mgmt/cli/show_command.h"
#include "mgmt/cli/signal_watch.h"
#include "mgmt/cli/test_command.h"
#include "mgmt/config/load_signatures.h"
#include "mgmt/daemon/daemon.h"
#include "mgmt/daemon/file_limit.h"
#include "mgmt/daemon/service_watchdog.h"
#include "mgmt/doctor/doctor_command.h"
#include "mgmt/log/event_log.h"

namespace sallyport::mgmt {
namespace {

constexpr const char* kDefaultSocket = "/run/sallyport/control.sock";

// The first environment variable that is set and not empty, else `fallback`.
[[nodiscard]] std::string environment(const char* name, const char* fallback) {
  const char* const value = std::getenv(name);
  return value != nullptr && value[0] != '\0' ? value : fallback;
}

[[nodiscard]] int refuse(EventLog& log, std::string_view event, const std::string& why) {
  log.write(LogLevel::Error, "management", event, why);
  return kExitCannotHave;
}

// Empty: stderr.
[[nodiscard]] std::string log_file(const SbcConfig& config) {
  const std::string& to = config.management.log.to;
  if (to == "stderr") return {};
  return (std::filesystem::path(config.node.state) / to).string();  // an absolute path stays what it is
}

// Empty when the folder is there.
[[nodiscard]] std::string make_state_folder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) ::chmod(path.c_str(), 0750);
  return error ? fmt::format("node.state {} can't be made: {}", path, error.message()) : std::string();
}

void log_warnings(EventLog& log, const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems)
    log.write(LogLevel::Warning, "config", "config_warning", problem.what + "; " + problem.instead,
              {{"file", problem.file}, {"line", std::int64_t{problem.line}}, {"key", problem.key}});
}

// A call's memory is made and freed within seconds, thousands of times a second. glibc gives the end of a
// heap back to the kernel as soon as 128 KB of it are free and asks for it again a moment later, and each
// page comes back as a fault and 4 KB of zeros: some 10 us a call. So what was used once is kept: a daemon
// needs its peak again. To set any of these ends glibc's own adapting of the third, above which a block is a
// mapping of its own: buffers that are made again and again must stay below it, tables made once lie above
// it.
void keep_freed_memory() {
  constexpr int kMebibyte = 1024 * 1024;
  mallopt(M_TRIM_THRESHOLD, 256 * kMebibyte);
  mallopt(M_TOP_PAD, 16 * kMebibyte);
  mallopt(M_MMAP_THRESHOLD, kMebibyte);
}

[[nodiscard]] int run_command(const CommandLine& line) {
  LoadedConfig loaded = load_config(line.config_file);
  for (const ConfigProblem& problem : loaded.problems)
    if (stops_run(problem)) fmt::print(stderr, "{}\n", escaped(to_string(problem)));
  if (loaded.is_refused_by_run()) {
    fmt::print(stderr, "sallyport: {} is refused\n", escaped(line.config_file));
    return kExitBadConfiguration;
  }
  keep_freed_memory();
  const SharedValue<SbcConfig> config = make_value<SbcConfig>(std::move(loaded.config));
  if (std::string why = make_state_folder(config->node.state); !why.empty()) {
    fmt::print(stderr, "sallyport: {}\n", why);
    return kExitCannotHave;
  }
  auto log = EventLog::open(config->management.log, log_file(*config), system_wall_time);
  if (!log) {
    fmt::print(stderr, "sallyport: {}\n", log.error());
    return kExitCannotHave;
  }
  log_warnings(**log, loaded.problems);
  if (const auto few = too_few_files(raise_file_limit(), config->dataplane.capacity.connections))
    (*log)->write(LogLevel::Warning, "management", "few_descriptors", *few);
  if (!hold_signals()) return refuse(**log, "signals_failed", "the kernel refuses to hold signals");
  const auto start_plane = [config](dataplane::DataPlaneSetup setup) {
    return dataplane::DataPlane::start(*config, std::move(setup));
  };
  return Daemon(config, **log,
                {start_plane, line.config_file, std::move(loaded.written), std::move(loaded.tokens),
                 line.drain, environment("NOTIFY_SOCKET", ""),
                 watchdog_interval(environment("WATCHDOG_USEC", ""), environment("WATCHDOG_PID", ""),
                                   ::getpid())})
      .run();
}

[[nodiscard]] int dispatch(const CommandLine& line) {
  switch (line.command) {
    case Command::Run:
      return run_command(line);
    case Command::Test: {
      const TestReport report = test_command(line.config_file, line.test, system_wall_time());
      fmt::print("{}", report.text);
      fmt::print(stderr, "{}", report.error);
      return report.status;
    }
    case Command::Check: {
      const CheckReport report = check_report(line.config_file, load_config(line.config_file), line.strict);
      fmt::print("{}", report.text);
      return report.status;
    }
    case Command::RulesCheck: {
      const RulesReport report = check_rules(line.rules_file);
      fmt::print("{}", report.text);
      fmt::print(stderr, "{}", report.error);
      return report.status;
    }
    case Command::RulesPrint:
      fmt::print("{}", shipped_signatures());
      return 0;
    case Command::Doctor: {
      const DoctorReport report =
          doctor_command(line.config_file, line.json, wants_colour(stdout, std::getenv("NO_COLOR")));
      fmt::print("{}", report.text);
      fmt::print(stderr, "{}", report.error);
      return report.status;
    }
    case Command::ConfigSchema:
    case Command::ConfigExplain:
    case Command::ConfigManual: {
      const ConfigReport report = config_command(line.command, line.key);
      fmt::print("{}", report.text);
      fmt::print(stderr, "{}", report.error);
      return report.status;
    }
    case Command::Init: {
      InitQuestion question = line.init;
      question.is_terminal = ::isatty(STDIN_FILENO) == 1;
      return init_command(question, std::cin, stdout, stderr);
    }
    case Command::Capture:
      return capture_command(line, stdout, stderr);
    default:
      return show_command(line, stdout, stderr);
  }
}

}  // namespace
}  // namespace sallyport::mgmt

int main(int argc, char** argv) {
  using namespace sallyport::mgmt;
  try {
    const CommandLineResult parsed =
        parse_command_line(argc, argv, environment("SALLYPORT_SOCKET", kDefaultSocket));
    fmt::print("{}", parsed.out);
    fmt::print(stderr, "{}", parsed.error);
    return parsed.command ? dispatch(*parsed.command) : parsed.status;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sallyport: {}\n", error.what());
    return kExitInternal;
  }
}
