// What is to happen in one call: who calls whom, what each does and when. The called number names the plan,
// so every agent and every check finds it again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/sim_random.h"

namespace sallyport::sim {

// How one callee behaves in one call.
struct CalleePlan {
  bool dead = false;    // never says a word
  bool trying = false;  // 100 at once
  std::vector<std::pair<Duration, int>> provisionals;
  Duration final_after{};
  int final_code = 0;              // 0: rings for ever
  bool answers_cancelled = false;  // 200 to the INVITE behind the 200 to its CANCEL
};

enum class Change : std::uint8_t { ReInvite, EmptyReInvite, Update, Info, Options };
struct MidCallAct {
  Duration after{};  // the leg came up
  bool by_caller = true;
  Change change = Change::ReInvite;
};

enum class Gone : std::uint8_t { Nobody, CallerSilent, CalleeSilent, CallerForgets, CalleeForgets };

struct CallPlan {
  unsigned index = 0;
  std::string called, caller;  // numbers
  std::size_t caller_agent = 0;
  char destination = '0';  // the digit that the route goes by
  Duration start{};
  std::optional<Duration> cancel_after;  // behind the INVITE
  bool delayed_offer = false, privacy = false;
  std::vector<MidCallAct> acts;
  Duration hang_up_after{};
  bool caller_hangs_up = true, callee_hangs_up = false;
  Gone gone = Gone::Nobody;
  Duration gone_after{};
  std::uint64_t seed = 0;
  bool simple = false;  // every callee rings and answers

  [[nodiscard]] CalleePlan callee(std::string_view agent) const;
  // Ports in SDP say whose it is.
  [[nodiscard]] unsigned caller_port() const noexcept { return 20000 + 4 * (index % 10000); }
  [[nodiscard]] unsigned callee_port() const noexcept { return caller_port() + 2; }
};

struct PlanTerms {
  std::size_t caller_agent = 0;
  char destination = '0';
  Duration start{};
  bool simple = false;
  bool nobody_vanishes = false;
};
[[nodiscard]] CallPlan make_plan(unsigned index, const PlanTerms& terms, SimRandom& random);

class PlanBook {
 public:
  const CallPlan& add(CallPlan plan) {
    const std::string called = plan.called;
    return plans_[called] = std::move(plan);
  }
  [[nodiscard]] const CallPlan* find(const std::string& called) const {
    const auto found = plans_.find(called);
    return found == plans_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const std::map<std::string, CallPlan>& all() const noexcept { return plans_; }

 private:
  std::map<std::string, CallPlan> plans_;
};

}  // namespace sallyport::sim
