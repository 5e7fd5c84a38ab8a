// data_plane.cpp — starts and stops the data plane: Linux's side first, then DPDK, then the threads.
#include "dataplane/data_plane.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "dataplane/dpdk/clock.h"
#include "dataplane/dpdk/device_checks.h"
#include "dataplane/dpdk/eal_arguments.h"
#include "dataplane/running_data_plane.h"
#include "policy/decide/exception_budget.h"

namespace sallyport::dataplane {
namespace {

bool is_on_linux_interface(DeviceKind kind) {
  return kind == DeviceKind::AfPacket || kind == DeviceKind::AfXdp;
}

StartError start_error(NetError&& error) { return {std::move(error.message)}; }

}  // namespace

Result<std::unique_ptr<DataPlane>, StartError> DataPlane::start(const SbcConfig& config,
                                                                DataPlaneSetup setup) {
  auto plane = std::make_unique<RunningDataPlane>(config, std::move(setup));
  if (auto begun = plane->begin(); !begun) return fail(begun.error());
  return plane;
}

Timestamp core_time() noexcept { return read_clock(); }

bool on_all_engines(DataPlane& plane, const EngineTask& task) {
  bool have_all_run = true;
  for (std::size_t engine = 0; engine < plane.engines(); ++engine)
    have_all_run = plane.on_engine(engine, task) && have_all_run;
  return have_all_run;
}

Result<void, StartError> RunningDataPlane::begin() {
  const EalSurroundings surroundings = look_around(config_.node.name);
  device_plans_ = plan_devices(config_);
  threads_ = plan_threads(config_.dataplane, static_cast<std::uint32_t>(surroundings.cpus.size()));
  memory_ = plan_memory(device_plans_, threads_);
  auto arguments = eal_arguments(config_, device_plans_, memory_, surroundings);
  if (!arguments) return fail(arguments.error());
  if (auto done = check_devices(config_, device_plans_); !done) return done;
  if (auto done = prepare_linux(); !done) return done;
  auto eal = Eal::start(*arguments);
  if (!eal) return fail(eal.error());
  eal_ = std::move(*eal);
  if (auto done = open_devices(*arguments); !done) return done;
  if (auto done = make_tls(); !done) return done;
  if (auto done = make_links(); !done) return done;
  make_shards();
  restore_calls();
  if (auto done = start_stream(); !done) return done;
  make_workers();
  open_restored_streams();
  return start_threads();
}

// Namespaces first: making them finds out whether this node runs already.
Result<void, StartError> RunningDataPlane::prepare_linux() {
  for (const PortConfig& port : config_.ports) {
    auto made = NetworkNamespace::create(namespace_name(config_.node.name, port.name));
    if (!made) return fail(start_error(std::move(made.error())));
    namespaces_.push_back(std::move(*made));
  }
  std::vector<UnderlayInterface> interfaces;
  for (const DevicePlan& device : device_plans_) {
    if (!is_on_linux_interface(device.spec.kind)) continue;
    UnderlayInterface& interface = interfaces.emplace_back();
    interface.name = device.spec.name;
    interface.mtu = device.mtu;
    interface.has_packet_ring = device.spec.kind == DeviceKind::AfPacket;
    for (const PortIndex port : device.ports) {
      const PortConfig& config = config_.ports[to_position(port)];
      interface.addresses.insert(interface.addresses.end(), config.addresses.begin(), config.addresses.end());
    }
  }
  if (interfaces.empty()) return {};
  auto prepared = Underlay::prepare(config_.node.name, interfaces);
  if (!prepared) return fail(start_error(std::move(prepared.error())));
  underlay_ = std::move(*prepared);
  return {};
}

Result<void, StartError> RunningDataPlane::open_devices(const EalArguments& arguments) {
  pools_ = std::make_unique<PacketPools>(memory_);
  std::vector<DeviceQueues> queues;
  std::vector<MacAddress> macs(config_.ports.size());
  for (std::size_t i = 0; i < device_plans_.size(); ++i) {
    const DevicePlan& plan = device_plans_[i];
    const std::string& port = config_.ports[to_position(plan.ports.front())].name;
    auto device = Device::open({plan, port, arguments.devices[i], threads_.lcores}, *pools_, eal_->log());
    if (!device) return fail(device.error());
    queues.push_back({(*device)->rx_queues(), (*device)->tx_queues()});
    for (const PortIndex index : plan.ports) macs[to_position(index)] = (*device)->mac();
    devices_.push_back(std::move(*device));
  }
  queues_ = std::make_unique<QueuePlan>(queues, threads_.lcores);
  ports_ = std::make_unique<PortTable>(config_, macs);
  sources_ = make_value<policy::SourceClassifier>(config_);
  lcore_rules_ = std::make_unique<LcoreRulesOfDay>(sources_);
  listeners_ = std::make_unique<ListenerTable>(config_, *ports_);
  lcore_rules_->begin_with(config_, *ports_, threads_.lcores);
  media_ranges_ = std::make_unique<MediaRanges>(config_, *ports_);
  flows_ = std::make_unique<LinuxFlows>(config_.dataplane.capacity.connections, secrets_.tables);
  return {};
}

Result<void, StartError> RunningDataPlane::make_links() {
  links_ = std::make_unique<Links>(threads_);
  std::vector<Doorbell*> bells;
  for (std::size_t shard = 0; shard < threads_.shards; ++shard) {
    bells.push_back(&links_->shard_bell(shard));
    commands_.push_back(std::make_unique<CommandBox>(links_->shard_bell(shard)));
  }
  events_ = std::make_unique<EventLines>(std::move(bells));
  media_tap_ = std::make_unique<MediaTap>(threads_.lcores);
  const bool are_boxes_open =
      std::all_of(commands_.begin(), commands_.end(), [](const auto& box) { return box->is_open(); });
  if (links_->are_open() && events_->is_open() && are_boxes_open) return {};
  return fail(StartError{"no file descriptors left; raise the limit (ulimit -n)"});
}

// Each engine has its share of what the node has; a remainder is not given out.
sip::SipEngineSettings RunningDataPlane::engine_settings(std::size_t engine) const {
  const Capacity& capacity = config_.dataplane.capacity;
  sip::SipEngineSettings settings;
  settings.transactions_max = std::max(capacity.transactions / threads_.shards, 1U);
  settings.calls_max = std::max(capacity.calls / threads_.shards, 1U);
  settings.message_ring_bytes = config_.management.messages_keep.bytes / threads_.shards;
  settings.table_key = secrets_.tables;
  settings.token_key = secrets_.tokens;
  settings.key_seed = secrets_.media_keys;
  settings.first_number = std::uint64_t{setup_.epoch} << 32 | (engine + 1);
  settings.number_stride = threads_.shards;
  settings.engines = threads_.shards;
  settings.place = engine;
  settings.utc_at_zero = setup_.utc_at_zero;
  settings.owns_trunks = engine == 0;  // the one that messages of shard 0 come to
  return settings;
}

ShardSetup RunningDataPlane::shard_setup(std::size_t shard) {
  ShardSetup setup;
  setup.owner = SourceOwner(config_.security.limits.prefix, secrets_.tables, threads_.lcores);
  setup.pool = pools_->main();
  setup.policy = &policy_;
  setup.events = &events_->line(shard);
  setup.commands = commands_[shard].get();
  setup.number = shard;
  setup.from_connections = &links_->connections(shard).to_shard;
  setup.to_connections = &links_->connections(shard).from_shard;
  setup.edition = &edition_;
  setup.engine = engine_settings(shard);
  for (std::size_t other = 0; other < threads_.shards; ++other)
    setup.shards.push_back(other == shard
                               ? ShardPeer{}
                               : ShardPeer{&links_->letters(shard, other), &links_->letters(other, shard),
                                           &links_->shard_bell(other)});
  for (std::size_t lcore = 0; lcore < threads_.lcores; ++lcore) {
    ShardLcore& link = setup.lcores.emplace_back();
    link.inbox = &links_->to_shard(lcore, shard);
    link.unreachable = &links_->unreachable(lcore, shard);
    link.outbox = &links_->from_shard(shard, lcore);
    for (std::size_t port = 0; port < config_.ports.size(); ++port)
      link.sender_by_port.push_back(queues_->sender(lcore, ports_->device_of(PortIndex(port))));
    link.orders = &links_->media(shard, lcore).orders;
    link.progress = &links_->media(shard, lcore).progress;
    link.notices = &links_->media_notices(lcore, shard);
  }
  return setup;
}

void RunningDataPlane::make_shards() {
  for (std::size_t shard = 0; shard < threads_.shards; ++shard)
    shards_.push_back(std::make_unique<Shard>(config_, shard_setup(shard)));
}

// By shard, as datagrams are: the number of threads may be another than in the run that saved them.
void RunningDataPlane::restore_calls() {
  const Timestamp now = read_clock();
  for (std::size_t position = 0; position < setup_.restored_calls.size(); ++position) {
    const sip::SipEngine::SavedCall& call = setup_.restored_calls[position];
    bool is_restored = false;
    shards_[call.shard % shards_.size()]->with_engine([&](sip::SipEngine& engine, sip::EngineOutput& out) {
      is_restored = engine.restore(now, call.bytes, out);
    });
    if (call.is_call) ++(is_restored ? calls_restored_ : calls_not_restored_);
    if (!is_restored && setup_.not_restored) setup_.not_restored(position);
  }
  setup_.restored_calls = {};
}

Result<void, StartError> RunningDataPlane::start_stream() {
  StreamSetup setup;
  setup.pool = pools_->main();
  setup.key = secrets_.tables;
  setup.flows = flows_.get();
  setup.tcp_idle = config_.security.limits.tcp.idle;
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    const PortConfig& config = config_.ports[i];
    StreamPort& port = setup.ports.emplace_back();
    port.network_namespace = std::move(namespaces_[i]);
    port.mac = device_of(i).mac();
    port.mtu = config.mtu;
    port.addresses = config.addresses;
    port.gateways = config.gateways;
    port.services = PortServices(config_, config);
    port.listeners = stream_listeners(config_, config);
    port.ports_not_for_linux = ports_not_for_linux(config_, config);
    port.kept_fresh = policy::neighbours_of(config_, config);
    port.owner = queues_->owner(ports_->device_of(PortIndex(i)), 0);
  }
  namespaces_.clear();
  for (std::size_t lcore = 0; lcore < threads_.lcores; ++lcore)
    setup.lcores.push_back({&links_->stream(lcore).to, &links_->stream(lcore).from, nullptr});
  setup.make_turn_takers = [this](EgressPermits& permits) { return make_turn_takers(permits); };
  auto stream = StreamThread::start(std::move(setup));
  if (!stream) return fail(start_error(std::move(stream.error())));
  stream_ = std::move(*stream);
  for (const auto& shard : shards_) shard->set_stream_bell(&stream_->doorbell());
  return {};
}

// Though nothing uses TLS yet: a reload may bring the first who does.
Result<void, StartError> RunningDataPlane::make_tls() {
  constexpr std::size_t kWaitingMax = 1024;
  auto contexts = TlsContexts::create(config_);
  if (!contexts) return fail(StartError{std::move(contexts.error())});
  tls_ = std::move(*contexts);
  // One for each four polling threads: it is the signalling of open connections that must not wait.
  handshakes_ = TlsHandshakes::start(std::max(threads_.lcores / 4, 1U), kWaitingMax);
  if (handshakes_ == nullptr) return fail(StartError{"no thread can be had for TLS handshakes"});
  return {};
}

Result<std::vector<NetworkNamespace>, NetError> RunningDataPlane::open_namespaces() const {
  std::vector<NetworkNamespace> opened;
  for (const PortConfig& port : config_.ports) {
    auto one = NetworkNamespace::open(namespace_name(config_.node.name, port.name));
    if (!one) return fail(std::move(one.error()));
    opened.push_back(std::move(*one));
  }
  return opened;
}

Result<void, NetError> RunningDataPlane::make_name_servers() {
  const NetworkNamespace* via = nullptr;
  if (!config_.dns.via.empty()) {
    auto opened = NetworkNamespace::open(namespace_name(config_.node.name, config_.dns.via));
    if (!opened) return fail(std::move(opened.error()));
    dns_namespace_ = std::move(*opened);
    via = &dns_namespace_;
  }
  auto made = NameServers::create(config_.dns, via, [this](std::uint64_t tag, const sip::DnsReply& reply) {
    connections_->on_dns_reply(tag, reply);
  });
  if (!made) return fail(NetError{std::move(made.error())});
  names_ = std::move(*made);
  return {};
}

Result<std::vector<TurnTaker*>, NetError> RunningDataPlane::make_turn_takers(EgressPermits& permits) {
  std::vector<TurnTaker*> made;
  auto namespaces = open_namespaces();
  if (!namespaces) return fail(std::move(namespaces.error()));
  ConnectionsSetup setup;
  for (std::size_t shard = 0; shard < threads_.shards; ++shard)
    setup.shards.push_back({&links_->connections(shard).to_shard, &links_->connections(shard).from_shard,
                            &links_->shard_bell(shard)});
  setup.sockets = std::make_unique<NamespaceSockets>(std::move(*namespaces));
  setup.sources = std::exchange(sources_, nullptr);
  setup.targets = &policy_.targets;
  setup.tls = tls_.get();
  setup.handshakes = handshakes_.get();
  setup.permits = &permits;
  setup.blocks = setup_.blocks;
  setup.table_key = secrets_.tables;
  setup.token_key = secrets_.tokens;
  if (auto done = make_name_servers(); !done) return fail(std::move(done.error()));
  setup.ask = [this](std::uint64_t tag, const sip::DnsQuery& query) { names_->ask(tag, query); };
  made.push_back(names_.get());
  auto connections = Connections::create(config_, std::move(setup));
  if (!connections) return fail(std::move(connections.error()));
  connections_ = std::move(*connections);
  made.push_back(connections_.get());
  named_peers_ =
      std::make_unique<NamedPeersWatch>(policy_.targets, [this](Timestamp now) { return follow_names(now); });
  named_peers_->set_has_names(has_names(config_));
  made.push_back(named_peers_.get());
  return made;
}

WorkerSetup RunningDataPlane::worker_setup(std::size_t lcore) {
  WorkerSetup setup;
  setup.number = lcore;
  setup.key = secrets_.tables;
  setup.token_key = secrets_.tokens;
  setup.boards = {.blocks = setup_.blocks, .earned = &policy_.earned};
  for (const QueueOfDevice& queue : queues_->rx_queues_of(lcore))
    setup.rx_queues.push_back({queue.device, devices_[queue.device]->id(), queue.queue,
                               devices_[queue.device]->gate(), devices_[queue.device]->receive_socket()});
  for (std::size_t shard = 0; shard < threads_.shards; ++shard) {
    setup.shards.push_back(
        {&links_->to_shard(lcore, shard), &links_->shard_bell(shard), &links_->unreachable(lcore, shard)});
    setup.from_shards.push_back(&links_->from_shard(shard, lcore));
    setup.media.shards.push_back({&links_->media(shard, lcore).orders, &links_->media(shard, lcore).progress,
                                  &links_->media_notices(lcore, shard), &links_->shard_bell(shard)});
  }
  setup.media.ports = &policy_.media_ports;
  setup.media.tap = media_tap_.get();
  setup.to_stream = &links_->stream(lcore).to;
  setup.from_stream = &links_->stream(lcore).from;
  setup.stream_bell = &stream_->doorbell();
  for (std::size_t other = 0; other < threads_.lcores; ++other) {
    setup.to_lcores.push_back(other == lcore ? nullptr : &links_->hand_over(lcore, other));
    setup.from_lcores.push_back(other == lcore ? nullptr : &links_->hand_over(other, lcore));
  }
  for (std::size_t i = 0; i < config_.ports.size(); ++i) {
    const PortConfig& port = config_.ports[i];
    setup.transmit.ports.push_back(
        {ports_->device_of(PortIndex(i)), device_of(i).mac(), port.mtu, port.vlan.value_or(0)});
    for (const IpAddress& address : policy::neighbours_of(config_, port))
      setup.transmit.asked_ahead.push_back({PortIndex(i), address});
  }
  for (std::size_t device = 0; device < devices_.size(); ++device)
    setup.transmit.devices.push_back({devices_[device]->id(), queues_->tx_queue_of(lcore, device),
                                      devices_[device]->gate(),
                                      setup.to_lcores[queues_->sender(lcore, device)]});
  setup.transmit.pool = pools_->main();
  setup.transmit.key = secrets_.tables;
  return setup;
}

void RunningDataPlane::make_workers() {
  const Tables tables{*ports_, lcore_rules_->sources(), *listeners_, *media_ranges_, flows_.get()};
  for (std::size_t lcore = 0; lcore < threads_.lcores; ++lcore)
    workers_.push_back(std::make_unique<Worker>(config_, tables, worker_setup(lcore)));
}

// All of them, before the first packet: there may be more than the rings hold at a time.
void RunningDataPlane::open_restored_streams() {
  const Timestamp now = read_clock();
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (const auto& shard : shards_) (void)shard->let_leave();
    for (const auto& worker : workers_) goes_on = worker->take_orders(now) || goes_on;
  }
}

// Devices last of all: from then on packets arrive.
Result<void, StartError> RunningDataPlane::start_threads() {
  for (const auto& device : devices_)
    if (auto started = device->start(); !started) return started;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    shard_threads_.push_back(std::make_unique<ShardThread>(*shards_[shard], links_->shard_bell(shard)));
    shard_threads_.back()->start(static_cast<unsigned>(shard));
  }
  for (std::size_t lcore = 0; lcore < workers_.size(); ++lcore) {
    const int cpu = threads_.cpus.empty() ? -1 : static_cast<int>(threads_.cpus[lcore]);
    const bool may_keep_awake = config_.dataplane.processor_sleep == ProcessorSleep::Shallow;
    lcore_threads_.push_back(
        std::make_unique<LcoreThread>(*workers_[lcore], config_.dataplane.idle, cpu,
                                      may_keep_awake ? WakeLatency::of_machine() : WakeLatency()));
    if (!lcore_threads_.back()->start(static_cast<unsigned>(lcore)))
      return fail(StartError{fmt::format("dataplane.lcores: this process may not run on CPU {}", cpu)});
  }
  for (const auto& device : devices_)
    if (device->gate() != nullptr) memif_clients_.push_back(std::make_unique<MemifRejoin>(*device));
  const std::lock_guard lock(mutex_);
  runs_ = true;
  return {};
}

void RunningDataPlane::stop() {
  const std::lock_guard no_reload(adopting_);
  {
    const std::lock_guard lock(mutex_);
    if (runs_) last_ = take_snapshot();
    runs_ = false;
  }
  memif_clients_.clear();  // first: each needs the turns of its lcore
  for (const auto& box : commands_) box->close();
  for (const auto& thread : shard_threads_) thread->stop();
  if (!lcore_threads_.empty()) let_answers_leave();
  if (!lcore_threads_.empty()) let_connections_end();
  for (const auto& thread : lcore_threads_) thread->stop();
  for (const auto& box : commands_) box->refuse_all();
  if (events_ != nullptr) events_->close();
  if (stream_ != nullptr) stream_->stop();
  lcore_threads_.clear();
  shard_threads_.clear();
  workers_.clear();
  named_peers_.reset();
  connections_.reset();
  names_.reset();
  dns_namespace_ = {};
  handshakes_.reset();
  tls_.reset();
  stream_.reset();
  shards_.clear();
  links_.reset();
  flows_.reset();
  media_ranges_.reset();
  listeners_.reset();
  lcore_rules_.reset();
  sources_.reset();
  ports_.reset();
  queues_.reset();
  devices_.clear();
  if (pools_ != nullptr) report_lost_packets();
  pools_.reset();
  eal_.reset();
  underlay_.reset();
  namespaces_.clear();
}

// The last that the engines said, such as the BYEs of calls that were hung up: for as long as lcores take it.
void RunningDataPlane::let_answers_leave() const noexcept {
  constexpr Duration kLongest = 100ms;
  const Timestamp until = read_clock() + kLongest;
  const auto have_left = [this] {
    bool is_done = true;
    for (const auto& shard : shards_) is_done = shard->let_leave() && is_done;
    return is_done && links_->are_answers_taken();
  };
  while (!have_left() && read_clock() < until) poll(nullptr, 0, 1);
}

// What they still have to send, and that they end: for as long as the lcores take it.
void RunningDataPlane::let_connections_end() const noexcept {
  if (connections_ == nullptr || stream_ == nullptr) return;
  const Timestamp until = read_clock() + Connections::kStopTime + 100ms;
  stream_->begin_drain();
  while (!stream_->is_drained() && read_clock() < until) poll(nullptr, 0, 1);
}

bool RunningDataPlane::on_engine(std::size_t engine, const EngineTask& task) {
  if (engine >= commands_.size()) return false;
  bool has_run = false;
  const auto command = [&](Timestamp now) {
    Shard& shard = *shards_[engine];
    if (shard.is_saved()) return;
    shard.with_engine([&](sip::SipEngine& sip, sip::EngineOutput& out) { task(engine, sip, now, out); });
    has_run = true;
  };
  return commands_[engine]->run(command, kTaskTimeout) && has_run;
}

std::vector<sip::SipEngine::SavedCall> RunningDataPlane::save_calls() {
  std::vector<sip::SipEngine::SavedCall> all;
  for (std::size_t engine = 0; engine < commands_.size(); ++engine) {
    std::vector<sip::SipEngine::SavedCall> calls;
    if (!commands_[engine]->run([&](Timestamp now) { calls = shards_[engine]->save(now); }, kTaskTimeout))
      continue;
    commands_[engine]->close();
    all.insert(all.end(), std::make_move_iterator(calls.begin()), std::make_move_iterator(calls.end()));
  }
  return all;
}

// A leak of ours, unless a driver is known to keep what it was given: af_xdp forgets its fill ring when
// closed.
void RunningDataPlane::report_lost_packets() const {
  for (const DevicePlan& device : device_plans_)
    if (device.spec.kind == DeviceKind::AfXdp) return;
  const std::uint64_t total = pools_->total(), free = pools_->free();
  if (free != total) eal_->log().say(fmt::format("{} packet buffers were lost", total - free));
}

void RunningDataPlane::listen_to_library(std::function<void(std::string_view line)> listener) {
  const std::lock_guard lock(mutex_);
  if (underlay_ && listener) std::ranges::for_each(underlay_->warnings(), listener);
  if (runs_) eal_->log().set_listener(std::move(listener));
}

}  // namespace sallyport::dataplane
