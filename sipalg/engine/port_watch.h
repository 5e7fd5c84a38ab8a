// port_watch.h — raises the alarm media_ports_low while a realm has few media ports left, and ends it when
// there are enough again. One engine of a node does so for all.
#pragma once

#include <optional>
#include <vector>

#include "media-relay/control/port_pool.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::sip {

// In percent of a realm's pairs; quarantine counts.
inline constexpr std::uint32_t kPortsLowAt = 80;
inline constexpr std::uint32_t kPortsEnoughAt = 70;

class PortWatch {
 public:
  // Both outlive it, or `config` the next adopt().
  PortWatch(const SbcConfig& config, const media::PortPool& ports)
      : config_(&config), ports_(ports), is_low_(config.realms.size()) {}

  void adopt(const SbcConfig& config) {
    config_ = &config;
    is_low_.resize(config.realms.size());
  }

  // Looks at most once a second; call after every input.
  void look(Timestamp now, EngineOutput& out);
  // While the alarm is up it must be seen that it ends; after a pause, what came meanwhile.
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return again_at_; }

 private:
  const SbcConfig* config_;
  const media::PortPool& ports_;
  std::vector<char> is_low_;  // by realm
  Timestamp looked_at_{};
  std::optional<Timestamp> again_at_;
};

}  // namespace sallyport::sip
