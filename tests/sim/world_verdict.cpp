// What must be so when all is silent: nothing is left in the border, both legs agree, each attempt has its
// record, no two phones rang at once, and in a calm world each call went as it was planned.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/sim/sip_world.h"

namespace sallyport::sim {
namespace {

constexpr std::size_t kFirstTarget = 2, kSecondTarget = 3, kFirstLeaf = 5;
constexpr Duration kSetup = 5s, kDoubt = 1s;
constexpr Duration kPracks = 2s;  // that an answer may have to wait for

// How a call should end when nothing is lost; nothing where two things happen too close together.
struct Expected {
  bool answered = false;
  int code = 0;  // of a failure; 0: any
};

struct TargetEnd {
  enum class Kind : std::uint8_t { Answers, Fails, FailsOver, Unsure } kind = Kind::Unsure;
  Duration at{};
  int code = 0;
};

TargetEnd end_of(const CalleePlan& callee, Duration from) {
  using Kind = TargetEnd::Kind;
  if (callee.dead) return {Kind::FailsOver, from + kSetup, 0};
  Duration first = callee.final_code == 0 ? Duration{3min} : callee.final_after;
  if (callee.trying) first = 0s;
  if (!callee.provisionals.empty()) first = std::min(first, callee.provisionals.front().first);
  if (first > kSetup - kDoubt && first < kSetup + kDoubt) return {Kind::Unsure, from, 0};
  if (first > kSetup) return {Kind::FailsOver, from + kSetup, 0};
  if (callee.final_code == 0) return {Kind::Unsure, from, 0};
  const Duration at = from + callee.final_after;
  if (callee.final_code < 300) return {Kind::Answers, at, callee.final_code};
  switch (callee.final_code) {
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return {Kind::FailsOver, at, callee.final_code};
    case 302:
      return {Kind::Fails, at, 0};
    default:
      return {Kind::Fails, at, callee.final_code};
  }
}

std::optional<Expected> with_cancel(const CallPlan& plan, Duration end_at, Expected expected) {
  if (!plan.cancel_after) return expected;
  if (*plan.cancel_after < end_at - kDoubt) return Expected{false, 487};
  if (*plan.cancel_after < end_at + kDoubt + kPracks) return std::nullopt;
  return expected;
}

std::optional<Expected> expected_serial(const CallPlan& plan, const std::vector<CalleePlan>& callees) {
  Duration at{};
  for (const CalleePlan& callee : callees) {
    const TargetEnd end = end_of(callee, at);
    at = end.at;
    switch (end.kind) {
      case TargetEnd::Kind::Unsure:
        return std::nullopt;
      case TargetEnd::Kind::Answers:
        return with_cancel(plan, at, {true, 200});
      case TargetEnd::Kind::Fails:
        return with_cancel(plan, at, {false, end.code});
      case TargetEnd::Kind::FailsOver:
        break;
    }
  }
  return with_cancel(plan, at, {false, 0});
}

std::optional<Expected> expected_forked(const CallPlan& plan, const std::vector<CalleePlan>& callees) {
  std::optional<Duration> first;
  // Whoever asks for a longer session has the call made once more, while the others ring.
  for (const CalleePlan& callee : callees)
    if (callee.least_session != 0) return std::nullopt;
  for (const CalleePlan& callee : callees)
    if (!callee.dead && callee.final_code == 200)
      first = std::min(first.value_or(callee.final_after), callee.final_after);
  if (!first) return std::nullopt;
  return with_cancel(plan, *first, {true, 200});
}

}  // namespace

std::string SipWorld::left_behind() {
  std::uint64_t calls = 0, dialogs = 0, transactions = 0, bindings = 0;
  std::string left;
  for (const auto& engine : engines_) {
    calls += engine->counters().calls_active.value();
    dialogs += engine->counters().dialogs_active.value();
    transactions += engine->counters().transactions_active.value();
    bindings += engine->counters().registrations_active.value();
    if (const auto deadline = engine->next_deadline())
      left += fmt::format("a timer, {:.1f} s from now; ",
                          static_cast<double>((*deadline - border_now()).count()) / 1e9);
    if (const auto saved = engine->save(border_now()); !saved.empty())
      left += fmt::format("{} calls that would be saved; ", saved.size());
  }
  if (calls + dialogs + transactions + bindings != 0)
    left += fmt::format("{} calls, {} dialogs, {} transactions, {} bindings; ", calls, dialogs, transactions,
                        bindings);
  for (std::size_t i = 0; i < config_.peers.size(); ++i)
    for (const auto direction : {policy::CallDirection::In, policy::CallDirection::Out})
      if (const auto held = policy_->admission.active(PeerIndex{static_cast<std::uint16_t>(i)}, direction);
          held != 0)
        left += fmt::format("{} calls that peer {} still counts; ", held, config_.peers[i].name);
  return left + media_.left_behind(border_now(), policy_->media_ports, config_.realms.size());
}

void SipWorld::check_agreement() {
  for (const auto& agent : agents_)
    for (const auto& [call_id, leg] : agent->legs()) {
      if (leg.state != LegState::Over && !leg.gone)
        judge_.blame(fmt::format("{} is left {} in call {} ({}), Call-ID {}", agent->settings().name,
                                 leg.state < LegState::Answered ? "ringing" : "in a call", leg.plan->index,
                                 leg.plan->called, call_id));
      if (leg.is_caller && leg.replaces.empty()) check_attempt(*agent, leg);
    }
}

void SipWorld::check_attempt(const UserAgent& agent, const AgentLeg& leg) {
  unsigned starts = 0, ends = 0;
  const CallRecord* end = nullptr;
  for (const auto& [number, call] : border_.records()) {
    const bool is_this = call.ends != 0 && !call.end.legs.empty() && call.end.legs[0].call_id == leg.call_id;
    if (!is_this) continue;
    starts += call.starts;
    ends += call.ends;
    end = &call.end;
  }
  const int told = border_.caller_code(leg.call_id);
  const std::string who =
      fmt::format("{}, call {}, Call-ID {}", agent.settings().name, leg.plan->index, leg.call_id);
  // What is refused because a table is full is no attempt: a flood must not fill the journal.
  const bool was_full = settings_.tight && told == 503 && ends == 0;
  if (told != 0 && ends != 1 && !was_full)
    judge_.blame(fmt::format("{} end records for an attempt that got {}: {}", ends, told, who));
  if (told != 0 && starts != (border_.told_success(leg.call_id) ? 1u : 0u))
    judge_.blame(fmt::format("{} start records for a call that got {}: {}", starts, told, who));
  if (end == nullptr) return;
  if (end->sip_code != told)
    judge_.blame(fmt::format("the record says {} but the caller was told {}: {}", end->sip_code, told, who));
  if (told == 486 && end->result != CallResult::Busy)
    judge_.blame("busy is recorded as something else: " + who);
  if (settings_.calm && told == 487 && leg.wants_cancel && end->result != CallResult::Cancelled)
    judge_.blame(fmt::format("a cancelled call is recorded as {}: {}", to_string(end->result), who));
  const bool caller_ended = leg.sent_bye && !leg.got_bye;
  if (settings_.calm && caller_ended && end->ended_by != EndedBy::Caller && !leg.plan->callee_hangs_up &&
      !leg.plan->transfer_after && !leg.transfer.is_partner && plans_.joined_ports(leg.plan->index).empty())
    judge_.blame(fmt::format("the caller ended it, the record says {}: {}", to_string(end->ended_by), who));
}

// Serial failover: the second target only when the first is silent or has failed.
void SipWorld::check_one_phone_rings() {
  const Duration allowance = settings_.calm ? Duration{500ms} : Duration{35s};
  for (const auto& [first_id, first] : agents_[kFirstTarget]->legs())
    for (const auto& [second_id, second] : agents_[kSecondTarget]->legs()) {
      if (first.is_caller || second.is_caller || first.plan != second.plan) continue;
      if (!first.ringing_from || !second.ringing_from) continue;
      const Timestamp from = std::max(*first.ringing_from, *second.ringing_from);
      const Timestamp until = std::min(first.ringing_until.value_or(network_.now()),
                                       second.ringing_until.value_or(network_.now()));
      if (until - from > allowance && !first.gone && !second.gone)
        judge_.blame(fmt::format("two phones rang for {:.2f} s in call {}",
                                 static_cast<double>((until - from).count()) / 1e9, first.plan->index));
    }
}

void SipWorld::check_expectations() {
  for (const auto& agent : agents_)
    for (const auto& [call_id, leg] : agent->legs()) {
      if (!leg.is_caller || !leg.replaces.empty() || leg.plan->picks_up) continue;
      const CallPlan& plan = *leg.plan;
      std::vector<CalleePlan> callees;
      const auto add = [&](std::size_t i) { callees.push_back(plan.callee(agents_[i]->settings().name)); };
      std::optional<Expected> expected;
      if (plan.phone) {
        add(*plan.phone);
        expected = expected_serial(plan, callees);
      } else if (plan.destination == '4') {
        for (std::size_t i = 0; i < proxy_->targets(); ++i) add(kFirstLeaf + i);
        expected = expected_forked(plan, callees);
      } else {
        if (plan.destination == '2') add(kFirstTarget);
        add(plan.destination == '0'   ? 0
            : plan.destination == '1' ? 1
            : plan.destination == '2' ? kSecondTarget
                                      : kSecondTarget + 1);
        if (plan.destination == '2' && settings_.target_down) continue;
        expected = expected_serial(plan, callees);
      }
      if (!expected) continue;
      const bool is_right = expected->answered ? leg.was_up && leg.final_code == 200
                                               : leg.final_code >= 300 && (expected->code == 0 ||
                                                                           expected->code == leg.final_code);
      if (!is_right)
        judge_.blame(fmt::format("call {} of {} got {} where {} was due, Call-ID {}", plan.index,
                                 agent->settings().name, leg.final_code, expected->code, call_id));
    }
}

WorldCounts SipWorld::counts() const {
  WorldCounts counts;
  for (const auto& agent : agents_) counts.stale += agent->stale_refused();
  for (const auto& agent : agents_)
    for (const auto& [call_id, leg] : agent->legs())
      if (leg.is_caller) {
        ++counts.calls;
        if (leg.was_up)
          ++counts.answered;
        else
          ++counts.failed;
      }
  counts.datagrams = network_.sent();
  counts.restarts = restarts_;
  counts.steps = drives_;
  counts.exchanges = static_cast<unsigned>(exchanges_.all().size());
  for (const auto& subscriber : subscribers_)
    for (const auto& [call_id, subscription] : subscriber->all())
      counts.subscriptions += subscription.accepted ? 1 : 0;
  for (const auto& registration : registrations_) counts.registrations += registration->was_bound() ? 1 : 0;
  return counts;
}

}  // namespace sallyport::sim
