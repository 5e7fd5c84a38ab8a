// device.h — one DPDK device (rte_ethdev): configured, started, polled, closed. The lcores own its queues,
// one lcore each.
#pragma once

#include <rte_ethdev.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "dataplane/dpdk/device_gate.h"
#include "dataplane/dpdk/device_plan.h"
#include "dataplane/dpdk/eal_log.h"
#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/packet_meta.h"

struct rte_ring;

namespace sallyport::dataplane {

class Device {
 public:
  struct Opening {
    DevicePlan plan;
    std::string port;       // the name of the first port on it, for messages
    std::string arguments;  // of EalArguments::devices
    std::uint32_t lcores = 1;
  };
  // Takes as many queues as there are lcores, where it has them.
  [[nodiscard]] static Result<std::unique_ptr<Device>, StartError> open(const Opening& opening,
                                                                        PacketPools& pools, EalLog& log);
  ~Device();  // stops and closes
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Packets arrive from now on; over a memif client only if its server is there, see memif_rejoin.h.
  [[nodiscard]] Result<void, StartError> start();
  // A memif client whose gate is shut and left: leaves its server.
  void pause() noexcept;
  // A memif client that is not started: joins its server and opens the gate. False: no server.
  [[nodiscard]] bool join() noexcept;
  // Idempotent. Packets that lie in its queues go back to their pool.
  void close() noexcept;

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint16_t rx_queues() const noexcept { return rx_queues_; }
  [[nodiscard]] std::uint16_t tx_queues() const noexcept { return tx_queues_; }
  [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
  [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
  // Of a memif client, which may be stopped while its lcore turns; the others have none.
  [[nodiscard]] DeviceGate* gate() const noexcept { return gate_.get(); }
  // Readable when a packet has come; -1 where the driver has no such thing.
  [[nodiscard]] int receive_socket() const noexcept { return receive_socket_; }
  [[nodiscard]] bool is_started() const noexcept { return started_; }
  // Asks the driver without waiting. Any thread.
  [[nodiscard]] bool is_link_up() const noexcept;
  // The driver may transmit packets of several segments.
  [[nodiscard]] bool sends_chains() const noexcept { return sends_chains_; }

 private:
  Device(const DevicePlan& plan, const std::string& port);
  [[nodiscard]] Result<void, StartError> attach(const std::string& arguments, EalLog& log);
  [[nodiscard]] Result<void, StartError> find(EalLog& log);
  [[nodiscard]] Result<void, StartError> make_rings();
  [[nodiscard]] Result<void, StartError> configure(std::uint32_t lcores, PacketPools& pools, EalLog& log);
  [[nodiscard]] Result<void, StartError> set_up_queues(const rte_eth_dev_info& facts, rte_mempool* pool,
                                                       EalLog& log);
  [[nodiscard]] StartError failed(const std::string& what, int error, EalLog* log) const;

  DevicePlan plan_;
  std::string port_, driver_;
  std::uint16_t id_ = 0, rx_queues_ = 0, tx_queues_ = 0;
  MacAddress mac_{};
  bool exists_ = false, started_ = false, sends_chains_ = false;
  // The driver closes it.
  int receive_socket_ = -1;
  std::array<rte_ring*, 2> rings_{};  // of a ring device: NAME_in, NAME_out
  std::unique_ptr<DeviceGate> gate_;
};

}  // namespace sallyport::dataplane
