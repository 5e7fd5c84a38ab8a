// The caller: INVITE, its responses, CANCEL. RFC 3261 §9.1, §12.1.2, §13.2
#include <fmt/format.h>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

void UserAgent::dial(const CallPlan& plan) {
  SimRandom& random = transactions_.random();
  AgentLeg leg;
  leg.plan = &plan;
  leg.is_caller = true;
  leg.call_id = fmt::format("{}-{}@{}", random.letters(10), settings_.name, to_string(settings_.own.address));
  leg.local_tag = settings_.name + random.letters(6);
  const std::string host = random.chance(0.5)
                               ? settings_.name + ".example"
                               : to_string(settings_.own).substr(0, to_string(settings_.own).rfind(':'));
  leg.local = plan.privacy ? fmt::format("\"Shy {0}\" <sip:hidden-{0}@{1}>", settings_.marker, host)
                           : fmt::format("<sip:{}@{}>", plan.caller, host);
  leg.target = fmt::format("sip:{}@{}", plan.called, to_string(settings_.border));
  leg.remote = fmt::format("<{}>", leg.target);
  leg.local_cseq = static_cast<std::uint32_t>(1 + random.below(1000));
  AgentLeg& kept = legs_[leg.call_id] = std::move(leg);

  SipText invite = request_in(kept, "INVITE");
  invite.add("User-Agent", fmt::format("Phone-{}/1.0", settings_.marker));
  invite.add("X-Node", settings_.name);
  if (plan.privacy) invite.add("Privacy", "user;id");
  invite.add("P-Asserted-Identity", fmt::format("<sip:{}@{}.example>", plan.caller, settings_.name));
  if (!plan.delayed_offer) {
    invite.add("Content-Type", "application/sdp");
    invite.body = sdp(kept);
  }
  const std::string call_id = kept.call_id;
  kept.own_invite = transactions_.request(invite, settings_.border, [this, call_id](const SipText* response) {
    on_dial_response(call_id, response);
  });
  if (plan.cancel_after)
    (void)transactions_.network().after(*plan.cancel_after, [this, call_id] {
      AgentLeg* found = find(call_id);
      if (found != nullptr && found->state <= LegState::Ringing) cancel(*found);
    });
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
  } else if (response->code < 200) {
    leg->state = LegState::Ringing;
    if (leg->wants_cancel) transactions_.cancel(leg->own_invite);
    if (response->code > 100 && response->count("Contact") != 1)
      blame("18x without a Contact: " + response->summary());
  } else if (response->code < 300) {
    on_dialled(*leg, *response);
  } else {
    if (leg->state > LegState::Ringing) return;
    leg->final_code = response->code;
    leg->own_invite.clear();
    leg->state = LegState::Over;
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
  leg.remote = response.value("To").substr(0, response.value("To").find(";tag="));
  leg.target = uri_of(response.value("Contact"));
  leg.routes = response.values("Record-Route");
  std::reverse(leg.routes.begin(), leg.routes.end());
  if (response.body.empty()) blame("2xx without SDP: " + response.summary());
  check_sdp(leg, response);
  leg.final_code = response.code;
  leg.own_invite.clear();
  acknowledge(leg, response, leg.plan->delayed_offer);
  come_up(leg);
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
