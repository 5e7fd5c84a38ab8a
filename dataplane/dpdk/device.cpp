// device.cpp — opens, starts and closes a DPDK device; every failure becomes a sentence with the port's name.
#include "dataplane/dpdk/device.h"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "dataplane/dpdk/memif_socket.h"
#include "dataplane/dpdk/receive_socket.h"
#include "dataplane/dpdk/without_fanout.h"

namespace sallyport::dataplane {
namespace {

// Several queues only where the device spreads packets over them by itself.
bool has_rss(DeviceKind kind) { return kind == DeviceKind::Pci; }

// Of the sockets that its driver receives on.
int socket_family(DeviceKind kind) {
  if (kind == DeviceKind::AfPacket) return AF_PACKET;
  return kind == DeviceKind::AfXdp ? AF_XDP : AF_UNSPEC;
}

const char* package_of(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::AfXdp:
      return "librte-net-af-xdp23";
    case DeviceKind::AfPacket:
      return "librte-net-af-packet23";
    case DeviceKind::Memif:
      return "librte-net-memif23";
    case DeviceKind::Pcap:
      return "librte-net-pcap23";
    case DeviceKind::Ring:
      return "librte-net-ring23";
    case DeviceKind::Discard:
      return "librte-net-null23";
    case DeviceKind::Pci:
      break;
  }
  return "the librte-net package of its driver";
}

}  // namespace

Device::Device(const DevicePlan& plan, const std::string& port) : plan_(plan), port_(port) {
  if (plan.spec.kind == DeviceKind::Memif && !plan.spec.memif_server) gate_ = std::make_unique<DeviceGate>();
}

StartError Device::failed(const std::string& what, int error, EalLog* log) const {
  const std::string lines = log != nullptr ? log->last_lines() : "";
  return {fmt::format("port {}: {} {}: {}{}{}", port_, plan_.spec.text, what,
                      rte_strerror(error < 0 ? -error : error), lines.empty() ? "" : "; DPDK says: ", lines)};
}

Result<std::unique_ptr<Device>, StartError> Device::open(const Opening& opening, PacketPools& pools,
                                                         EalLog& log) {
  std::unique_ptr<Device> device(new Device(opening.plan, opening.port));
  const DeviceKind kind = opening.plan.spec.kind;
  const ReceiveSocket socket(socket_family(kind));
  if (kind != DeviceKind::Pci) {  // those EAL has probed itself
    log.clear();
    auto made = kind == DeviceKind::Ring ? device->make_rings() : device->attach(opening.arguments, log);
    if (!made) return fail(made.error());
  }
  if (auto found = device->find(log); !found) return fail(found.error());
  if (auto configured = device->configure(opening.lcores, pools, log); !configured)
    return fail(configured.error());
  device->receive_socket_ = socket.find();
  return device;
}

Result<void, StartError> Device::attach(const std::string& arguments, EalLog& log) {
  int error = 0;
  const auto task = [&] { error = rte_eal_hotplug_add("vdev", plan_.eal_name.c_str(), arguments.c_str()); };
  if (plan_.spec.kind != DeviceKind::AfPacket) {
    task();
  } else if (!run_without_fanout(task)) {
    return fail(
        StartError{fmt::format("port {}: {} can't be opened without CAP_SYS_ADMIN; start sallyport as root "
                               "or from its service unit",
                               port_, plan_.spec.text)});
  }
  if (error == 0) return {};
  if (error == -ENOENT || log.has("no driver found") || log.has("failed to find driver")) {
    return fail(StartError{fmt::format("port {}: DPDK has no driver for {}; install {}", port_,
                                       plan_.spec.text, package_of(plan_.spec.kind))});
  }
  return fail(failed("can't be opened", error, &log));
}

// Two rings that whoever runs in this process may use as the far end: puts into NAME_in, takes from NAME_out.
Result<void, StartError> Device::make_rings() {
  const std::array<const char*, 2> ends{"_in", "_out"};
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const std::string name = plan_.spec.name + ends[i];
    rings_[i] = rte_ring_create(name.c_str(), kDescriptorsPerQueue, SOCKET_ID_ANY, 0);
    if (rings_[i] == nullptr) return fail(failed("has no memory for its rings", rte_errno, nullptr));
  }
  if (rte_eth_from_rings(plan_.spec.name.c_str(), &rings_[0], 1, &rings_[1], 1,
                         static_cast<unsigned>(SOCKET_ID_ANY)) < 0)
    return fail(failed("can't be made", rte_errno, nullptr));
  plan_.eal_name = "net_ring_" + plan_.spec.name;  // as the driver calls it
  return {};
}

Result<void, StartError> Device::find(EalLog& log) {
  if (rte_eth_dev_get_port_by_name(plan_.eal_name.c_str(), &id_) == 0) {
    exists_ = true;
    return {};
  }
  return fail(StartError{
      fmt::format("port {}: DPDK could not open {}: {}", port_, plan_.spec.text, log.last_lines())});
}

Result<void, StartError> Device::configure(std::uint32_t lcores, PacketPools& pools, EalLog& log) {
  rte_eth_dev_info facts{};
  if (const int error = rte_eth_dev_info_get(id_, &facts); error != 0)
    return fail(failed("gives no facts about itself", error, &log));
  driver_ = facts.driver_name != nullptr ? facts.driver_name : "";
  const auto wanted = static_cast<std::uint16_t>(has_rss(plan_.spec.kind) ? lcores : 1);
  rx_queues_ = std::min(wanted, std::max<std::uint16_t>(facts.max_rx_queues, 1));
  tx_queues_ = std::min(wanted, std::max<std::uint16_t>(facts.max_tx_queues, 1));

  auto pool = pools.of_socket(rte_eth_dev_socket_id(id_));
  if (!pool) return fail(pool.error());

  rte_eth_conf conf{};
  if (rx_queues_ > 1) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf =
        facts.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
  }
  if (plan_.spec.kind == DeviceKind::Pci) conf.rxmode.mtu = plan_.mtu;
  conf.rxmode.offloads = facts.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.txmode.offloads = facts.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  sends_chains_ = conf.txmode.offloads != 0;
  if (const int error = rte_eth_dev_configure(id_, rx_queues_, tx_queues_, &conf); error != 0)
    return fail(failed("can't be configured", error, &log));
  if (auto queues = set_up_queues(facts, *pool, log); !queues) return queues;

  // Virtual devices that carry any size say so with ENOTSUP.
  if (const int error = rte_eth_dev_set_mtu(id_, plan_.mtu); error != 0 && error != -ENOTSUP) {
    return fail(StartError{fmt::format("port {}: {} does not take an MTU of {} ({}); lower mtu", port_,
                                       plan_.spec.text, plan_.mtu, rte_strerror(-error))});
  }
  rte_ether_addr address{};
  if (const int error = rte_eth_macaddr_get(id_, &address); error != 0)
    return fail(failed("has no MAC address", error, &log));
  if (rte_is_zero_ether_addr(&address))
    rte_eth_random_addr(address.addr_bytes);  // a ring has none of its own
  std::copy(std::begin(address.addr_bytes), std::end(address.addr_bytes), mac_.begin());
  return {};
}

Result<void, StartError> Device::set_up_queues(const rte_eth_dev_info& facts, rte_mempool* pool,
                                               EalLog& log) {
  std::uint16_t rx_descriptors = kDescriptorsPerQueue, tx_descriptors = kDescriptorsPerQueue;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors); error != 0)
    return fail(failed("has no such queue sizes", error, &log));
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
  rte_eth_rxconf rx = facts.default_rxconf;
  rx.offloads = 0;
  for (std::uint16_t queue = 0; queue < rx_queues_; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(id_, queue, rx_descriptors, socket, &rx, pool); error != 0)
      return fail(failed("has no receive queue", error, &log));
  }
  rte_eth_txconf tx = facts.default_txconf;
  tx.offloads = 0;
  for (std::uint16_t queue = 0; queue < tx_queues_; ++queue) {
    if (const int error = rte_eth_tx_queue_setup(id_, queue, tx_descriptors, socket, &tx); error != 0)
      return fail(failed("has no transmit queue", error, &log));
  }
  return {};
}

Result<void, StartError> Device::start() {
  if (gate_ != nullptr) {
    (void)join();  // no server yet is no error
    return {};
  }
  // Ours alone: what is for other MACs is none of our business. Groups (neighbour discovery) must arrive.
  rte_eth_promiscuous_disable(id_);
  if (const int error = rte_eth_dev_start(id_); error != 0)
    return fail(failed("can't be started", error, nullptr));
  started_ = true;
  rte_eth_allmulticast_enable(id_);
  return {};
}

void Device::pause() noexcept {
  rte_eth_dev_stop(id_);
  started_ = false;
}

// Looks first: the driver reports each failure, and would wait for a server that does not accept.
bool Device::join() noexcept {
  if (look_for_memif_server(plan_.spec.name) != MemifServer::Present) return false;
  if (rte_eth_dev_start(id_) != 0) return false;
  started_ = true;
  gate_->open();
  return true;
}

void Device::close() noexcept {
  if (exists_) {
    if (started_) rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
  exists_ = started_ = false;
  for (rte_ring*& ring : rings_) {
    if (ring == nullptr) continue;
    for (void* packet = nullptr; rte_ring_dequeue(ring, &packet) == 0;)
      rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
    rte_ring_free(ring);
    ring = nullptr;
  }
}

Device::~Device() { close(); }

bool Device::is_link_up() const noexcept {
  rte_eth_link link{};
  return exists_ && rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace sallyport::dataplane
