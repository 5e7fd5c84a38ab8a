// The caller: INVITE, its responses, CANCEL. RFC 3261 §9.1, §12.1.2, §13.2
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

AgentLeg UserAgent::new_leg(const CallPlan& plan) {
  SimRandom& random = transactions_.random();
  AgentLeg leg;
  leg.plan = &plan;
  leg.is_caller = true;
  leg.call_id = fmt::format("{}-{}@{}", random.letters(10), settings_.name, to_string(settings_.own.address));
  leg.local_tag = settings_.name + random.letters(6);
  return leg;
}

void UserAgent::dial(const CallPlan& plan) {
  SimRandom& random = transactions_.random();
  AgentLeg leg = new_leg(plan);
  const std::string host = random.chance(0.5)
                               ? settings_.name + ".example"
                               : to_string(settings_.own).substr(0, to_string(settings_.own).rfind(':'));
  leg.local = plan.privacy ? fmt::format("\"Shy {0}\" <sip:hidden-{0}@{1}>", settings_.marker, host)
                           : fmt::format("<sip:{}@{}>", plan.caller, host);
  if (!settings_.identity.empty()) leg.local = settings_.identity;
  leg.target = plan.request_uri.empty() ? fmt::format("sip:{}@{}", plan.called, to_string(settings_.border))
                                        : plan.request_uri;
  leg.remote = fmt::format("<{}>", leg.target);
  leg.local_cseq = static_cast<std::uint32_t>(1 + random.below(1000));
  const std::string call_id = leg.call_id;
  send_invite(legs_[call_id] = std::move(leg));
  if (plan.cancel_after)
    (void)transactions_.network().after(*plan.cancel_after, [this, call_id] {
      AgentLeg* found = find(call_id);
      if (found != nullptr && found->state <= LegState::Ringing) cancel(*found);
    });
}

void UserAgent::send_invite(AgentLeg& leg) {
  const CallPlan& plan = *leg.plan;
  SipText invite = request_in(leg, "INVITE");
  invite.add("User-Agent", fmt::format("Phone-{}/1.0", settings_.marker));
  invite.add("X-Node", settings_.name);
  if (plan.privacy) invite.add("Privacy", "user;id");
  if (settings_.identity.empty())
    invite.add("P-Asserted-Identity", fmt::format("<sip:{}@{}.example>", plan.caller, settings_.name));
  say_abilities(leg, invite);
  say_session_id(leg, invite);
  if (plan.reliably == Reliably::Required) invite.add("Require", "100rel");
  if (!leg.replaces.empty()) invite.add("Require", "replaces").add("Replaces", leg.replaces);
  ask_session(leg, invite);
  if (!plan.delayed_offer) {
    invite.add("Content-Type", "application/sdp");
    invite.body = sdp(leg);
  }
  leg.own_invite = transactions_.request(
      invite, settings_.border,
      [this, call_id = leg.call_id](const SipText* response) { on_dial_response(call_id, response); });
}

void UserAgent::cancel(AgentLeg& leg) {
  leg.wants_cancel = true;
  transactions_.cancel(leg.own_invite);  // without effect until a provisional response has come
}

void UserAgent::on_dial_response(const std::string& call_id, const SipText* response) {
  AgentLeg* leg = find(call_id);
  if (leg == nullptr) return;
  if (response == nullptr) {
    leg->final_code = 408;
    leg->own_invite.clear();
    leg->state = LegState::Over;
    on_place(call_id, 408);
  } else if (response->code < 200) {
    leg->state = LegState::Ringing;
    if (leg->wants_cancel) transactions_.cancel(leg->own_invite);
    if (response->code == 100) return;
    if (response->count("Contact") != 1) blame("18x without a Contact: " + response->summary());
    learn_abilities(*leg, *response);
    check_session_id(*leg, *response);
    on_early(*leg, *response);
  } else if (response->code < 300) {
    on_dialled(*leg, *response);
  } else {
    if (leg->state > LegState::Ringing) return;
    const auto floor = static_cast<unsigned>(std::atoi(response->value("Min-SE").c_str()));
    if (response->code == 422 && leg->plan->session != 0 && floor > leg->session_floor &&
        !leg->wants_cancel) {
      leg->session_floor = floor;
      leg->state = LegState::Calling;
      leg->early.clear();
      send_invite(*leg);  // RFC 4028 §7.4
      return;
    }
    leg->final_code = response->code;
    leg->own_invite.clear();
    leg->state = LegState::Over;
    on_place(call_id, response->code);
  }
}

void UserAgent::on_dialled(AgentLeg& leg, const SipText& response) {
  if (leg.acks.contains(response.cseq())) {  // it came again: the ACK was lost
    if (response.to_tag() != leg.remote_tag) blame("two callees answered: " + response.summary());
    transactions_.network().send(settings_.own, leg.ack_to, leg.acks[response.cseq()]);
    return;
  }
  if (response.count("Contact") != 1) blame("2xx without one Contact: " + response.summary());
  leg.remote_tag = response.to_tag();
  note_taken(leg, response);
  leg.remote = response.value("To").substr(0, response.value("To").find(";tag="));
  leg.target = uri_of(response.value("Contact"));
  leg.routes = response.values("Record-Route");
  std::reverse(leg.routes.begin(), leg.routes.end());
  bool agreed = false;
  if (const auto early = leg.early.find(leg.remote_tag); early != leg.early.end()) {
    agreed = early->second.agreed;
    leg.local_cseq = std::max(leg.local_cseq, early->second.local_cseq);
    leg.remote_cseq = early->second.remote_cseq;
    leg.own_update = early->second.busy;
  }
  if (response.body.empty() && !agreed) blame("2xx without SDP: " + response.summary());
  if (!response.body.empty() && agreed && leg.plan->delayed_offer)
    blame("an offer in a 2xx, behind the answer: " + response.summary());
  check_sdp(leg, response);
  check_session_id(leg, response);
  learn_abilities(leg, response);
  leg.final_code = response.code;
  leg.own_invite.clear();
  acknowledge(leg, response, leg.plan->delayed_offer && !agreed);
  come_up(leg);
  take_session(leg, response, true);
  on_place(leg.call_id, response.code);
  if (leg.wants_cancel) hang_up(leg);  // RFC 3261 §15: the answer was faster than the CANCEL
}

// RFC 3261 §13.2.2.4: a transaction of its own, the INVITE's number.
void UserAgent::acknowledge(AgentLeg& leg, const SipText& response, bool with_answer) {
  SipText ack = request_in(leg, "ACK");
  for (auto& [name, field] : ack.fields)
    if (name == "CSeq") field = fmt::format("{} ACK", response.cseq());
  if (with_answer) {
    ack.add("Content-Type", "application/sdp");
    ack.body = sdp(leg);
  }
  ack.fields.insert(ack.fields.begin(),
                    {"Via", fmt::format("SIP/2.0/UDP {};branch={};rport", to_string(settings_.own),
                                        transactions_.new_branch())});
  leg.ack_to = next_hop(leg);
  leg.acks[response.cseq()] = ack.text();
  transactions_.network().send(settings_.own, leg.ack_to, leg.acks[response.cseq()]);
}

}  // namespace sallyport::sim
