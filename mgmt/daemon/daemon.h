// daemon.h — everything that lives between the start of the data plane and its end, and the order in which it
// comes and goes.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/blocks/block_answers.h"
#include "mgmt/calls/call_answers.h"
#include "mgmt/capture/capture_hub.h"
#include "mgmt/capture/capture_sessions.h"
#include "mgmt/capture/capture_streams.h"
#include "mgmt/cli/control_server.h"
#include "mgmt/daemon/after_bye_watch.h"
#include "mgmt/daemon/aside.h"
#include "mgmt/daemon/certificate_watch.h"
#include "mgmt/daemon/drain_watch.h"
#include "mgmt/daemon/peer_budget_watch.h"
#include "mgmt/daemon/plane_engines.h"
#include "mgmt/daemon/record_keeping.h"
#include "mgmt/daemon/reload.h"
#include "mgmt/daemon/service_watchdog.h"
#include "mgmt/detections/detection_answers.h"
#include "mgmt/detections/detector_blocks.h"
#include "mgmt/events/event_feed.h"
#include "mgmt/hep/hep_sender.h"
#include "mgmt/http/health.h"
#include "mgmt/http/identity_watch.h"
#include "mgmt/http/server.h"
#include "mgmt/http/token_gate.h"
#include "mgmt/log/event_log.h"
#include "mgmt/metrics/exporter.h"
#include "mgmt/metrics/media_quality.h"
#include "mgmt/peers/peer_answers.h"
#include "mgmt/registrations/registration_answers.h"
#include "mgmt/state/binding_store.h"
#include "mgmt/state/node_state.h"

namespace sallyport::mgmt {

using StartPlane = std::function<Result<std::unique_ptr<dataplane::DataPlane>, dataplane::StartError>(
    dataplane::DataPlaneSetup setup)>;

struct DaemonSettings {
  StartPlane start_plane;
  std::string config_file;
  WrittenConfig written;  // what the configuration was made from
  std::vector<AccessToken> tokens;
  std::chrono::milliseconds drain{30'000};
  std::string notify_socket;  // of the service manager; empty: none
  Duration watchdog{};        // by which it wants to hear that all is well; zero: it does not
};

// Members are made in this order and destroyed in the other, all on the main thread, which is the management
// thread.
class Daemon {
 public:
  // `log` must outlive it. `config`: as settings.config_file says it.
  Daemon(SharedValue<SbcConfig> config, EventLog& log, DaemonSettings settings);
  // Until it is told to stop. The exit status.
  [[nodiscard]] int run();

 private:
  struct Listeners;
  [[nodiscard]] int open_listeners(Listeners& listeners);
  [[nodiscard]] std::string open_identity();
  void tell_command(const ControlAct& act);
  [[nodiscard]] int open_state();
  [[nodiscard]] int start_plane();
  [[nodiscard]] std::string take_saved_calls();
  void take_bindings(dataplane::DataPlaneSetup& setup);
  void take_blocks(dataplane::DataPlaneSetup& setup);
  [[nodiscard]] int start_records();
  [[nodiscard]] std::set<std::uint64_t> calls_that_are_up();
  void end_calls(const std::vector<std::uint64_t>& numbers);
  void serve_counters();
  void serve_calls();
  void serve_peers();
  void serve_blocks();
  void serve_detections();
  void serve_captures();
  void open_collector();
  void send_to_collector();
  [[nodiscard]] std::vector<std::string> realm_names() const;
  [[nodiscard]] PeerAnswers peer_answers();
  void watch_certificates();
  void serve_reload();
  void serve_node();
  void follow(const SbcConfig& before, const SbcConfig& now);
  [[nodiscard]] std::vector<std::string> refresh_certificates();
  void say_ready(const Endpoint& http);
  void on_signal(int number);
  void begin_drain(std::string_view by);
  void tick();
  void save_calls();
  void stop();

  const SharedValue<SbcConfig> first_;
  const SbcConfig& config_;  // the same: of it only what no reload changes
  SharedSlot<SbcConfig> config_of_day_;
  EventLog& log_;
  const DaemonSettings settings_;
  boost::asio::io_context loop_{1};
  boost::asio::steady_timer ticker_{loop_};
  PosixDisk disk_;
  AlarmRegistry alarms_;
  MediaQuality media_quality_;
  AfterByeWatch after_bye_;
  PeerBudgetWatch peer_budgets_{alarms_};
  DetectionLog detections_;
  std::unique_ptr<NodeState> state_;
  HashKey token_key_;
  std::unique_ptr<BlockStore> block_store_;
  std::unique_ptr<BlockDesk> blocks_;  // the lcores read its table until the data plane has stopped
  std::unique_ptr<DetectorBlocks> detector_blocks_;
  std::unique_ptr<CaptureHub> captures_;  // the engines see it until the data plane has stopped
  std::unique_ptr<dataplane::DataPlane> plane_;
  std::unique_ptr<BindingStore> bindings_;  // null: no registrar is configured
  std::unique_ptr<RecordKeeping> records_;
  std::unique_ptr<CertificateWatch> certificates_;  // null: no TLS
  std::unique_ptr<PlaneEngines> engines_;
  std::unique_ptr<CallDesk> desk_;
  std::unique_ptr<HepSender> hep_;  // null: no collector
  std::optional<std::size_t> hep_taker_;
  std::unique_ptr<CaptureSessions> capture_sessions_;
  std::unique_ptr<CaptureStreams> capture_streams_;
  std::unique_ptr<EventFeed> events_;
  std::unique_ptr<IdentityWatch> identity_;  // null: REST has no TLS
  UnconfirmedMark mark_{disk_, config_.node.state};
  std::unique_ptr<Reload> reload_;
  Aside aside_{loop_};  // of `reload_`, which outlives what is under way
  Readiness readiness_;
  Observer observer_;
  SnapshotCollectable metrics_;
  TokenGate gate_{log_, dataplane::core_time};
  Router router_, metrics_router_;
  ControlCommands commands_;
  DrainWatch drain_;
  ServiceWatchdog watchdog_;
  WallTime started_{};
  Timestamp started_core_{};
  std::uint32_t ticks_ = 0;
  std::uint64_t records_lost_ = 0;
};

}  // namespace sallyport::mgmt
