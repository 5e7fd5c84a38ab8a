// classify_stage.h — third stage: what is the packet for? A listener, Linux, or nobody.
//
// It stands before the guard: the listener names the realm, whose rules the guard applies, and what is for
// nobody must not take room in the guard's tables.
#pragma once

#include <utility>

#include "dataplane/packet/listener_table.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {

class ClassifyStage {
 public:
  static constexpr std::string_view kName = "classify";
  explicit ClassifyStage(ListenerTable listeners) noexcept : listeners_(std::move(listeners)) {}
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  void classify_error(Burst& burst, std::size_t i) noexcept;

  ListenerTable listeners_;
};
static_assert(Stage<ClassifyStage>);

}  // namespace sallyport::dataplane
