// daemon.cpp — start, drain and stop.
#include "mgmt/daemon/daemon.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/service_notify.h"
#include "mgmt/cli/show_json.h"
#include "mgmt/cli/signal_watch.h"
#include "mgmt/config/config_json.h"
#include "mgmt/daemon/reload_answer.h"
#include "mgmt/daemon/saved_calls.h"
#include "mgmt/detections/detections_json.h"
#include "mgmt/http/node_answers.h"
#include "mgmt/http/page_paths.h"
#include "mgmt/log/log_level_command.h"

namespace sallyport::mgmt {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr std::uint32_t kTicksPerLook = 50;  // every 5 s
constexpr std::size_t kCallsPerTask = 200;   // so that no engine is kept from its datagrams for long

[[nodiscard]] int refuse(EventLog& log, std::string_view event, const std::string& why) {
  log.write(LogLevel::Error, "management", event, why);
  return kExitCannotHave;
}

// UTC minus the core's clock.
[[nodiscard]] Duration utc_at_zero(WallTime wall, Timestamp core) {
  return std::chrono::duration_cast<Duration>(wall.time_since_epoch()) - core.time_since_epoch();
}

}  // namespace

// Closed before anything that they show is gone.
struct Daemon::Listeners {
  std::unique_ptr<ControlServer> control;
  std::unique_ptr<HttpServer> http, scrape;
};

Daemon::Daemon(SharedValue<SbcConfig> config, EventLog& log, DaemonSettings settings)
    : first_(std::move(config)),
      config_(*first_),
      config_of_day_(first_),
      log_(log),
      settings_(std::move(settings)),
      alarms_(log, system_wall_time),
      media_quality_(config_),
      after_bye_(alarms_),
      detections_(config_.management.log.mask_numbers),
      observer_(
          config_of_day_, [this] { return plane_->snapshot(); },
          [this](Observation& seen) {
            seen.alarms = alarms_.counts();
            seen.cdr_queue = records_->queue();
            seen.blocked_prefixes = blocks_->prefixes();
            seen.blocked_capacity = blocks_->capacity();
            seen.node = config_.node.name;
            seen.at = system_wall_time();
            seen.started = started_;
            seen.uptime = dataplane::core_time() - started_core_;
            seen.is_draining = readiness_.draining;
            if (certificates_)
              for (const auto& certificate : plane_->tls_contexts()->expiries())
                seen.certificates.push_back({certificate.name, certificate.not_after});
            seen.rest_refused = gate_.refusals();
            if (identity_ && std::ranges::find(seen.certificates, identity_->identity().files().name,
                                               &CertificateEnd::name) == seen.certificates.end())
              seen.certificates.push_back(
                  {identity_->identity().files().name, identity_->identity().loaded().not_after});
            seen.media_quality = media_quality_.peers();
            const std::size_t peers = config_of_day_.read()->peers.size();
            for (std::size_t peer = 0; peer < peers; ++peer)
              seen.peers_up.push_back(plane_->target_board().is_up(static_cast<PeerIndex>(peer)));
            seen.last_reload_successful = reload_ == nullptr || reload_->was_successful();
            if (reload_ != nullptr)
              seen.last_reload_success =
                  std::chrono::duration<double>(reload_->last_success().time_since_epoch()).count();
            seen.media_reports_late = records_->media_reports_late();
            if (hep_ != nullptr)
              seen.hep = {hep_->sent(), hep_->dropped() + (hep_taker_ ? captures_->dropped(*hep_taker_) : 0)};
          }),
      metrics_(observer_),
      drain_(loop_, {.longest = settings_.drain},
             {[this] { return desk_->calls_active(); },
              [this](std::uint64_t left) {
                log_.write(LogLevel::Info, "management", "draining", "waiting for calls to end",
                           {{"calls", left}});
              },
              [this](std::uint64_t left) {
                log_.write(LogLevel::Info, "management", "stopping",
                           left == 0 ? "stopping: no call is up" : "stopping: calls that are up are saved",
                           {{"calls", left}});
                loop_.stop();
              }}),
      watchdog_(settings_.watchdog,
                {settings_.notify_socket,
                 [this] {
                   auto seen = plane_->snapshot();
                   for (const auto& lcore : seen.lcores)
                     seen.threads.push_back({fmt::format("lcore {}", lcore.lcore), lcore.total_ns});
                   return seen.threads;
                 },
                 log_}) {}

// Sockets first: they show whether another instance lives before its state and its devices could be
// disturbed. They answer once the loop runs.
int Daemon::run() {
  started_ = system_wall_time();
  started_core_ = dataplane::core_time();
  serve_counters();
  Listeners listeners;
  if (const int status = open_listeners(listeners); status != kExitOk) return status;
  if (const int status = open_state(); status != kExitOk) return status;
  if (const int status = start_plane(); status != kExitOk) return status;
  open_collector();
  if (const int status = start_records(); status != kExitOk) return status;
  watch_certificates();
  serve_calls();
  serve_peers();
  serve_blocks();
  serve_detections();
  send_to_collector();
  serve_captures();
  serve_reload();
  serve_node();
  const SignalWatch signals(loop_, [this](int number) { on_signal(number); });
  say_ready(listeners.http->local());
  tick();
  loop_.run();
  stop();
  return kExitOk;
}

void Daemon::serve_counters() {
  gate_.take(settings_.tokens);
  router_.guard_with(gate_);
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
  add_page_paths(router_);
  add_log_commands(commands_, log_);
}

int Daemon::open_listeners(Listeners& listeners) {
  auto control = ControlServer::open(loop_, config_.management.socket, commands_, {},
                                     [this](const ControlAct& act) { tell_command(act); });
  if (!control) return refuse(log_, "control_socket_failed", control.error());
  listeners.control = std::move(*control);
  if (const std::string why = open_identity(); !why.empty()) return refuse(log_, "http_failed", why);
  auto http = HttpServer::open(loop_, config_.management.listen, router_, {},
                               identity_ == nullptr ? nullptr : &identity_->identity());
  if (!http) return refuse(log_, "http_failed", http.error());
  listeners.http = std::move(*http);
  const auto& address = config_.management.metrics_listen;
  if (!address || *address == config_.management.listen) return kExitOk;
  auto scrape = HttpServer::open(loop_, *address, metrics_router_);
  if (!scrape) return refuse(log_, "http_failed", scrape.error());
  listeners.scrape = std::move(*scrape);
  return kExitOk;
}

// Why it can't be had; empty: it is there, or none is configured.
std::string Daemon::open_identity() {
  const auto files = management_identity(config_);
  if (!files) return {};
  auto loaded = load_identity(*files);
  if (!loaded) return loaded.error();
  identity_ = std::make_unique<IdentityWatch>(
      loop_,
      IdentityWatchPlaces{log_, alarms_, system_wall_time,
                          [this] {
                            return certificates_ ? plane_->tls_contexts()->expiries()
                                                 : std::vector<dataplane::CertificateExpiry>();
                          }},
      TlsIdentity(*files, std::move(*loaded)));
  return {};
}

// What was changed over the control socket, and by whom.
void Daemon::tell_command(const ControlAct& act) {
  log_.write(LogLevel::Info, "management", "command",
             act.status == kExitOk ? "a command was given" : "a command was refused",
             {{"by", act.by},
              {"uid", act.uid},
              {"pid", act.pid},
              {"command", act.command, FieldKind::Text},
              {"arguments", act.arguments, FieldKind::Text},
              {"status", static_cast<std::uint64_t>(act.status)}});
}

int Daemon::open_state() {
  auto state = NodeState::open(disk_, config_.node.state);
  if (!state) return refuse(log_, "node_state_failed", state.error());
  state_ = std::move(*state);
  token_key_ = state_->key("tokens");
  return kExitOk;
}

// Sealed under the node's secret; empty: the last run left none.
std::string Daemon::take_saved_calls() {
  auto taken = state_->take_sealed(kSavedCallsFile);
  if (taken) return std::move(*taken).value_or(std::string());
  alarms_.raise("restore_failed", "", taken.error());
  return {};
}

// Behind what was saved at the last stop, which is newer where it says something of the same binding: an
// engine keeps the first.
void Daemon::take_bindings(dataplane::DataPlaneSetup& setup) {
  if (config_.registrars.empty()) return;
  bindings_ =
      std::make_unique<BindingStore>(BindingStoreSettings{.folder = config_.node.state}, alarms_, log_);
  std::vector<BindingRow> rows = bindings_->load();
  std::vector<std::uint64_t> numbers(setup.restored_calls.size());  // 0: not from there
  for (BindingRow& row : rows) {
    numbers.push_back(row.number);
    setup.restored_calls.push_back({row.shard, std::move(row.bytes), false});
  }
  log_.write(LogLevel::Info, "management", "registrations_read", "registrations of the last run were read",
             {{"registrations", std::uint64_t{rows.size()}}});
  setup.not_restored = [this, numbers = std::move(numbers)](std::size_t position) {
    if (numbers[position] != 0) bindings_->forget(numbers[position]);
  };
}

// Before the first packet comes.
void Daemon::take_blocks(dataplane::DataPlaneSetup& setup) {
  block_store_ = std::make_unique<BlockStore>(config_.node.state, state_->key("blocks"), alarms_, log_);
  blocks_ = std::make_unique<BlockDesk>(config_.dataplane.capacity.blocked, setup.secrets.tables,
                                        BlockPlaces{alarms_, log_, *block_store_, dataplane::core_time,
                                                    system_wall_time, config_of_day_, [this] {
                                                      if (plane_ != nullptr) plane_->follow_blocks();
                                                    }});
  blocks_->restore(block_store_->load());
  blocks_->take_feeds(config_);
  detector_blocks_ =
      std::make_unique<DetectorBlocks>(DetectorBlockPlaces{*blocks_, alarms_, log_, config_of_day_});
  setup.blocks = &blocks_->table();
}

int Daemon::start_plane() {
  dataplane::DataPlaneSetup setup;
  setup.secrets.tokens = token_key_;
  const auto fill = [](void* at, std::size_t size) {
    return ::getrandom(at, size, 0) == static_cast<ssize_t>(size);
  };
  if (!fill(&setup.secrets.tables, sizeof setup.secrets.tables) ||
      !fill(&setup.secrets.media_keys, sizeof setup.secrets.media_keys))
    return refuse(log_, "no_random", "the kernel gives no random numbers");
  const auto epoch = state_->next_epoch(system_wall_time());
  if (!epoch) return refuse(log_, "node_state_failed", epoch.error());
  setup.epoch = *epoch;
  setup.utc_at_zero = utc_at_zero(system_wall_time(), dataplane::core_time());
  const std::string saved = take_saved_calls();
  if (!saved.empty()) {
    auto calls = decode_saved_calls(saved);
    if (calls)
      setup.restored_calls = std::move(*calls);
    else
      alarms_.raise("restore_failed", "", "the saved calls are of another version");
  }
  take_bindings(setup);
  take_blocks(setup);
  auto plane = settings_.start_plane(std::move(setup));
  if (!plane) {
    // The next attempt may have its devices, and its calls.
    if (!saved.empty()) static_cast<void>(state_->save_sealed(kSavedCallsFile, saved));
    return refuse(log_, "data_plane_failed", plane.error().message);
  }
  plane_ = std::move(*plane);
  plane_->listen_to_library(
      [this](std::string_view line) { log_.write(LogLevel::Info, "dpdk", "library_line", line); });
  engines_ = std::make_unique<PlaneEngines>(*plane_, token_key_);
  desk_ = std::make_unique<CallDesk>(*engines_, system_wall_time);
  captures_ = std::make_unique<CaptureHub>(*engines_);
  log_.start_writer();
  return kExitOk;
}

std::set<std::uint64_t> Daemon::calls_that_are_up() {
  std::set<std::uint64_t> out;
  std::uint64_t after = 0;
  for (bool more = true; more;) {
    const auto page = desk_->list(after, kCallsPerTask);
    more = page && page->next;
    if (!page) break;
    for (const sip::CallView& call : page->calls) out.insert(call.record.call);
    after = page->next.value_or(after);
  }
  return out;
}

void Daemon::end_calls(const std::vector<std::uint64_t>& numbers) {
  if (numbers.empty()) return;
  const bool all = dataplane::on_all_engines(
      *plane_, [&numbers](std::size_t, sip::SipEngine& engine, Timestamp now, sip::EngineOutput& out) {
        for (const std::uint64_t call : numbers) static_cast<void>(engine.desk().hang_up(now, call, out));
      });
  log_.write(all ? LogLevel::Info : LogLevel::Error, "management", "restored_calls_ended",
             "calls that were saved but had ended are taken down",
             {{"calls", std::uint64_t{numbers.size()}}});
}

int Daemon::start_records() {
  const dataplane::DataPlaneSnapshot snapshot = plane_->snapshot();
  if (snapshot.calls_not_restored != 0)
    alarms_.raise("restore_failed", "",
                  fmt::format("{} of {} saved calls", snapshot.calls_not_restored,
                              snapshot.calls_restored + snapshot.calls_not_restored));
  if (snapshot.calls_restored != 0)
    log_.write(LogLevel::Info, "management", "calls_restored", "calls of the last run go on",
               {{"calls", snapshot.calls_restored}});
  records_ = std::make_unique<RecordKeeping>(
      config_,
      RecordPlaces{disk_, alarms_, log_, system_wall_time, dataplane::core_time,
                   [this](const CallRecord& end) {
                     media_quality_.add(end);
                     if (hep_ != nullptr) hep_->send_quality(end);
                     after_bye_.on_ended(end, dataplane::core_time());
                   },
                   bindings_.get(), block_store_.get(),
                   [this](const sip::DetectionEvent& event, Timestamp at) {
                     detections_.add(event, at);
                     detector_blocks_->add(event);
                   },
                   [this](RealmIndex realm) {
                     const std::vector<std::string> names = realm_names();
                     return to_position(realm) < names.size() ? names[to_position(realm)] : std::string();
                   }},
      plane_->events());
  const auto report = records_->begin(calls_that_are_up());
  if (!report) {
    save_calls();
    plane_->stop();
    return refuse(log_, "records_failed", report.error());
  }
  end_calls(report->already_ended);
  return kExitOk;
}

void Daemon::serve_calls() {
  const CallAnswers answers{
      *desk_,
      [this] { return CallNames{config_.node.name, realm_names()}; },
      [this] { return alarms_json(alarms_).dump(); },
      [this](std::string_view by) { begin_drain(by); },
      [this](const std::string& id) {
        log_.write(LogLevel::Info, "management", "hangup", "an operator ended a call", {{"call", id}});
      },
      [peers = peer_answers()](const std::string& of) { return explain_if_address(peers, of); }};
  add_call_commands(commands_, answers);
  add_call_paths(router_, answers);
}

// By RealmIndex, those that were taken out among them.
std::vector<std::string> Daemon::realm_names() const {
  std::vector<std::string> names;
  for (const RealmConfig& realm : config_of_day_.read()->realms) names.push_back(realm.name);
  return names;
}

PeerAnswers Daemon::peer_answers() {
  return {[this]() -> Result<std::vector<PeerView>, CallDeskFailure> {
            auto seen = see_trunks(*engines_, system_wall_time);
            if (!seen) return fail(seen.error());
            return peer_views(*config_of_day_.read(), plane_->snapshot(), plane_->target_board(), *seen);
          },
          [this] { return config_of_day_.read(); },
          [this](const IpAddress& address) -> Result<EndpointsAt, CallDeskFailure> {
            if (config_.registrars.empty()) return EndpointsAt{};
            return endpoints_at(*engines_, system_wall_time, address);
          },
          blocks_.get(),
          &detections_,
          [this](const IpAddress& address) { return plane_->dropped_of(address); }};
}

void Daemon::serve_peers() {
  add_peer_commands(commands_, peer_answers());
  add_peer_paths(router_, peer_answers());
  const RegistrationAnswers registrations{*engines_, system_wall_time,
                                          [this] { return plane_->snapshot().registrations_active; }};
  add_registration_commands(commands_, registrations);
  add_registration_paths(router_, registrations);
}

void Daemon::serve_blocks() {
  // The router's gate has looked at who asks.
  const BlockAnswers answers{*blocks_, [](const PathArguments&) { return std::nullopt; }};
  add_block_commands(commands_, answers);
  add_block_paths(router_, answers);
}

void Daemon::serve_detections() {
  const DetectionAnswers answers{detections_, [this] { return blocks_->clocks(); },
                                 [this] { return realm_names(); }};
  add_detection_commands(commands_, answers);
  add_detection_paths(router_, answers);
}

void Daemon::serve_captures() {
  const auto begun = [this](const std::string& what, const std::string& by) {
    log_.write(LogLevel::Info, "management", "capture", "an operator captures messages",
               {{"of", what, FieldKind::Text}, {"by", by}});
  };
  capture_sessions_ = std::make_unique<CaptureSessions>(CapturePlaces{*captures_, *desk_, config_of_day_,
                                                                      dataplane::core_time, system_wall_time,
                                                                      begun, plane_->media_tap()});
  add_capture_commands(commands_, *capture_sessions_);
  capture_streams_ = std::make_unique<CaptureStreams>(*capture_sessions_);
  add_capture_paths(router_, *capture_streams_);
}

// A node without its collector still carries calls.
void Daemon::open_collector() {
  if (!config_.management.hep) return;
  const HepConfig& hep = *config_.management.hep;
  auto sender = HepSender::open(
      hep.collector, {hep.capture_id, config_.node.name, hep.realms, utc_at_zero(started_, started_core_)});
  if (!sender) return log_.write(LogLevel::Error, "management", "hep_failed", sender.error());
  hep_ = std::move(*sender);
}

void Daemon::send_to_collector() {
  if (hep_ == nullptr) return;
  hep_taker_ = captures_->open(hep_filter(config_), [this](const CapturedMessage& one) { hep_->send(one); });
  if (!hep_taker_)
    log_.write(LogLevel::Error, "management", "hep_failed", "a signalling thread does not answer");
}

void Daemon::say_ready(const Endpoint& http) {
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
  if (!service_notify(settings_.notify_socket, "READY=1"))
    log_.write(LogLevel::Warning, "management", "notify_failed", "the service manager could not be told");
}

void Daemon::watch_certificates() {
  dataplane::TlsContexts* const contexts = plane_->tls_contexts();
  if (contexts == nullptr || certificates_ != nullptr) return;
  certificates_ = std::make_unique<CertificateWatch>(
      CertificateWatchPlaces{*contexts, alarms_, log_, system_wall_time, dataplane::core_time});
  certificates_->start();
}

void Daemon::serve_reload() {
  reload_ = std::make_unique<Reload>(
      ReloadPlaces{
          .file = settings_.config_file,
          .config = config_of_day_,
          .engines = *engines_,
          .log = log_,
          .adopt = [this](SharedValue<SbcConfig> next) { return plane_->adopt(std::move(next)); },
          .adopted = [this](const SbcConfig& before, const SbcConfig& now) { follow(before, now); },
          .refresh_certificates = [this] { return refresh_certificates(); },
          .why_not_now = [this]() -> std::string {
            if (readiness_.draining) return "Sallyport is draining: its next start reads the configuration";
            return readiness_.ready ? "" : "Sallyport is not ready yet";
          },
          .notify_socket = settings_.notify_socket,
          .monotonic = dataplane::core_time,
          .take_tokens = [this](std::vector<AccessToken> tokens) { gate_.take(std::move(tokens)); },
          .alarms = &alarms_,
          .mark = &mark_,
          .wall = system_wall_time,
          .aside = [this](std::function<void()> work,
                          std::function<void()> then) { aside_.run(std::move(work), std::move(then)); }},
      settings_.written, settings_.tokens);
  add_reload_commands(commands_, *reload_);
  add_reload_paths(router_, *reload_);
}

// After all that it shows.
void Daemon::serve_node() {
  const auto stats = [this] { return to_text(stats_json(observer_.observe())); };
  add_node_paths(router_, {stats, [this] { return to_text(ports_json(observer_.observe())); },
                           [this] {
                             const nlohmann::ordered_json config = config_json(reload_->written().root);
                             return to_text(nlohmann::ordered_json{{"config", config}});
                           }});
  events_ = std::make_unique<EventFeed>(EventPlaces{
      stats, alarms_, detections_,
      [this](const Detection& one) { return to_text(detection_json(one, realm_names(), blocks_->clocks())); },
      dataplane::core_time});
  add_event_paths(router_, *events_);
}

// What management itself keeps by peer.
void Daemon::follow(const SbcConfig& before, const SbcConfig& now) {
  captures_->poll();  // what is on its way still bears the names of before
  media_quality_.adopt(now);
  // What an operator said meanwhile (`log level`) stays, unless the file says something new.
  if (before.management.log.level != now.management.log.level) log_.set_level(now.management.log.level);
  blocks_->take_feeds(now);
  if (identity_) identity_->follow(now);
  for (const PeerConfig& peer : before.peers) {
    const auto stays = std::ranges::find(now.peers, peer.name, &PeerConfig::name);
    if (stays != now.peers.end() && !stays->is_retired) continue;
    for (const char* const alarm : {"peer_down", "registration_failed"}) alarms_.clear(alarm, peer.name);
  }
  watch_certificates();  // perhaps the first peer that uses TLS
}

std::vector<std::string> Daemon::refresh_certificates() {
  dataplane::TlsContexts* const contexts = plane_->tls_contexts();
  return contexts == nullptr ? std::vector<std::string>() : contexts->refresh();
}

void Daemon::begin_drain(std::string_view by) {
  if (std::exchange(readiness_.draining, true)) return;
  log_.write(LogLevel::Info, "management", "drain", "no new calls from now on",
             {{"by", by}, {"calls", desk_->calls_active()}});
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) return reload_->begin("SIGHUP");
  if (drain_.has_begun()) return drain_.hurry();
  service_notify(settings_.notify_socket, "STOPPING=1");
  if (!desk_->drain())
    log_.write(LogLevel::Error, "management", "drain_failed", "a signalling thread does not answer");
  begin_drain(number == SIGINT ? "SIGINT" : "SIGTERM");
  drain_.begin();
}

// What has to be looked at although nobody asks.
void Daemon::tick() {
  records_->watch();
  capture_sessions_->tick();
  capture_streams_->tick();
  events_->tick();
  if (identity_) identity_->tick(dataplane::core_time());
  blocks_->tick();
  detector_blocks_->tick(dataplane::core_time());
  after_bye_.tick(dataplane::core_time());
  reload_->tick();
  watchdog_.tick(dataplane::core_time());
  if (ticks_++ % kTicksPerLook == 0) {
    const dataplane::DataPlaneSnapshot seen = plane_->snapshot();
    peer_budgets_.look(*config_of_day_.read(), seen.peers_beyond_budget, dataplane::core_time());
    const std::uint64_t lost = seen.records_lost;
    if (lost != std::exchange(records_lost_, lost))
      alarms_.raise("record_queue_full", "", fmt::format("{} records since the start", lost));
  }
  ticker_.expires_after(kTick);
  ticker_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void Daemon::save_calls() {
  const auto calls = plane_->save_calls();
  if (calls.empty()) return;
  const std::string why = state_->save_sealed(kSavedCallsFile, encode_saved_calls(calls));
  log_.write(why.empty() ? LogLevel::Info : LogLevel::Error, "management",
             why.empty() ? "calls_saved" : "calls_not_saved",
             why.empty() ? "calls that are up go on with the next start" : why,
             {{"calls", static_cast<std::uint64_t>(std::count_if(
                            calls.begin(), calls.end(), [](const auto& call) { return call.is_call; }))}});
}

// Records last: what the engines told until their end must reach the disk.
void Daemon::stop() {
  certificates_.reset();  // the contexts are the data plane's
  save_calls();
  plane_->stop();
  captures_->poll();  // the last words go to the collector
  records_->stop();
  log_.write(LogLevel::Info, "management", "stopped", "stopped");
}

}  // namespace sallyport::mgmt
