// parse_stage.h — first stage: fills each packet's PacketMeta, verifies checksums (but UDP's, which the guard
// does), drops what cannot be ours.
#pragma once

#include "dataplane/packet/port_table.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {

// Begins the burst: sets every packet's meta pointer and verdict. Uses Burst::device.
class ParseStage {
 public:
  static constexpr std::string_view kName = "parse";
  // `ports` outlives the stage.
  explicit ParseStage(const PortTable& ports) noexcept : ports_(ports) {}
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  const PortTable& ports_;
};
static_assert(Stage<ParseStage>);

}  // namespace sallyport::dataplane
