// How long a session lasts without a refresh, and what an agent says that it knows: RFC 4028; RFC 3261 §20.5,
// §20.37.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/sim/agent_digest.h"
#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

unsigned seconds_of(const std::string& value) {
  return static_cast<unsigned>(std::strtoul(value.c_str(), nullptr, 10));
}

}  // namespace

bool UserAgent::knows_timer(const AgentLeg& leg) const {
  return leg.is_caller ? leg.plan->session != 0 : leg.plan->callee(settings_.name).timer;
}

void UserAgent::say_abilities(const AgentLeg& leg, SipText& message) const {
  const CalleePlan callee = leg.plan->callee(settings_.name);
  const bool reliable = leg.is_caller ? leg.plan->reliably == Reliably::Supported : callee.reliable;
  const bool lacks_update = leg.is_caller ? leg.plan->caller_lacks_update : callee.lacks_update;
  std::string supported = reliable ? "100rel" : "";
  if (knows_timer(leg)) supported += supported.empty() ? "timer" : ", timer";
  if (!supported.empty()) message.add("Supported", supported);
  message.add("Allow", fmt::format("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, REFER, NOTIFY{}",
                                   lacks_update ? "" : ", UPDATE"));
}

// One of the two names of a call, by which it is found on both legs; every second call has them. RFC 7989 §5
std::string UserAgent::session_id(const AgentLeg& leg, bool of_caller) const {
  const std::string who = of_caller ? "caller" : "callee " + settings_.name;
  return digest_hash("MD5", fmt::format("{} {}", who, leg.plan->index));
}

void UserAgent::say_session_id(const AgentLeg& leg, SipText& message) const {
  if (leg.plan->index % 2 != 0 || leg.plan->is_transfer) return;
  if (leg.is_caller)
    message.add("Session-ID", session_id(leg, true) + ";remote=00000000000000000000000000000000");
  else
    message.add("Session-ID", fmt::format("{};remote={}", session_id(leg, false), session_id(leg, true)));
}

void UserAgent::check_session_id(const AgentLeg& leg, const SipText& message) {
  if (leg.plan->index % 2 != 0 || leg.plan->is_transfer || !settings_.leads_to) return;
  const std::string& value = message.value("Session-ID");
  const std::string of_caller = session_id(leg, true);
  const std::string said = leg.is_caller ? param_of(value, "remote") : value.substr(0, value.find(';'));
  if (said != of_caller)
    blame(fmt::format("Session-ID '{}' where {} began: {}", value, of_caller, message.summary()));
}

// RFC 4028 §7.1, §7.4
void UserAgent::ask_session(const AgentLeg& leg, SipText& request) const {
  if (!knows_timer(leg)) return;
  if (leg.session.seconds == 0 && leg.state != LegState::Calling) return;
  unsigned seconds = leg.session.seconds;
  std::string who = leg.session.is_ours ? "uac" : "uas";
  if (leg.state == LegState::Calling) {
    seconds = std::max(leg.plan->session, leg.session_floor);
    who = leg.plan->refresher;
  }
  request.add("Session-Expires", fmt::format("{}{}{}", seconds, who.empty() ? "" : ";refresher=", who));
  if (leg.session_floor != 0) request.add("Min-SE", std::to_string(leg.session_floor));
}

// As UAS. RFC 4028 §9
void UserAgent::grant_session(AgentLeg& leg, const SipText& request, SipText& response) {
  const unsigned asked = seconds_of(request.value("Session-Expires"));
  const bool peer_knows = request.names("Supported", "timer") || request.names("Require", "timer");
  if (asked != 0 && asked < 90) blame("Session-Expires below 90: " + request.summary());
  if (!knows_timer(leg) || asked == 0) {
    leg.session = {0, false, leg.session.turn + 1};
    return;
  }
  std::string who = param_of(request.value("Session-Expires"), "refresher");
  if (who.empty()) who = peer_knows && transactions_.random().chance(0.5) ? "uac" : "uas";
  if (!peer_knows && who == "uac") blame("asks to refresh without knowing how: " + request.summary());
  response.add("Session-Expires", fmt::format("{};refresher={}", asked, who));
  if (who == "uac") response.add("Require", "timer");
  leg.session = {asked, who == "uas", leg.session.turn};
  start_session(leg);
}

// As UAC. RFC 4028 §7.2, §9 table 2
void UserAgent::take_session(AgentLeg& leg, const SipText& response, bool is_first) {
  const std::string& value = response.value("Session-Expires");
  const std::string who = param_of(value, "refresher");
  const unsigned seconds = seconds_of(value);
  const bool knows = knows_timer(leg);
  if (value.empty()) {
    if (response.names("Require", "timer")) blame("Require: timer without a time: " + response.summary());
    leg.session = {0, false, leg.session.turn + 1};
    return;
  }
  if (who != "uac" && who != "uas") blame("Session-Expires without a refresher: " + response.summary());
  if (!knows && (who == "uac" || response.names("Require", "timer")))
    blame("one that knows no timers is to refresh: " + response.summary());
  if (who == "uac" && !response.names("Require", "timer"))
    blame("uac without Require: timer: " + response.summary());
  if (knows && is_first) {
    const unsigned asked = std::max(leg.plan->session, leg.session_floor);
    if (seconds > asked || seconds < std::min(90u, asked))
      blame(fmt::format("Session-Expires {} where {} was asked: {}", seconds, asked, response.summary()));
    if (!leg.plan->refresher.empty() && leg.plan->refresher != who)
      blame(fmt::format("{} refreshes where {} was asked: {}", who, leg.plan->refresher, response.summary()));
  }
  leg.session = {knows ? seconds : 0, who == "uac", leg.session.turn};
  start_session(leg);
}

// We refresh at half of the time; or nobody did, and it is over. RFC 4028 §10
void UserAgent::start_session(AgentLeg& leg) {
  const unsigned turn = ++leg.session.turn;
  if (leg.session.seconds == 0) return;
  const Duration lasts = std::chrono::seconds(leg.session.seconds);
  const Duration wait = leg.session.is_ours ? lasts / 2 : lasts - std::min<Duration>(32s, lasts / 3);
  (void)transactions_.network().after(wait, [this, call_id = leg.call_id, turn] {
    AgentLeg* const found = find(call_id);
    if (found == nullptr || found->gone || found->session.turn != turn || found->state != LegState::Up)
      return;
    if (!found->session.is_ours) {
      if (transactions_.judge().is_calm()) blame("nobody refreshed the session: Call-ID " + call_id);
      hang_up(*found);
      return;
    }
    const bool by_update = !found->peer_lacks_update && transactions_.random().chance(0.5);
    change(*found, by_update ? Change::Refresh : Change::ReInvite);
    // One that could not be sent, or was refused, is tried again.
    (void)transactions_.network().after(5s, [this, call_id, turn] {
      AgentLeg* const again = find(call_id);
      if (again != nullptr && again->session.turn == turn) change(*again, Change::ReInvite);
    });
  });
}

}  // namespace sallyport::sim
