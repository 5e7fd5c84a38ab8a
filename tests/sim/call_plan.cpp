// Plans drawn from a seed.
#include "tests/sim/call_plan.h"

#include <fmt/format.h>

#include <array>

namespace sallyport::sim {

CalleePlan CallPlan::callee(std::string_view agent) const {
  std::uint64_t salt = 1469598103934665603u;
  for (const char c : agent) salt = (salt ^ static_cast<unsigned char>(c)) * 1099511628211u;
  SimRandom random(seed ^ salt);
  CalleePlan callee;
  callee.trying = random.chance(0.5);
  const std::uint64_t rings = random.below(4);
  Duration at{};
  for (std::uint64_t i = 0; i < rings; ++i) {
    at += random.between(0s, 1500ms);
    callee.provisionals.emplace_back(at, random.chance(0.7) ? 180 : 183);
  }
  callee.final_after = at + random.between(0s, random.chance(0.8) ? 3s : 20s);
  callee.final_code = 200;
  if (simple) {
    callee.trying = true;
    return callee;
  }
  callee.answers_cancelled = random.chance(0.2);
  callee.reliable = random.chance(0.6);
  callee.timer = random.chance(0.5);
  callee.least_session = callee.timer && random.chance(0.2) ? 150 : 0;
  callee.lacks_update = random.chance(0.2);
  callee.keys = has_keys && ((seed ^ salt) >> 20) % 2 == 0;
  constexpr std::array<int, 12> kFailures{486, 486, 404, 480, 503, 503, 500, 408, 603, 600, 302, 488};
  const std::uint64_t kind = random.below(20);
  if (kind == 0) callee.dead = true;
  if (kind == 1) {
    callee.final_code = 0;
    if (callee.provisionals.empty())
      callee.provisionals.emplace_back(200ms, 180);  // nobody can cancel silence
  }
  if (kind >= 2 && kind <= 7) callee.final_code = kFailures[random.below(kFailures.size())];
  if (kind == 8) callee.provisionals.clear();
  return callee;
}

namespace {

void plan_middle(CallPlan& plan, SimRandom& random) {
  const std::uint64_t acts = random.chance(0.5) ? random.below(5) : 0;
  Duration at = random.between(0s, 2s);
  for (std::uint64_t i = 0; i < acts; ++i) {
    plan.acts.push_back({at, random.chance(0.5), static_cast<Change>(random.below(5))});
    // Glare: the other side does the same at the same time. RFC 3261 §14
    if (random.chance(0.2)) plan.acts.push_back({at, !plan.acts.back().by_caller, Change::ReInvite});
    at += random.between(0s, 4s);
  }
  plan.hang_up_after = random.chance(0.15) ? random.between(0ms, 20ms) : random.between(0s, 20s);
  const std::uint64_t who = random.below(20);
  plan.caller_hangs_up = who < 11;
  plan.callee_hangs_up = who >= 9 && who < 19;  // 9, 10: both; 19: nobody, the limit of the call ends it
}

// Drawn apart: worlds stay as they were where nothing of the past comes.
void plan_stale(CallPlan& plan) {
  constexpr std::uint64_t kSalt = 0x12022;
  SimRandom random(plan.seed ^ kSalt);
  const std::uint64_t acts = random.below(4);
  for (std::uint64_t i = 0; i < acts; ++i)
    plan.stale_acts.push_back({random.between(0s, random.chance(0.8) ? 10s : 60s), random.chance(0.5),
                               static_cast<Stale>(random.below(4)),
                               static_cast<StaleMethod>(random.below(5))});
}

}  // namespace

CallPlan make_plan(unsigned index, const PlanTerms& terms, SimRandom& random) {
  CallPlan plan;
  plan.index = index;
  plan.caller_agent = terms.caller_agent;
  plan.destination = terms.destination;
  plan.called = fmt::format("+1555{}{:06}", terms.destination, index);
  plan.caller = fmt::format("+1777{:06}", index);
  plan.start = terms.start;
  plan.simple = terms.simple;
  plan.seed = random.next();
  plan_middle(plan, random);
  if (terms.has_stale) plan_stale(plan);
  plan.delayed_offer = random.chance(0.15);
  // Inside is trusted: there a caller's wish for privacy is passed on, not done. RFC 3325 §7
  plan.privacy = random.chance(0.15) && terms.destination < '2';
  if (terms.simple) return plan;
  plan.has_keys = terms.has_keys;
  plan.caller_keys = plan.has_keys && random.chance(0.5);
  plan.caller_savp = plan.caller_keys && random.chance(0.5);
  if (random.chance(0.2)) plan.cancel_after = random.between(0s, random.chance(0.7) ? 6s : 30s);
  plan.reliably = static_cast<Reliably>(random.below(3));
  constexpr std::array<unsigned, 4> kSessions{0, 90, 100, 200};
  plan.session = kSessions[random.below(kSessions.size())];
  if (plan.session != 0 && random.chance(0.6)) plan.refresher = random.chance(0.5) ? "uac" : "uas";
  plan.caller_lacks_update = random.chance(0.2);
  plan.early_updates = random.chance(0.4);
  if (random.chance(0.2)) {
    plan.transfer_after = random.between(0s, 10s);
    plan.caller_transfers = random.chance(0.5);
    plan.attended = random.chance(0.4);
  }
  // Long enough that sessions must be refreshed.
  if (random.chance(0.15)) plan.hang_up_after = random.between(60s, 240s);
  if (!terms.nobody_vanishes && random.chance(0.06)) {
    plan.gone = static_cast<Gone>(1 + random.below(4));
    plan.gone_after = random.between(0s, 20s);
  }
  return plan;
}

// Drawn apart: worlds stay as they were where nobody comes.
std::optional<CallPlan> make_newcomer(CallPlan& plan, const PlanTerms& terms) {
  constexpr std::uint64_t kSalt = 0x3891;
  constexpr unsigned kNewcomers = 5000;  // their indices
  SimRandom random(plan.seed ^ kSalt);
  if (terms.simple || !random.chance(plan.attended ? 0.8 : 0.15)) return std::nullopt;
  PlanTerms of_newcomer = terms;
  of_newcomer.destination = '9';
  CallPlan newcomer = make_plan(plan.index + kNewcomers, of_newcomer, random);
  newcomer.is_transfer = true;
  newcomer.transfer_after.reset();
  newcomer.reliably = Reliably::Never;
  newcomer.privacy = false;
  newcomer.gone = Gone::Nobody;
  plan.replace_by = newcomer.called;
  if (plan.attended) return newcomer;  // whoever is asked by REFER
  plan.replace_after = random.between(0s, 6s);
  plan.caller_is_replaced = random.chance(0.5);
  plan.picks_up = !plan.caller_is_replaced && random.chance(0.4);
  if (plan.picks_up) plan.replace_after = random.between(100ms, 2s);
  return newcomer;
}

}  // namespace sallyport::sim
