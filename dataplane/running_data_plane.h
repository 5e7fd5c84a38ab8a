// running_data_plane.h — everything that runs between start and stop, in the order in which it is made; it is
// taken apart in the opposite order. data_plane.cpp makes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/connection/connections.h"
#include "dataplane/data_plane.h"
#include "dataplane/dns/name_servers.h"
#include "dataplane/dpdk/device.h"
#include "dataplane/dpdk/device_plan.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/memif_rejoin.h"
#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/net/linux_flows.h"
#include "dataplane/net/network_namespace.h"
#include "dataplane/net/underlay.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/shard/command_box.h"
#include "dataplane/shard/event_lines.h"
#include "dataplane/shard/shard.h"
#include "dataplane/shard/shard_thread.h"
#include "dataplane/stream/named_peers_watch.h"
#include "dataplane/stream/stream_thread.h"
#include "dataplane/tls/tls_contexts.h"
#include "dataplane/tls/tls_handshakes.h"
#include "dataplane/worker/lcore_rules.h"
#include "dataplane/worker/lcore_thread.h"
#include "dataplane/worker/links.h"
#include "dataplane/worker/queue_plan.h"
#include "dataplane/worker/worker.h"

namespace sallyport::dataplane {

class RunningDataPlane final : public DataPlane {
 public:
  RunningDataPlane(const SbcConfig& config, DataPlaneSetup setup)
      : config_(config),
        setup_(std::move(setup)),
        secrets_(setup_.secrets),
        policy_(config, secrets_.tables) {}
  ~RunningDataPlane() override { stop(); }

  // Once. On error the destructor undoes what was done.
  [[nodiscard]] Result<void, StartError> begin();
  void stop() override;
  [[nodiscard]] std::size_t engines() const override { return events_->engines(); }
  [[nodiscard]] bool on_engine(std::size_t engine, const EngineTask& task) override;
  [[nodiscard]] EventStream& events() override { return *events_; }
  [[nodiscard]] std::vector<sip::SipEngine::SavedCall> save_calls() override;
  [[nodiscard]] Result<void, std::string> adopt(SharedValue<SbcConfig> next) override;
  void follow_blocks() override;
  [[nodiscard]] const policy::TargetBoard& target_board() const override { return policy_.targets; }
  [[nodiscard]] DataPlaneSnapshot snapshot() const override;
  [[nodiscard]] std::vector<DroppedSource> dropped_of(const IpAddress& address) const override;
  void listen_to_library(std::function<void(std::string_view line)> listener) override;
  [[nodiscard]] MediaTap* media_tap() noexcept override { return media_tap_.get(); }
  [[nodiscard]] TlsContexts* tls_contexts() noexcept override { return tls_.get(); }

 private:
  [[nodiscard]] Result<void, StartError> prepare_linux();
  [[nodiscard]] Result<void, StartError> open_devices(const EalArguments& arguments);
  [[nodiscard]] Result<void, StartError> make_links();
  void make_shards();
  [[nodiscard]] ShardSetup shard_setup(std::size_t shard);
  [[nodiscard]] sip::SipEngineSettings engine_settings(std::size_t engine) const;
  void restore_calls();
  [[nodiscard]] Result<void, StartError> start_stream();
  [[nodiscard]] Result<void, StartError> make_tls();
  [[nodiscard]] Result<std::vector<TurnTaker*>, NetError> make_turn_takers(EgressPermits& permits);
  [[nodiscard]] Result<void, NetError> make_name_servers();
  [[nodiscard]] Result<std::vector<NetworkNamespace>, NetError> open_namespaces() const;
  void make_workers();
  void open_restored_streams();
  [[nodiscard]] Result<void, StartError> start_threads();
  [[nodiscard]] WorkerSetup worker_setup(std::size_t lcore);
  // data_plane_adopt.cpp
  [[nodiscard]] Result<void, std::string> can_follow(const SbcConfig& next) const;
  [[nodiscard]] StreamChange stream_change(const SharedValue<SbcConfig>& next,
                                           const SharedValue<policy::SourceClassifier>& sources,
                                           std::vector<ListeningSocket> opened);
  void make_engines_follow();
  // The stream thread: peers that are known by name are somewhere else now. False: not at this moment.
  [[nodiscard]] bool follow_names(Timestamp now);
  [[nodiscard]] std::vector<MacAddress> macs() const;
  [[nodiscard]] const Device& device_of(std::size_t port) const {
    return *devices_[ports_->device_of(PortIndex(port))];
  }
  [[nodiscard]] const SbcConfig& of_the_day() const noexcept { return day_ != nullptr ? *day_ : config_; }
  [[nodiscard]] DataPlaneSnapshot take_snapshot() const;
  [[nodiscard]] MediaSnapshot media_snapshot() const;
  [[nodiscard]] PortSnapshot port_snapshot(std::size_t port) const;
  void add_engines(DataPlaneSnapshot& snapshot) const;
  [[nodiscard]] ConnectionsSnapshot connections_snapshot() const;
  void let_answers_leave() const noexcept;
  void let_connections_end() const noexcept;
  void report_lost_packets() const;

  const SbcConfig& config_;  // of the start: what no reload changes, and the first peers
  DataPlaneSetup setup_;
  const BootSecrets secrets_;
  sip::SharedPolicy policy_;
  std::vector<DevicePlan> device_plans_;
  ThreadPlan threads_;
  MemoryPlan memory_;

  std::vector<NetworkNamespace> namespaces_;  // by port, until the stream thread has them
  std::unique_ptr<Underlay> underlay_;
  std::unique_ptr<Eal> eal_;
  std::unique_ptr<PacketPools> pools_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::unique_ptr<QueuePlan> queues_;
  std::unique_ptr<PortTable> ports_;
  SharedValue<policy::SourceClassifier> sources_;  // of the start, until the connections have them
  std::unique_ptr<LcoreRulesOfDay> lcore_rules_;
  std::unique_ptr<ListenerTable> listeners_;
  std::unique_ptr<MediaRanges> media_ranges_;
  std::unique_ptr<LinuxFlows> flows_;
  std::unique_ptr<Links> links_;
  std::unique_ptr<MediaTap> media_tap_;                // stays after stop()
  std::unique_ptr<EventLines> events_;                 // stays after stop()
  std::vector<std::unique_ptr<CommandBox>> commands_;  // by engine; stay after stop()
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<StreamThread> stream_;
  // Parts of the stream thread: gone before it, though after it has stopped.
  std::unique_ptr<TlsContexts> tls_;
  std::unique_ptr<TlsHandshakes> handshakes_;
  NetworkNamespace dns_namespace_;
  std::unique_ptr<NameServers> names_;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<NamedPeersWatch> named_peers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<ShardThread>> shard_threads_;
  std::vector<std::unique_ptr<LcoreThread>> lcore_threads_;
  std::vector<std::unique_ptr<MemifRejoin>> memif_clients_;

  std::mutex adopting_;                      // between adopt(), follow_names() and stop()
  std::vector<policy::NamedAddress> named_;  // that sources are judged by; under `adopting_`
  std::atomic<std::uint64_t> edition_{1};    // of policy_.rulebook

  std::uint64_t calls_restored_ = 0, calls_not_restored_ = 0;

  mutable std::mutex mutex_;    // of what follows; between snapshot() and stop()
  SharedValue<SbcConfig> day_;  // of the last reload; null: config_
  bool runs_ = false;           // all of the above exists
  DataPlaneSnapshot last_;      // what snapshot() answers after stop()
};

}  // namespace sallyport::dataplane
