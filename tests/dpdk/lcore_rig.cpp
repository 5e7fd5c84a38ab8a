// lcore_rig.cpp — puts the parts together as data_plane.cpp does, without threads and without Linux.
#include "tests/dpdk/lcore_rig.h"

#include <gtest/gtest.h>
#include <rte_ring.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sallyport::dataplane {
namespace {

constexpr HashKey kKey{11, 22};

Bytes bytes_of(const rte_mbuf& packet) {
  Bytes bytes(packet.pkt_len);
  const void* from = rte_pktmbuf_read(&packet, 0, packet.pkt_len, bytes.data());
  if (from != nullptr && from != bytes.data()) std::memcpy(bytes.data(), from, bytes.size());
  return bytes;
}

PortConfig port_named(const std::string& name, std::initializer_list<const char*> addresses) {
  static int made = 0;
  PortConfig port;
  port.name = name;
  port.device.kind = DeviceKind::Ring;
  port.device.name = "rig" + std::to_string(made++);
  port.device.text = "ring:" + port.device.name;
  for (const char* address : addresses) port.addresses.push_back(*parse_prefix(address));
  return port;
}

void add_realm(SbcConfig& config, RealmTrust trust, std::initializer_list<const char*> targets) {
  const PortConfig& port = config.ports.back();
  RealmConfig realm;
  realm.name = realm.port = port.name;
  realm.trust = trust;
  ListenerConfig& listener = realm.listen.emplace_back();
  for (const Prefix& address : port.addresses) listener.addresses.push_back(address.address);
  for (const Prefix& address : port.addresses) realm.media.addresses.push_back(address.address);
  config.realms.push_back(realm);
  PeerConfig peer;
  peer.name = "peer-" + port.name;
  peer.realm = realm.name;
  for (const char* target : targets) peer.targets.emplace_back().address = parse_endpoint(target, 5060);
  config.peers.push_back(peer);
}

}  // namespace

Eal& eal_of_test() {
  static const std::unique_ptr<Eal> eal = [] {
    EalArguments arguments;
    arguments.words = {"tests",
                       "--no-huge",
                       "--no-shconf",
                       "-m",
                       "512",
                       "--no-pci",
                       "--no-telemetry",
                       "--lcores=0@(0)",
                       "--log-level=*:error",
                       "--file-prefix=" + look_around("rig-" + std::to_string(getpid())).prefix};
    auto started = Eal::start(arguments);
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().message.c_str());
      std::abort();
    }
    return std::move(*started);
  }();
  return *eal;
}

SbcConfig two_ports() {
  SbcConfig config;
  config.node.name = "rig";
  config.dataplane.capacity.sources = 1000;
  config.dataplane.capacity.transactions = 20000;
  config.ports.push_back(port_named("outside", {"198.18.1.1/24", "fd18:1::1/64"}));
  add_realm(config, RealmTrust::Untrusted, {"198.18.1.2:5060", "[fd18:1::2]:5060"});
  config.ports.push_back(port_named("inside", {"198.18.2.1/24", "fd18:2::1/64"}));
  add_realm(config, RealmTrust::Trusted, {"198.18.2.2:5060", "[fd18:2::2]:5060"});
  return config;
}

LcoreRig::LcoreRig(RigSettings settings) : config(std::move(settings.config)) {
  threads.lcores = settings.lcores;
  threads.shards = settings.shards;
  plans = plan_devices(config);
  (void)eal_of_test();
  pools = std::make_unique<PacketPools>(plan_memory(plans, threads));
  open_devices();
  config.peer_places = std::max<std::size_t>(config.peer_places, 16);
  config.realm_places = std::max<std::size_t>(config.realm_places, 8);
  rules = std::make_unique<LcoreRulesOfDay>(make_value<policy::SourceClassifier>(config));
  rules->begin_with(config, *ports, threads.lcores);
  listeners = std::make_unique<ListenerTable>(config, *ports);
  media_ranges = std::make_unique<MediaRanges>(config, *ports);
  links = std::make_unique<Links>(threads);
  make_shards();
  make_workers(settings);
  for (const auto& device : devices) {
    const auto started = device->start();
    EXPECT_TRUE(started) << started.error().message;
  }
}

void LcoreRig::open_devices() {
  std::vector<DeviceQueues> device_queues;
  std::vector<MacAddress> macs(config.ports.size());
  for (const DevicePlan& plan : plans) {
    auto device = Device::open({plan, config.ports[to_position(plan.ports.front())].name, "", threads.lcores},
                               *pools, eal_of_test().log());
    if (!device) {
      ADD_FAILURE() << device.error().message;
      std::abort();
    }
    device_queues.push_back({(*device)->rx_queues(), (*device)->tx_queues()});
    for (const PortIndex port : plan.ports) macs[to_position(port)] = (*device)->mac();
    devices.push_back(std::move(*device));
  }
  queues = std::make_unique<QueuePlan>(device_queues, threads.lcores);
  ports = std::make_unique<PortTable>(config, macs);
}

void LcoreRig::make_shards() {
  policy = std::make_unique<sip::SharedPolicy>(config, kKey);
  std::vector<Doorbell*> bells;
  for (std::size_t i = 0; i < threads.shards; ++i) bells.push_back(&links->shard_bell(i));
  events = std::make_unique<EventLines>(std::move(bells));
  for (std::size_t i = 0; i < threads.shards; ++i) {
    ShardSetup setup;
    setup.pool = pools->main();
    setup.owner = SourceOwner(config.security.limits.prefix, kKey, threads.lcores);
    setup.policy = policy.get();
    setup.edition = &edition;
    setup.from_connections = &links->connections(i).to_shard;
    setup.to_connections = &links->connections(i).from_shard;
    setup.events = &events->line(i);
    setup.commands = commands.emplace_back(std::make_unique<CommandBox>(links->shard_bell(i))).get();
    setup.engine.transactions_max = config.dataplane.capacity.transactions;
    setup.engine.message_ring_bytes = 1'000'000;
    setup.engine.table_key = setup.engine.token_key = kKey;
    setup.engine.first_number = i + 1;
    setup.engine.number_stride = threads.shards;
    setup.engine.owns_trunks = false;
    for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore) {
      ShardLcore& link = setup.lcores.emplace_back();
      link.inbox = &links->to_shard(lcore, i);
      link.unreachable = &links->unreachable(lcore, i);
      link.outbox = &links->from_shard(i, lcore);
      for (std::size_t port = 0; port < config.ports.size(); ++port)
        link.sender_by_port.push_back(queues->sender(lcore, ports->device_of(PortIndex(port))));
      link.orders = &links->media(i, lcore).orders;
      link.progress = &links->media(i, lcore).progress;
      link.notices = &links->media_notices(lcore, i);
    }
    shards.push_back(std::make_unique<Shard>(config, std::move(setup)));
  }
}

void LcoreRig::make_workers(const RigSettings& settings) {
  for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore) {
    WorkerSetup setup;
    setup.number = lcore;
    setup.key = setup.token_key = kKey;
    setup.boards.earned = &policy->earned;
    for (const QueueOfDevice& queue : queues->rx_queues_of(lcore))
      setup.rx_queues.push_back({queue.device, devices[queue.device]->id(), queue.queue});
    for (std::size_t i = 0; i < threads.shards; ++i) {
      setup.shards.push_back(
          {&links->to_shard(lcore, i), &links->shard_bell(i), &links->unreachable(lcore, i)});
      setup.from_shards.push_back(&links->from_shard(i, lcore));
      setup.media.shards.push_back({&links->media(i, lcore).orders, &links->media(i, lcore).progress,
                                    &links->media_notices(lcore, i), &links->shard_bell(i)});
    }
    setup.media.ports = &policy->media_ports;
    setup.media.tap = settings.tap;
    setup.to_stream = &links->stream(lcore).to;
    setup.from_stream = &links->stream(lcore).from;
    setup.stream_bell = &stream_bell;
    for (std::size_t other = 0; other < threads.lcores; ++other) {
      setup.to_lcores.push_back(other == lcore ? nullptr : &links->hand_over(lcore, other));
      setup.from_lcores.push_back(other == lcore ? nullptr : &links->hand_over(other, lcore));
    }
    for (std::size_t port = 0; port < config.ports.size(); ++port)
      setup.transmit.ports.push_back({ports->device_of(PortIndex(port)), mac(port), config.ports[port].mtu,
                                      config.ports[port].vlan.value_or(0)});
    for (std::size_t device = 0; device < devices.size(); ++device)
      setup.transmit.devices.push_back({devices[device]->id(), queues->tx_queue_of(lcore, device), nullptr,
                                        setup.to_lcores[queues->sender(lcore, device)]});
    setup.transmit.pool = pools->main();
    setup.transmit.key = kKey;
    setup.transmit.asked_ahead = settings.asked_ahead;
    setup.transmit.next_hops_max = settings.next_hops_max;
    workers.push_back(std::make_unique<Worker>(
        config, Tables{*ports, rules->sources(), *listeners, *media_ranges}, std::move(setup)));
  }
}

LcoreRig::~LcoreRig() {
  workers.clear();
  shards.clear();
  links.reset();
  devices.clear();
  EXPECT_EQ(pools->free(), pools->total()) << "packet buffers were lost";
}

std::string LcoreRig::ring_name(std::size_t port, const char* end) const {
  return config.ports[port].device.name + end;
}

void LcoreRig::arrive(std::size_t port, const Bytes& frame, std::size_t piece) {
  if (piece == 0) piece = frame.size();
  rte_mbuf* head = nullptr;
  for (std::size_t at = 0; at < frame.size(); at += piece) {
    rte_mbuf* segment = rte_pktmbuf_alloc(pools->main());
    ASSERT_NE(segment, nullptr);
    const std::size_t size = std::min(piece, frame.size() - at);
    std::memcpy(rte_pktmbuf_append(segment, static_cast<std::uint16_t>(size)), frame.data() + at, size);
    if (head == nullptr)
      head = segment;
    else
      ASSERT_EQ(rte_pktmbuf_chain(head, segment), 0);
  }
  ASSERT_EQ(rte_ring_enqueue(rte_ring_lookup(ring_name(port, "_in").c_str()), head), 0);
}

std::vector<Bytes> LcoreRig::sent(std::size_t port) {
  std::vector<Bytes> frames;
  rte_ring* ring = rte_ring_lookup(ring_name(port, "_out").c_str());
  for (void* packet = nullptr; rte_ring_dequeue(ring, &packet) == 0;) {
    frames.push_back(bytes_of(*static_cast<rte_mbuf*>(packet)));
    rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
  }
  return frames;
}

void LcoreRig::answer(FromStream::Kind kind, std::size_t port, const IpAddress& destination) {
  FromStream message;
  message.kind = kind;
  message.port = PortIndex(port);
  message.destination = destination;
  message.mac = kNeighbourMac;
  for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore)
    ASSERT_TRUE(links->stream(lcore).from.send(message));
}

void LcoreRig::turn_stream() {
  for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore) {
    for (ToStream message; links->stream(lcore).to.receive(message);) {
      if (message.kind == ToStream::Kind::Resolve) {
        answer(FromStream::Kind::NextHop, to_position(message.port), message.destination);
      } else {
        to_taps.push_back(bytes_of(*message.packet));
        rte_pktmbuf_free(message.packet);
      }
    }
  }
}

void LcoreRig::adopt(const SbcConfig& next) {
  const SharedValue<SbcConfig> shared = make_value<SbcConfig>(next);
  std::vector<MacAddress> macs;
  for (std::size_t port = 0; port < config.ports.size(); ++port) macs.push_back(mac(port));
  rules->adopt_media(*shared, *ports, policy->media_ports, workers);
  policy->adopt(make_value<sip::Rulebook>(shared, policy->targets));
  ++edition;
  for (std::size_t shard = 0; shard < shards.size(); ++shard) links->shard_bell(shard).ring();
  rules->adopt(*shared, LcoreRules(*shared, macs, named_addresses(*shared, policy->targets)), kKey, workers);
}

void LcoreRig::turn() {
  for (int i = 0; i < 3; ++i) {
    for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore) turn_lcore(lcore);
    turn_shards();
    turn_stream();
  }
  for (std::size_t lcore = 0; lcore < threads.lcores; ++lcore) turn_lcore(lcore);
}

std::uint64_t LcoreRig::dropped(std::size_t port, DropReason reason) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers) sum += worker->counters(PortIndex(port)).dropped.value(reason);
  for (const auto& shard : shards) sum += shard->dropped(PortIndex(port)).value(reason);
  return sum;
}

std::uint64_t LcoreRig::received(std::size_t port, PacketClass packet_class) const {
  std::uint64_t sum = 0;
  for (const auto& worker : workers)
    sum += worker->counters(PortIndex(port)).rx_packets[static_cast<std::size_t>(packet_class)].value();
  return sum;
}

}  // namespace sallyport::dataplane
