// unreachable_stage.h — ICMP errors about flows of ours go to the SIP engines: RFC 3261 §18.4.
//
// What an error quotes need not reach as far as the Call-ID, so every engine gets to know the two ends of the
// flow. None of them reaches Linux, which knows nothing of these flows.
#pragma once

#include <string_view>
#include <vector>

#include "dataplane/pipeline/burst.h"
#include "dataplane/stages/signalling_stage.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class UnreachableStage {
 public:
  static constexpr std::string_view kName = "unreachable";

  explicit UnreachableStage(std::vector<ShardLink> shards) : shards_(std::move(shards)) {}
  // After the guard, before the exception stage. Errors are freed and become Consumed, or are dropped with
  // ShardRingFull when one of the engines could not be told.
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  [[nodiscard]] bool tell_all(const Unreachable& message) noexcept;

  std::vector<ShardLink> shards_;
};

}  // namespace sallyport::dataplane
