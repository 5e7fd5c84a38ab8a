// parse_stage.h — first stage: fills each packet's PacketMeta, verifies checksums (but UDP's, which the guard
// does), drops what cannot be ours.
#pragma once

#include <atomic>

#include "dataplane/packet/port_table.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {

// Begins the burst: sets every packet's meta pointer and verdict. Uses Burst::device.
class ParseStage {
 public:
  static constexpr std::string_view kName = "parse";
  // `ports` outlives the stage.
  explicit ParseStage(const PortTable& ports) noexcept : ports_(&ports) {}
  void process(Timestamp now, Burst& burst) noexcept;
  // Any thread: from the next burst on. The ports are the same, their neighbours may be others. What is used
  // until then: dpdk/turns.h.
  void adopt(const PortTable& ports) noexcept { ports_.store(&ports, std::memory_order_release); }

 private:
  std::atomic<const PortTable*> ports_;
};
static_assert(Stage<ParseStage>);

}  // namespace sallyport::dataplane
