// main.cpp — the program: reads the command line and wires configuration, data plane, control socket, HTTP
// and log together. What they do is theirs; the order in which they come and go is here.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "dataplane/data_plane.h"
#include "mgmt/cli/check_command.h"
#include "mgmt/cli/command_line.h"
#include "mgmt/cli/control_server.h"
#include "mgmt/cli/service_notify.h"
#include "mgmt/cli/show_command.h"
#include "mgmt/cli/show_json.h"
#include "mgmt/cli/signal_watch.h"
#include "mgmt/http/health.h"
#include "mgmt/http/server.h"
#include "mgmt/log/event_log.h"
#include "mgmt/metrics/exporter.h"

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

[[nodiscard]] bool fill_random(dataplane::BootSecrets& secrets) {
  return ::getrandom(&secrets, sizeof secrets, 0) == static_cast<ssize_t>(sizeof secrets);
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

// All that lives between the start of the data plane and its end. Members are made in this order and
// destroyed in the other, all on the main thread, which is the management thread.
class Daemon {
 public:
  Daemon(const SbcConfig& config, EventLog& log)
      : config_(config),
        log_(log),
        observer_(config, [this] { return plane_->snapshot(); }),
        metrics_(observer_) {}

  // Sockets first: they show whether another instance lives before its devices could be disturbed. They
  // answer once the loop runs.
  [[nodiscard]] int run() {
    serve();
    auto control = ControlServer::open(loop_, config_.management.socket, commands_);
    if (!control) return refuse(log_, "control_socket_failed", control.error());
    auto http = HttpServer::open(loop_, config_.management.listen, router_);
    if (!http) return refuse(log_, "http_failed", http.error());
    std::unique_ptr<HttpServer> scrape;
    if (const auto& address = config_.management.metrics_listen;
        address && *address != config_.management.listen) {
      auto opened = HttpServer::open(loop_, *address, metrics_router_);
      if (!opened) return refuse(log_, "http_failed", opened.error());
      scrape = std::move(*opened);
    }
    if (const int status = start_plane(); status != kExitOk) return status;
    const SignalWatch signals(loop_, [this](int number) { on_signal(number); });
    say_ready((*http)->local());
    loop_.run();
    stop();
    return kExitOk;
  }

 private:
  void serve() {
    commands_.on_show("ports", [this] { return ports_json(observer_.observe()).dump(); });
    commands_.on_show("stats", [this] { return stats_json(observer_.observe()).dump(); });
    for (Router* const router : {&router_, &metrics_router_})
      router->on_get("/metrics", [this] {
        HttpResponse out;
        out.content_type = kMetricsContentType;
        out.body = metrics_text(metrics_);
        return out;
      });
    add_health_paths(router_, readiness_);
  }

  [[nodiscard]] int start_plane() {
    dataplane::BootSecrets secrets;
    if (!fill_random(secrets)) return refuse(log_, "no_random", "the kernel gives no random numbers");
    auto plane = dataplane::DataPlane::start(config_, secrets);
    if (!plane) return refuse(log_, "data_plane_failed", plane.error().message);
    plane_ = std::move(*plane);
    plane_->listen_to_library(
        [this](std::string_view line) { log_.write(LogLevel::Info, "dpdk", "library_line", line); });
    log_.start_writer();
    return kExitOk;
  }

  void say_ready(const Endpoint& http) {
    readiness_.ready = true;
    for (const dataplane::PortSnapshot& port : plane_->snapshot().ports)
      log_.write(LogLevel::Info, "dataplane", "port_started", "port " + port.name + " has its device",
                 {{"port", port.name},
                  {"device", port.device},
                  {"driver", port.driver},
                  {"namespace", port.network_namespace}});
    const std::string address = to_string(http);
    log_.write(LogLevel::Info, "management", "ready", "ready",
               {{"version", kVersion},
                {"node", config_.node.name},
                {"http", address},
                {"socket", config_.management.socket}});
    if (!service_notify(environment("NOTIFY_SOCKET", ""), "READY=1"))
      log_.write(LogLevel::Warning, "management", "notify_failed", "the service manager could not be told");
  }

  void on_signal(int number) {
    if (number == SIGHUP) {
      log_.write(LogLevel::Warning, "config", "reload_not_built",
                 "SIGHUP ignored: reload is not built yet; restart to change the configuration");
      return;
    }
    // No call can be up yet, so there is nothing to wait for.
    readiness_ = {.ready = false, .draining = true};
    log_.write(LogLevel::Info, "management", "stopping", "stopping: no call is up",
               {{"signal", std::int64_t{number}}});
    loop_.stop();
  }

  void stop() {
    service_notify(environment("NOTIFY_SOCKET", ""), "STOPPING=1");
    plane_->stop();
    log_.write(LogLevel::Info, "management", "stopped", "stopped");
  }

  const SbcConfig& config_;
  EventLog& log_;
  boost::asio::io_context loop_{1};
  std::unique_ptr<dataplane::DataPlane> plane_;
  Readiness readiness_;
  Observer observer_;
  SnapshotCollectable metrics_;
  Router router_, metrics_router_;
  ControlCommands commands_;
};

[[nodiscard]] int run_command(const CommandLine& line) {
  const LoadedConfig loaded = load_config(line.config_file);
  for (const ConfigProblem& problem : loaded.problems)
    if (stops_run(problem)) fmt::print(stderr, "{}\n", escaped(to_string(problem)));
  if (loaded.is_refused_by_run()) {
    fmt::print(stderr, "sallyport: {} is refused\n", escaped(line.config_file));
    return kExitBadConfiguration;
  }
  const SbcConfig& config = loaded.config;
  if (std::string why = make_state_folder(config.node.state); !why.empty()) {
    fmt::print(stderr, "sallyport: {}\n", why);
    return kExitCannotHave;
  }
  auto log = EventLog::open(config.management.log, log_file(config), system_wall_time);
  if (!log) {
    fmt::print(stderr, "sallyport: {}\n", log.error());
    return kExitCannotHave;
  }
  log_warnings(**log, loaded.problems);
  if (!hold_signals()) return refuse(**log, "signals_failed", "the kernel refuses to hold signals");
  return Daemon(config, **log).run();
}

[[nodiscard]] int dispatch(const CommandLine& line) {
  switch (line.command) {
    case Command::Run:
      return run_command(line);
    case Command::Check: {
      const CheckReport report = check_report(line.config_file, load_config(line.config_file), line.strict);
      fmt::print("{}", report.text);
      return report.status;
    }
    case Command::ShowPorts:
    case Command::ShowStats:
      break;
  }
  return show_command(line, stdout, stderr);
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
