// unreachable_stage.h — ICMP errors about flows of ours go to the SIP engines: RFC 3261 §18.4.
//
// What an error quotes need not reach as far as the Call-ID, so every engine gets to know the two ends of the
// flow. None of them reaches Linux, which knows nothing of these flows.
#pragma once

#include <string_view>

#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/unreachable_posts.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class UnreachableStage {
 public:
  static constexpr std::string_view kName = "unreachable";

  // `posts` outlives it.
  explicit UnreachableStage(UnreachablePosts& posts) : posts_(posts) {}
  // After the guard, before the exception stage. Errors are freed and become Consumed, or are dropped with
  // ShardRingFull when one of the engines could not be told.
  void process(Timestamp now, Burst& burst) noexcept;

 private:
  UnreachablePosts& posts_;
};

}  // namespace sallyport::dataplane
