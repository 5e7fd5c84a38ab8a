// What is to happen in one call: who calls whom, what each does and when. The called number names the plan,
// so every agent and every check finds it again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
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
  bool reliable = false;           // knows 100rel, RFC 3262
  bool timer = false;              // knows session timers, RFC 4028
  unsigned least_session = 0;      // less gets 422
  bool lacks_update = false;       // and its Allow says so
  bool keys = false;               // knows SDES, RFC 4568
};

enum class Change : std::uint8_t { ReInvite, EmptyReInvite, Update, Info, Options, Refresh };
struct MidCallAct {
  Duration after{};  // the leg came up
  bool by_caller = true;
  Change change = Change::ReInvite;
};

// What of the past comes: a request with a number long passed, one that its successor has overtaken, another
// one with the last number, or the very octets of one that has its answer. RFC 3261 §12.2.2, §17.2.2
enum class Stale : std::uint8_t { Late, Crossed, SameNumber, Replayed };
enum class StaleMethod : std::uint8_t { Options, Info, Refresh, ReInvite, Bye };
struct StaleAct {
  Duration after{};  // the leg came up
  bool by_caller = true;
  Stale what = Stale::Late;
  StaleMethod method = StaleMethod::Info;
};

enum class Reliably : std::uint8_t { Never, Supported, Required };  // 100rel of a caller

enum class Gone : std::uint8_t { Nobody, CallerSilent, CalleeSilent, CallerForgets, CalleeForgets };

struct CallPlan {
  unsigned index = 0;
  std::string called, caller;        // numbers
  std::string request_uri;           // empty: the called number at the border
  std::optional<std::size_t> phone;  // agent that is called at its binding
  std::size_t caller_agent = 0;
  char destination = '0';  // the digit that the route goes by
  Duration start{};
  std::optional<Duration> cancel_after;  // behind the INVITE
  bool delayed_offer = false, privacy = false;
  std::vector<MidCallAct> acts;
  std::vector<StaleAct> stale_acts;
  Duration hang_up_after{};
  bool caller_hangs_up = true, callee_hangs_up = false;
  Gone gone = Gone::Nobody;
  Duration gone_after{};
  Reliably reliably = Reliably::Never;
  unsigned session = 0;   // Session-Expires of the caller; 0: it knows no timers
  std::string refresher;  // that it asks for; empty: none
  bool caller_lacks_update = false, early_updates = false;
  // A transfer of the call when it is up: by whom, to which number; attended: to another call of his.
  std::optional<Duration> transfer_after;
  bool caller_transfers = false, attended = false;
  std::string transfer_to;
  bool is_transfer = false;  // nobody dials it: a transfer leads here
  // Another phone of the same peer takes the place of one side, up or still ringing: who it is. RFC 3891
  std::optional<Duration> replace_after;
  bool caller_is_replaced = false, picks_up = false;
  std::string replace_by;
  bool caller_keys = false, caller_savp = false;  // knows SDES; and will have nothing else
  std::uint64_t seed = 0;
  bool has_keys = false;
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
  bool has_keys = false;  // some secure their media
  bool has_stale = false;
};
[[nodiscard]] CallPlan make_plan(unsigned index, const PlanTerms& terms, SimRandom& random);
// Some plans get somebody who takes the place of one side; who that is.
[[nodiscard]] std::optional<CallPlan> make_newcomer(CallPlan& plan, const PlanTerms& terms);

class PlanBook {
 public:
  const CallPlan& add(CallPlan plan) {
    const std::string called = plan.called;
    by_caller_[plan.caller] = called;
    return plans_[called] = std::move(plan);
  }
  [[nodiscard]] const CallPlan* find(const std::string& called) const {
    const auto found = plans_.find(called);
    return found == plans_.end() ? nullptr : &found->second;
  }
  // Parties of both may come to talk with each other.
  void join(unsigned one, unsigned other) const {
    joined_[one].insert(other);
    joined_[other].insert(one);
  }
  // Ports of everybody who may be at the far end of that plan's legs by a transfer.
  [[nodiscard]] std::set<unsigned> joined_ports(unsigned index) const {
    std::set<unsigned> seen{index}, ports;
    std::vector<unsigned> open{index};
    while (!open.empty()) {
      const unsigned one = open.back();
      open.pop_back();
      const auto found = joined_.find(one);
      if (found == joined_.end()) continue;
      for (const unsigned next : found->second)
        if (seen.insert(next).second) open.push_back(next);
    }
    if (seen.size() > 1)
      for (const unsigned one : seen) ports.insert({20000 + 4 * (one % 10000), 20002 + 4 * (one % 10000)});
    return ports;
  }
  [[nodiscard]] const CallPlan* find_by_caller(const std::string& caller) const {
    const auto found = by_caller_.find(caller);
    return found == by_caller_.end() ? nullptr : find(found->second);
  }
  [[nodiscard]] const std::map<std::string, CallPlan>& all() const noexcept { return plans_; }

 private:
  std::map<std::string, CallPlan> plans_;
  std::map<std::string, std::string> by_caller_;
  mutable std::map<unsigned, std::set<unsigned>> joined_;  // agents say so while they play
};

}  // namespace sallyport::sim
