// classify_stage.h — third stage: what is the packet for? A listener, Linux, or nobody.
//
// It stands before the guard: the listener names the realm, whose rules the guard applies, and what is for
// nobody must not take room in the guard's tables. Of TCP only a SYN to a listener or a service, and what
// belongs to a flow that Linux has (net/linux_flows.h), is for Linux.
#pragma once

#include <utility>
#include <vector>

#include "dataplane/net/linux_flows.h"
#include "dataplane/packet/listener_table.h"
#include "dataplane/packet/port_services.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {

// What Linux in the ports' namespaces has to do with the world.
struct LinuxSide {
  std::vector<PortServices> services{};  // by PortIndex; may be empty
  const LinuxFlows* flows = nullptr;     // outlives the stage; null: there are none

  LinuxSide() = default;
  LinuxSide(const SbcConfig& config, const LinuxFlows* linux_flows);
};

class ClassifyStage {
 public:
  static constexpr std::string_view kName = "classify";
  explicit ClassifyStage(ListenerTable listeners, LinuxSide linux_side = {}) noexcept
      : listeners_(std::move(listeners)), linux_(std::move(linux_side)) {}
  void process(Timestamp now, Burst& burst) noexcept;
  // Between two bursts. Both outlive the stage or the next call; `services`: by PortIndex.
  void use(const ListenerTable& listeners, const std::vector<PortServices>& services) noexcept {
    listeners_of_day_ = &listeners;
    services_of_day_ = &services;
  }

 private:
  void classify_exception(Timestamp now, Burst& burst, std::size_t i) noexcept;
  void classify_tcp(Timestamp now, Burst& burst, std::size_t i) noexcept;
  void classify_udp(Timestamp now, Burst& burst, std::size_t i) noexcept;
  // Of a path error: does it quote a flow that it can tell Linux something about?
  [[nodiscard]] bool quotes_linux_flow(Timestamp now, const Burst& burst, std::size_t i) const noexcept;
  [[nodiscard]] bool is_linux_flow(Timestamp now, const PacketMeta& meta) const noexcept;
  [[nodiscard]] const PortServices& services(PortIndex port) const noexcept {
    const std::size_t at = to_position(port);
    const auto& services = services_of_day_ != nullptr ? *services_of_day_ : linux_.services;
    return at < services.size() ? services[at] : no_services_;
  }

  [[nodiscard]] const ListenerTable& listeners() const noexcept {
    return listeners_of_day_ != nullptr ? *listeners_of_day_ : listeners_;
  }

  ListenerTable listeners_;  // of the start
  const ListenerTable* listeners_of_day_ = nullptr;
  const std::vector<PortServices>* services_of_day_ = nullptr;
  LinuxSide linux_;
  PortServices no_services_;
};
static_assert(Stage<ClassifyStage>);

}  // namespace sallyport::dataplane
