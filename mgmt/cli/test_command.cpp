// test_command.cpp — see test_command.h.
#include "mgmt/cli/test_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/config/load_config.h"
#include "mgmt/log/log_line.h"
#include "policy/route/dialled.h"
#include "policy/route/prefix_table.h"
#include "policy/route/router.h"

namespace sallyport::mgmt {
namespace {

using policy::RouteDecision;
using policy::RuleEffect;

[[nodiscard]] std::string shown(std::string_view text) { return "\"" + escaped(text) + "\""; }
[[nodiscard]] std::string number_text(std::string_view number) {
  return number.empty() ? "none" : escaped(number);
}

[[nodiscard]] std::string rate_text(const Rate& rate) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(rate.per).count();
  const std::string_view unit = seconds == 1 ? "s" : seconds == 60 ? "m" : seconds == 3600 ? "h" : "";
  return unit.empty() ? fmt::format("{} in {} s", rate.events, seconds)
                      : fmt::format("{}/{}", rate.events, unit);
}

[[nodiscard]] std::string limits_text(const CallLimits& limits) {
  return fmt::format("{} calls, {}", limits.calls, rate_text(limits.rate));
}

[[nodiscard]] std::string minute_text(policy::WeekMinute now) {
  constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  if (now.value >= policy::WeekMinute::kWeekMinutes) return "at no known time";
  const unsigned minute = now.value % policy::WeekMinute::kDayMinutes;
  return fmt::format("{} {:02}:{:02} UTC", kDays[now.value / policy::WeekMinute::kDayMinutes], minute / 60,
                     minute % 60);
}

[[nodiscard]] std::string step_text(const RuleStep& step) {
  switch (step.action) {
    case RuleAction::Replace:
      return fmt::format("{}: replace {} with {}", escaped(step.field), shown(step.pattern),
                         shown(step.value));
    case RuleAction::Set:
      return fmt::format("{}: set {}", escaped(step.field), shown(step.value));
    case RuleAction::Remove:
      break;
  }
  return fmt::format("{}: remove {}", escaped(step.field), step.value);
}

// One answer of `test`, written line by line.
class CallTest {
 public:
  CallTest(const SbcConfig& config, const TestQuestion& question, TestedCall& call, policy::WeekMinute now)
      : config_(config),
        only_rules_(question.only_rules),
        call_(call),
        now_(now),
        router_(config),
        rules_(config.header_rules) {}

  [[nodiscard]] TestReport run(PeerIndex peer);

 private:
  void say(std::string_view name, const std::string& text) { text_ += fmt::format("{:<11}{}\n", name, text); }
  void say_if_route(std::string_view name, const std::string& text) {
    if (!only_rules_) say(name, text);
  }
  [[nodiscard]] const RealmConfig* realm_of(const PeerConfig& peer) const;
  void say_request(const PeerConfig& peer, bool is_emergency);
  void say_limits(std::string_view name, std::string_view way, const PeerConfig& peer,
                  const std::optional<CallLimits>& own);
  void say_decision(const RouteDecision& decision);
  void say_target(std::size_t place, const RouteDecision& decision, const PeerConfig& source,
                  const policy::RuleSubject& subject, const policy::RuleEdits& edits);
  void say_origin(const policy::TargetOrigin& origin, std::string_view called);
  void say_identity(const PeerConfig& source, const PeerConfig& target);
  void apply(std::string_view name, std::span<const std::uint16_t> rules, policy::RuleSubject& subject,
             policy::RuleEdits& edits);
  void say_step(const policy::RuleTrace& trace);
  [[nodiscard]] policy::RouteRequest request_of(PeerIndex peer, const policy::RuleSubject& subject,
                                                bool is_emergency) const;

  const SbcConfig& config_;
  bool only_rules_;
  TestedCall& call_;
  policy::WeekMinute now_;
  policy::Router router_;
  policy::RuleSet rules_;
  std::string text_;
  std::size_t steps_shown_ = 0;
};

const RealmConfig* CallTest::realm_of(const PeerConfig& peer) const {
  const auto found = std::find_if(config_.realms.begin(), config_.realms.end(),
                                  [&](const RealmConfig& realm) { return realm.name == peer.realm; });
  return found == config_.realms.end() ? nullptr : &*found;
}

void CallTest::say_step(const policy::RuleTrace& trace) {
  const HeaderRuleConfig& rule = config_.header_rules[trace.rule];
  if (trace.effect == RuleEffect::OtherMethod) {
    text_ += fmt::format("    {}: {}\n", escaped(rule.name), to_string(trace.effect));
    return;
  }
  ++steps_shown_;
  text_ += fmt::format("    {} step {}: {}: ", escaped(rule.name), trace.step + 1,
                       step_text(rule.steps[trace.step]));
  if (trace.effect == RuleEffect::Changed)
    text_ += fmt::format("{} becomes {}\n", shown(trace.before), shown(trace.after));
  else if (trace.effect == RuleEffect::Deferred)
    text_ += fmt::format("{}\n", to_string(trace.effect));
  else
    text_ += fmt::format("{} stays, {}\n", shown(trace.before), to_string(trace.effect));
}

void CallTest::apply(std::string_view name, std::span<const std::uint16_t> rules,
                     policy::RuleSubject& subject, policy::RuleEdits& edits) {
  if (rules.empty()) return;
  std::vector<policy::RuleTrace> trace;
  edits.trace = &trace;
  rules_.apply(rules, subject, edits);
  edits.trace = nullptr;
  text_ += fmt::format("{}\n", name);
  for (const policy::RuleTrace& one : trace) say_step(one);
}

void CallTest::say_request(const PeerConfig& peer, bool is_emergency) {
  say("request",
      fmt::format("{} {} from {} {} in realm {}, {}", escaped(call_.method), escaped(call_.request_uri),
                  peer.is_of_registrar() ? "an endpoint of registrar" : "peer", peer.name, peer.realm,
                  minute_text(now_)));
  say("called", number_text(call_.subject.called));
  say("caller", number_text(call_.subject.caller));
  say_if_route("emergency", is_emergency ? "yes: no limit holds" : "no");
}

void CallTest::say_limits(std::string_view name, std::string_view way, const PeerConfig& peer,
                          const std::optional<CallLimits>& own) {
  if (only_rules_) return;
  const RealmConfig* const realm = realm_of(peer);
  const CallLimits of_realm = realm == nullptr ? CallLimits{} : realm->limits;
  say(name, fmt::format("{} {} {}; realm {} {}", way, peer.name, limits_text(own.value_or(of_realm)),
                        peer.realm, limits_text(of_realm)));
}

void CallTest::say_decision(const RouteDecision& decision) {
  if (only_rules_) return;
  if (decision.route == policy::kNoRoute)
    say("route", "none matches: 404 to a peer, nothing to a stranger");
  else if (decision.route == policy::kEmergencyRoute)
    say("route", "emergency.to; no route matches");
  else
    say("route", fmt::format("{}, number {} of {}", router_.name_of(decision.route), decision.route + 1,
                             config_.routes.size()));
  if (decision.outcome == RouteDecision::Outcome::Redirect)
    say("answer", fmt::format("302 with Contact {}", escaped(decision.redirect_uri)));
  if (decision.outcome == RouteDecision::Outcome::Reject)
    say("answer", fmt::format("{}", decision.reject_code));
  if (decision.outcome != RouteDecision::Outcome::Targets) return;
  say("retry on", fmt::format("{}", fmt::join(*decision.retry_on, ", ")));
}

void CallTest::say_identity(const PeerConfig& source, const PeerConfig& target) {
  if (only_rules_) return;
  const RealmConfig* const realm = realm_of(target);
  const RealmTrust trust = realm == nullptr ? RealmTrust::Untrusted : realm->trust;
  const policy::IdentityDecision decision = policy::decide_identity(
      call_.identity,
      {source.profile.identity_accept, target.profile.identity_send, target.profile.honour_privacy,
       policy::is_in_trust_domain(trust, target.profile.identity_accept)});
  constexpr std::array<std::string_view, 3> kWritten{"no asserted identity", "P-Asserted-Identity",
                                                     "Remote-Party-ID"};
  say("  identity", fmt::format("{}{}{}", kWritten[static_cast<std::size_t>(decision.write)],
                                decision.privacy.empty() ? "" : ", Privacy: " + decision.privacy,
                                decision.hide_from ? ", From is anonymous" : ""));
}

// Of a target that a table gave: the line, and what the calls of its prefix are shared by.
void CallTest::say_origin(const policy::TargetOrigin& origin, std::string_view called) {
  if (only_rules_ || origin.table == policy::kNoTable) return;
  const TableConfig& table = config_.tables[origin.table];
  const auto match = table.content->explain(policy::unescaped_user(called));
  if (!match) return;
  std::uint32_t weight = 0, all = 0;
  for (const policy::PrefixLine& line : match->lines) {
    all += line.weight;
    if (line.line == origin.line) weight = line.weight;
  }
  say("  table", fmt::format("{} line {}: prefix {}, weight {} of {}", table.name, origin.line, match->prefix,
                             weight, all));
}

void CallTest::say_target(std::size_t place, const RouteDecision& decision, const PeerConfig& source,
                          const policy::RuleSubject& subject, const policy::RuleEdits& edits) {
  const PeerConfig& target = config_.peers[to_position(decision.targets[place])];
  std::string where;
  for (const PeerTarget& one : target.targets)
    where += (where.empty() ? "" : ", ") + (one.address ? to_string(*one.address) : one.domain);
  if (target.is_of_registrar()) where = "the contacts that are registered for the called address";
  say(fmt::format("target {}", place + 1),
      fmt::format("{} in realm {}: {}", target.name, target.realm, where));
  say_origin(decision.origins[place], subject.called);
  policy::RuleSubject out = subject;
  policy::RuleEdits out_edits = edits;
  if (place >= decision.emergency_targets) apply("  rules of the route", decision.rules, out, out_edits);
  apply(fmt::format("  rules for {}", target.name), rules_.positions(target.profile.header_rules_out), out,
        out_edits);
  say("  called", number_text(out.called));
  say("  caller", number_text(out.caller));
  for (const policy::HeaderEdit& edit : out_edits.headers)
    say("  header",
        escaped(edit.name) +
            (edit.values.empty()
                 ? " is taken out"
                 : fmt::format(": {}", escaped(fmt::format("{}", fmt::join(edit.values, ", "))))));
  say_identity(source, target);
  say_limits("  limits", "to", target, target.limits_out);
}

policy::RouteRequest CallTest::request_of(PeerIndex peer, const policy::RuleSubject& subject,
                                          bool is_emergency) const {
  const std::string& realm = config_.peers[to_position(peer)].realm;
  policy::RouteRequest request;
  request.peer = peer;
  for (std::size_t i = 0; i < config_.realms.size(); ++i)
    if (config_.realms[i].name == realm) request.realm = static_cast<RealmIndex>(i);
  request.method = call_.method;
  request.called = subject.called;
  request.caller = subject.caller;
  request.host = call_.host;
  request.request_uri = call_.request_uri;
  request.headers = call_.headers;
  request.time = now_;
  request.is_emergency = is_emergency;
  return request;
}

TestReport CallTest::run(PeerIndex peer) {
  const PeerConfig& source = config_.peers[to_position(peer)];
  const bool is_emergency = router_.is_emergency(call_.subject.called, call_.request_uri);
  say_request(source, is_emergency);
  say_limits("limits", "from", source, source.limits_in);
  policy::RuleSubject subject = call_.subject;
  policy::RuleEdits edits;
  apply(fmt::format("rules of {}", source.name), rules_.positions(source.profile.header_rules_in), subject,
        edits);
  const RouteDecision decision = router_.route(request_of(peer, subject, is_emergency));
  if (decision.is_emergency && !is_emergency)
    say_if_route("emergency", "yes, by its number behind the rules");
  say_decision(decision);
  for (std::size_t i = 0; i < decision.targets.size(); ++i) say_target(i, decision, source, subject, edits);
  if (decision.outcome == RouteDecision::Outcome::Targets && decision.reject_code != 0)
    say_if_route("then", fmt::format("{}", decision.reject_code));
  if (decision.outcome == RouteDecision::Outcome::Targets && !decision.redirect_uri.empty())
    say_if_route("then", fmt::format("302 with Contact {}", escaped(decision.redirect_uri)));
  if (only_rules_ && steps_shown_ == 0) text_ += "no rule is for this call\n";
  const bool is_match = only_rules_ ? steps_shown_ != 0 : decision.outcome != RouteDecision::Outcome::NoMatch;
  return {std::move(text_), {}, is_match ? kExitOk : kExitNoMatch};
}

[[nodiscard]] TestReport refused(const std::string& why, int status) {
  return {{}, "sallyport: " + why + "\n", status};
}

}  // namespace

TestReport test_report(const SbcConfig& config, const TestQuestion& question, std::string_view message,
                       policy::WeekMinute now) {
  const auto peer = std::find_if(config.peers.begin(), config.peers.end(),
                                 [&](const PeerConfig& one) { return one.name == question.peer; });
  if (peer == config.peers.end()) return refused("there is no peer " + shown(question.peer), kExitNoMatch);
  const auto call = make_tested_call(question, message, peer->profile.strictness);
  if (!call) {
    const std::string file = question.invite_file.empty() ? "" : escaped(question.invite_file) + ": ";
    return refused(file + call.error(), kExitNoMatch);
  }
  return CallTest(config, question, **call, now).run(static_cast<PeerIndex>(peer - config.peers.begin()));
}

TestReport test_command(const std::string& config_file, const TestQuestion& question, WallTime now) {
  const LoadedConfig loaded = load_config(config_file);
  if (loaded.has_errors()) {
    TestReport report = refused(escaped(config_file) + " is refused", kExitBadConfiguration);
    for (const ConfigProblem& problem : loaded.problems)
      if (problem.is_error()) report.error += escaped(to_string(problem)) + "\n";
    return report;
  }
  std::string message;
  if (!question.invite_file.empty()) {
    std::ifstream file(question.invite_file, std::ios::binary);
    if (!file) return refused(escaped(question.invite_file) + " can't be read", kExitNoMatch);
    message.resize(kTestedMessageBytesMax + 1);
    file.read(message.data(), static_cast<std::streamsize>(message.size()));
    message.resize(static_cast<std::size_t>(file.gcount()));
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return test_report(loaded.config, question, message, policy::WeekMinute::of_unix(seconds));
}

}  // namespace sallyport::mgmt
