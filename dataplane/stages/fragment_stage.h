// fragment_stage.h — second stage: takes fragments out of the burst and puts whole packets in their place.
#pragma once

#include <atomic>
#include <span>

#include "dataplane/packet/fragment_table.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/pipeline/stage.h"
#include "dataplane/stages/guard_boards.h"
#include "policy/decide/source_classifier.h"

namespace sallyport::dataplane {

// Fragments of denied and blocked sources are dropped before they cost anything.
class FragmentStage {
 public:
  static constexpr std::string_view kName = "fragment";
  struct Surroundings {  // all outlive the stage
    const PortTable& ports;
    const policy::SourceClassifier& sources;
    std::span<PortCounters> counters;  // one for each port
    GuardBoards boards = {};
  };
  FragmentStage(const Surroundings& surroundings, const FragmentLimits& limits, const HashKey& key)
      : ports_(surroundings.ports),
        boards_(surroundings.boards),
        sources_(&surroundings.sources),
        table_(limits, key, surroundings.counters) {}

  void process(Timestamp now, Burst& burst) noexcept;
  // Any thread: from the next burst on. What is used until then: dpdk/turns.h.
  void adopt(const policy::SourceClassifier& sources) noexcept {
    sources_.store(&sources, std::memory_order_release);
  }
  // Call it now and then when no burst comes, so that what waited too long is freed.
  void on_idle(Timestamp now) noexcept { table_.expire(now); }
  [[nodiscard]] const FragmentTable& table() const noexcept { return table_; }

 private:
  // Who is behind that address is seen when the packet is whole; somebody there has earned trust.
  [[nodiscard]] bool may_be_proved(const policy::SourceClassifier& sources, const PacketMeta& meta,
                                   Timestamp now) const noexcept;
  void take(const policy::SourceClassifier& sources, Timestamp now, Burst& burst, std::size_t i) noexcept;

  const PortTable& ports_;
  const GuardBoards boards_;
  std::atomic<const policy::SourceClassifier*> sources_;
  FragmentTable table_;
};
static_assert(Stage<FragmentStage>);

}  // namespace sallyport::dataplane
