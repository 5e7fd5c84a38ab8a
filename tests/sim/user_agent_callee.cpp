// The callee: ringing, final responses, CANCEL. RFC 3261 §9.2, §13.3
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

void UserAgent::on_new_invite(const SipText& invite, const Endpoint& source) {
  const CallPlan* plan = plans_.find(user_of(invite.uri));
  // A phone is called by its Contact, which names nobody.
  if (plan == nullptr) plan = plans_.find_by_caller(user_of(uri_of(invite.value("From"))));
  if (plan == nullptr) {
    blame("INVITE for a number that nobody called: " + invite.summary());
    reply(invite, source, 404, nullptr);
    return;
  }
  for (const auto& [call_id, other] : legs_)
    if (!other.is_caller && other.plan == plan && other.state < LegState::Closing && !other.gone)
      blame("a second INVITE of a call that is here already: " + invite.summary());
  if (invite.count("Contact") != 1) blame("INVITE without one Contact: " + invite.summary());
  AgentLeg leg;
  leg.plan = plan;
  leg.state = LegState::Ringing;
  leg.call_id = invite.call_id();
  leg.local_tag = settings_.name + transactions_.random().letters(6);
  leg.remote_tag = invite.from_tag();
  leg.local = invite.value("To");
  leg.remote = invite.value("From").substr(0, invite.value("From").find(";tag="));
  leg.target = uri_of(invite.value("Contact"));
  leg.routes = invite.values("Record-Route");
  leg.remote_cseq = invite.cseq();
  leg.local_cseq = static_cast<std::uint32_t>(1 + transactions_.random().below(1000));
  leg.remote_invite = invite;
  leg.remote_source = source;
  leg.offered_in_2xx = invite.body.empty();
  AgentLeg& kept = legs_[leg.call_id] = std::move(leg);
  check_sdp(kept, invite);
  learn_abilities(kept, invite);
  check_session_id(kept, invite);
  if (!plan->is_transfer && plan->delayed_offer != invite.body.empty())
    blame("the offer was lost or made up: " + invite.summary());
  const CalleePlan callee = plan->callee(settings_.name);
  const std::string& asked = invite.value("Session-Expires");
  if (!asked.empty() && static_cast<unsigned>(std::atoi(asked.c_str())) < callee.least_session) {
    kept.least_session = callee.least_session;
    finish(kept, 422);
    return;
  }
  if (invite.names("Require", "100rel") && !callee.reliable) {
    if (settings_.leads_to) blame("100rel required of who may not know it: " + invite.summary());
    finish(kept, 420);
    return;
  }
  plan_answer(kept.call_id, callee);
}

void UserAgent::plan_answer(const std::string& call_id, const CalleePlan& plan) {
  AgentLeg& leg = legs_.at(call_id);
  if (plan.dead) {
    leg.gone = true;
    return;
  }
  if (plan.trying) reply(*leg.remote_invite, leg.remote_source, 100, nullptr);
  VirtualNetwork& network = transactions_.network();
  const auto still_ringing = [this, call_id]() -> AgentLeg* {
    AgentLeg* found = find(call_id);
    return found != nullptr && found->state == LegState::Ringing && !found->gone ? found : nullptr;
  };
  for (const auto& [at, code] : plan.provisionals)
    (void)network.after(at, [this, still_ringing, provisional = code] {
      if (AgentLeg* found = still_ringing()) ring(*found, provisional);
    });
  if (plan.final_code != 0)
    (void)network.after(plan.final_after, [this, still_ringing, code = plan.final_code] {
      if (AgentLeg* found = still_ringing()) finish(*found, code);
    });
  // Nobody lets it ring longer than the border may, which has three minutes; then only lost packets excuse
  // it.
  (void)network.after(5min, [this, still_ringing] {
    AgentLeg* found = still_ringing();
    if (found == nullptr) return;
    if (transactions_.judge().is_calm()) blame("left ringing: " + found->remote_invite->summary());
    finish(*found, 480);
  });
}

void UserAgent::ring(AgentLeg& leg, int code) {
  if (!leg.ringing_from && leg.plan->picks_up && settings_.leads_to)
    (void)transactions_.network().after(*leg.plan->replace_after, [this, call_id = leg.call_id] {
      if (const AgentLeg* found = find(call_id); found != nullptr && found->state == LegState::Ringing)
        replace(*found);
    });
  if (!leg.ringing_from) leg.ringing_from = transactions_.network().now();
  if (takes_reliable(leg)) {
    ring_reliably(leg, code);
    return;
  }
  const bool has_media = code == 183 && !leg.offered_in_2xx;
  reply(*leg.remote_invite, leg.remote_source, code, &leg, has_media ? sdp(leg) : std::string());
}

void UserAgent::finish(AgentLeg& leg, int code) {
  // RFC 3262 §3: no 2xx while a description waits for its PRACK.
  if (code < 300 && leg.state == LegState::Ringing && !leg.reliable.pending.empty() &&
      leg.reliable.holds_sdp) {
    leg.reliable.waiting.clear();
    leg.reliable.final_waiting = code;
    return;
  }
  leg.reliable.pending.clear();
  leg.reliable.waiting.clear();
  leg.ringing_until = transactions_.network().now();
  leg.final_code = code;
  if (code < 300) {
    accept(leg);
    return;
  }
  reply(*leg.remote_invite, leg.remote_source, code, &leg);
  leg.remote_invite.reset();
  leg.state = LegState::Over;
}

// A 2xx to the INVITE that waits, resent until the ACK comes. RFC 3261 §13.3.1.4
void UserAgent::accept(AgentLeg& leg) {
  const SipText invite = *leg.remote_invite;
  leg.remote_invite.reset();
  const bool is_agreed = leg.state == LegState::Ringing && leg.reliable.agreed;
  leg.offered_in_2xx = invite.body.empty() && !is_agreed;
  if (leg.state == LegState::Ringing) leg.state = LegState::Answered;
  leg.accepted_cseqs.insert(invite.cseq());
  SipText response = response_to(invite, 200, leg.local_tag);
  response.phrase = "OK from " + settings_.name;
  response.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  response.add("Server", fmt::format("Phone-{}/1.0", settings_.marker));
  say_abilities(leg, response);
  say_session_id(leg, response);
  grant_session(leg, invite, response);
  if (!is_agreed) {
    response.add("Content-Type", "application/sdp");
    response.body = sdp(leg);
  }
  leg.unacked = response.text();
  leg.unacked_cseq = invite.cseq();
  leg.unacked_since = transactions_.network().now();
  leg.resend_interval = kT1;
  transactions_.reply(invite, leg.remote_source, response);
  (void)transactions_.network().after(
      kT1, [this, call_id = leg.call_id, cseq = invite.cseq()] { resend_accept(call_id, cseq); });
}

void UserAgent::resend_accept(const std::string& call_id, std::uint32_t cseq) {
  AgentLeg* leg = find(call_id);
  if (leg == nullptr || leg->gone || leg->unacked.empty() || leg->unacked_cseq != cseq) return;
  VirtualNetwork& network = transactions_.network();
  if (network.now() - leg->unacked_since >= kTransactionTime) {
    if (transactions_.judge().is_calm() && leg->state < LegState::Closing)
      blame("a 2xx was never acknowledged: Call-ID " + call_id);
    leg->unacked.clear();
    leg->wants_bye = true;
    hang_up(*leg);
    return;
  }
  network.send(settings_.own, leg->remote_source, leg->unacked);
  leg->resend_interval = std::min(2 * leg->resend_interval, kT2);
  (void)network.after(leg->resend_interval, [this, call_id, cseq] { resend_accept(call_id, cseq); });
}

void UserAgent::on_cancel(const SipText& request, const Endpoint& source) {
  AgentLeg* leg = find(request.call_id());
  if (leg == nullptr) {
    reply(request, source, 481, nullptr);
    return;
  }
  if (leg->gone) return;
  reply(request, source, 200, leg);
  leg->got_cancel = true;
  if (!leg->remote_invite || leg->remote_invite->cseq() != request.cseq()) return;  // answered already
  if (leg->state == LegState::Ringing) {
    const bool waits = !leg->reliable.pending.empty() && leg->reliable.holds_sdp;
    if (leg->plan->callee(settings_.name).answers_cancelled && !waits) {
      finish(*leg, 200);
    } else {
      finish(*leg, 487);
    }
  } else {
    leg->keys.refuse_offer();
    reply(*leg->remote_invite, leg->remote_source, 487, leg);
    leg->remote_invite.reset();
  }
}

}  // namespace sallyport::sim
