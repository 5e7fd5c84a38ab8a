// queue_plan.h — which lcore owns which queue of which device, so that no queue has two and none has no
// owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sallyport::dataplane {

struct DeviceQueues {
  std::uint16_t rx = 1, tx = 1;
};

struct QueueOfDevice {
  std::size_t device = 0;
  std::uint16_t queue = 0;
};

class QueuePlan {
 public:
  QueuePlan(std::span<const DeviceQueues> devices, std::size_t lcores)
      : devices_(devices.begin(), devices.end()), lcores_(lcores) {}

  // Queue q of device d belongs to lcore (d + q) mod lcores: devices of one queue are spread too.
  [[nodiscard]] std::size_t owner(std::size_t device, std::uint16_t queue) const noexcept {
    return (device + queue) % lcores_;
  }
  [[nodiscard]] std::vector<QueueOfDevice> rx_queues_of(std::size_t lcore) const {
    std::vector<QueueOfDevice> queues;
    for (std::size_t device = 0; device < devices_.size(); ++device)
      for (std::uint16_t queue = 0; queue < devices_[device].rx; ++queue)
        if (owner(device, queue) == lcore) queues.push_back({device, queue});
    return queues;
  }
  // Nothing: this lcore can't send there itself; see sender().
  [[nodiscard]] std::optional<std::uint16_t> tx_queue_of(std::size_t lcore,
                                                         std::size_t device) const noexcept {
    const std::size_t queue = (lcore + lcores_ - device % lcores_) % lcores_;
    if (queue >= devices_[device].tx) return std::nullopt;
    return static_cast<std::uint16_t>(queue);
  }
  // The lcore that sends on this device what `lcore` has to send.
  [[nodiscard]] std::size_t sender(std::size_t lcore, std::size_t device) const noexcept {
    if (tx_queue_of(lcore, device)) return lcore;
    return owner(device, static_cast<std::uint16_t>(lcore % devices_[device].tx));
  }
  [[nodiscard]] std::size_t lcores() const noexcept { return lcores_; }

 private:
  std::vector<DeviceQueues> devices_;
  std::size_t lcores_;
};

}  // namespace sallyport::dataplane
