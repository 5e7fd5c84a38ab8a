// Provisional responses that are acknowledged, and what may be done in an early dialog: RFC 3262; RFC 3311
// §5.1, §5.2; RFC 6337 §2, §3.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

std::uint32_t number_of(const std::string& text) {
  return static_cast<std::uint32_t>(std::strtoul(text.c_str(), nullptr, 10));
}

}  // namespace

// The caller hears an 18x. RFC 3262 §4
void UserAgent::on_early(AgentLeg& leg, const SipText& response) {
  const Reliably wish = leg.plan->reliably;
  if (!response.names("Require", "100rel")) {
    if (response.count("RSeq") != 0) blame("RSeq without Require: " + response.summary());
    if (wish == Reliably::Required) blame("18x that is not reliable, as was required: " + response.summary());
    return;
  }
  if (wish == Reliably::Never) {
    blame("a reliable 18x to who does not know them: " + response.summary());
    return;
  }
  const std::uint32_t rseq = number_of(response.value("RSeq"));
  if (rseq == 0 || rseq > 0x7fffffff) blame("RSeq that can't be: " + response.summary());
  EarlyDialog& early = leg.early[response.to_tag()];
  if (early.rseq != 0 && rseq <= early.rseq) return;  // it came again
  const bool is_first = early.rseq == 0;
  if (!is_first && rseq != early.rseq + 1) {
    if (transactions_.judge().is_calm()) blame("a gap in RSeq: " + response.summary());
    return;
  }
  early.rseq = rseq;
  early.target = uri_of(response.value("Contact"));
  if (is_first) {
    early.routes = response.values("Record-Route");
    std::ranges::reverse(early.routes);
    early.local_cseq = leg.local_cseq;
  }
  bool owes_answer = false;
  if (response.body.empty()) {
    // RFC 3261 §13.2.1: the offer is in the first reliable message.
    if (leg.plan->delayed_offer && !early.agreed)
      blame("a reliable 18x without an offer: " + response.summary());
  } else if (!early.agreed) {
    check_sdp(leg, response);
    owes_answer = leg.plan->delayed_offer;
    early.agreed = true;
    early.answer = response.body;
  } else if (response.body != early.answer) {
    blame("an offer in a response, behind the answer: " + response.summary());
  }
  acknowledge_reliably(leg, response.to_tag(), owes_answer);
}

SipText UserAgent::request_early(AgentLeg& leg, const std::string& tag, std::string_view method) {
  EarlyDialog& early = leg.early.at(tag);
  SipText request;
  request.method = std::string(method);
  request.uri = early.target;
  for (const std::string& route : early.routes) request.add("Route", route);
  request.add("Max-Forwards", "70");
  request.add("From", fmt::format("{};tag={}", leg.local, leg.local_tag));
  request.add("To", fmt::format("{};tag={}", leg.remote, tag));
  request.add("Call-ID", leg.call_id);
  request.add("CSeq", fmt::format("{} {}", ++early.local_cseq, method));
  return request;
}

void UserAgent::acknowledge_reliably(AgentLeg& leg, const std::string& tag, bool with_answer) {
  EarlyDialog& early = leg.early.at(tag);
  SipText prack = request_early(leg, tag, "PRACK");
  prack.add("RAck", fmt::format("{} {} INVITE", early.rseq, leg.local_cseq));
  // A new offer may go with it once the first one is answered. RFC 3262 §5
  const bool offers = !with_answer && early.agreed && !early.busy && transactions_.random().chance(0.2);
  if (with_answer || offers) {
    prack.add("Content-Type", "application/sdp");
    prack.body = sdp(leg);
  }
  early.busy = early.busy || offers;
  const Endpoint to =
      endpoint_of(host_port_of(early.routes.empty() ? early.target : uri_of(early.routes.front())));
  transactions_.request(std::move(prack), to,
                        [this, call_id = leg.call_id, tag, offers](const SipText* response) {
                          on_prack_answer(call_id, tag, offers, response);
                        });
}

void UserAgent::on_prack_answer(const std::string& call_id, const std::string& tag, bool offered,
                                const SipText* response) {
  AgentLeg* const leg = find(call_id);
  if (leg == nullptr || leg->gone || (response != nullptr && response->code < 200)) return;
  EarlyDialog& early = leg->early.at(tag);
  if (offered) early.busy = false;
  const int code = response == nullptr ? 408 : response->code;
  if (code >= 300) {
    const bool is_excused = leg->state > LegState::Ringing || leg->wants_cancel ||
                            leg->plan->destination == '4' ||  // another phone has answered
                            leg->plan->destination == '2';    // or the next one is tried
    if (transactions_.judge().is_calm() && !is_excused && code != 488 && code != 487)
      blame(fmt::format("PRACK got {}, Call-ID {}", code, call_id));
    return;
  }
  if (offered && response->body.empty())
    blame("2xx to a PRACK with an offer, without the answer: " + response->summary());
  check_sdp(*leg, *response);
  if (leg->plan->early_updates && leg->state == LegState::Ringing && early.agreed && !early.busy)
    update_early(*leg, tag);
}

// The caller's own. RFC 3311 §5.1
void UserAgent::update_early(AgentLeg& leg, const std::string& tag) {
  EarlyDialog& early = leg.early.at(tag);
  if (leg.peer_lacks_update) return;
  early.busy = true;
  SipText update = request_early(leg, tag, "UPDATE");
  update.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  update.add("Content-Type", "application/sdp");
  update.body = sdp(leg);
  const Endpoint to =
      endpoint_of(host_port_of(early.routes.empty() ? early.target : uri_of(early.routes.front())));
  transactions_.request(std::move(update), to, [this, call_id = leg.call_id, tag](const SipText* response) {
    AgentLeg* const found = find(call_id);
    if (found == nullptr || found->gone || (response != nullptr && response->code < 200)) return;
    found->early.at(tag).busy = false;
    if (response == nullptr || response->code >= 300) return;
    if (response->body.empty())
      blame("2xx to an UPDATE with an offer, without the answer: " + response->summary());
    check_sdp(*found, *response);
    // The 2xx to the INVITE was faster: this one says what the session is now. RFC 4028 §7.2
    if (found->state == LegState::Up) take_session(*found, *response, false);
  });
}

void UserAgent::update_early_by_callee(AgentLeg& leg) {
  if (leg.peer_lacks_update || leg.own_update || leg.gone || leg.state != LegState::Ringing) return;
  leg.own_update = true;
  SipText update = request_in(leg, "UPDATE");
  update.add("Content-Type", "application/sdp");
  update.body = sdp(leg);
  const Endpoint to = next_hop(leg);
  transactions_.request(std::move(update), to, [this, call_id = leg.call_id](const SipText* response) {
    on_changed(call_id, Change::Update, response);
  });
}

// Both know them: each INVITE says so anew.
bool UserAgent::takes_reliable(const AgentLeg& leg) const {
  return leg.remote_invite && leg.plan->callee(settings_.name).reliable &&
         (leg.remote_invite->names("Supported", "100rel") || leg.remote_invite->names("Require", "100rel"));
}

// The callee. RFC 3262 §3
void UserAgent::ring_reliably(AgentLeg& leg, int code) {
  ReliableSent& sent = leg.reliable;
  if (!sent.pending.empty()) {
    sent.waiting.push_back(code);
    return;
  }
  const SipText& invite = *leg.remote_invite;
  SimRandom& random = transactions_.random();
  sent.rseq = sent.rseq == 0 ? static_cast<std::uint32_t>(1 + random.below(100000)) : sent.rseq + 1;
  const bool has_offer = !invite.body.empty();
  sent.holds_sdp = !sent.agreed && (!has_offer || code == 183);
  sent.owes_answer = sent.holds_sdp && !has_offer;
  SipText response = response_to(invite, code, leg.local_tag);
  response.phrase = "Says " + settings_.name;
  response.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  response.add("Require", "100rel").add("RSeq", std::to_string(sent.rseq));
  say_abilities(leg, response);
  say_session_id(leg, response);
  if (sent.holds_sdp) {
    response.add("Content-Type", "application/sdp");
    response.body = sdp(leg);
  }
  sent.pending = response.text();
  sent.since = transactions_.network().now();
  sent.interval = kT1;
  transactions_.reply(invite, leg.remote_source, response);
  (void)transactions_.network().after(
      kT1, [this, call_id = leg.call_id, rseq = sent.rseq] { resend_reliable(call_id, rseq); });
}

void UserAgent::resend_reliable(const std::string& call_id, std::uint32_t rseq) {
  AgentLeg* const leg = find(call_id);
  if (leg == nullptr || leg->gone || leg->reliable.pending.empty() || leg->reliable.rseq != rseq) return;
  VirtualNetwork& network = transactions_.network();
  if (network.now() - leg->reliable.since >= kTransactionTime) {
    if (transactions_.judge().is_calm() && !leg->got_cancel)
      blame("a reliable 18x was never acknowledged: Call-ID " + call_id);
    leg->reliable.pending.clear();
    leg->reliable.waiting.clear();
    if (leg->state == LegState::Ringing) finish(*leg, 504);
    return;
  }
  network.send(settings_.own, leg->remote_source, leg->reliable.pending);
  leg->reliable.interval *= 2;
  (void)network.after(leg->reliable.interval, [this, call_id, rseq] { resend_reliable(call_id, rseq); });
}

void UserAgent::on_prack(AgentLeg& leg, const SipText& prack, const Endpoint& source) {
  ReliableSent& sent = leg.reliable;
  const bool was_final = leg.state != LegState::Ringing;
  const std::string& rack = prack.value("RAck");
  const bool is_it =
      leg.remote_invite && rack == fmt::format("{} {} INVITE", sent.rseq, leg.remote_invite->cseq());
  if (sent.pending.empty() || !is_it) {
    if (!was_final && sent.final_waiting == 0 && transactions_.judge().is_calm())
      blame(fmt::format("PRACK of nothing that waits, RAck {}: {}", rack, prack.summary()));
    const bool is_late = was_final && leg.state < LegState::Closing;
    reply(prack, source, is_late ? 200 : 481, &leg,
          is_late && !prack.body.empty() ? sdp(leg) : std::string());
    return;
  }
  sent.pending.clear();
  if (sent.owes_answer && prack.body.empty())
    blame("PRACK without the answer to our offer: " + prack.summary());
  if (!sent.agreed && !sent.holds_sdp && !prack.body.empty())
    blame("PRACK with an offer before the first one is answered: " + prack.summary());
  const bool offers = !prack.body.empty() && !sent.owes_answer;
  sent.agreed = sent.agreed || sent.holds_sdp;
  check_sdp(leg, prack);
  reply(prack, source, 200, &leg, offers ? sdp(leg) : std::string());
  if (!sent.waiting.empty()) {
    const int code = sent.waiting.front();
    sent.waiting.pop_front();
    ring_reliably(leg, code);
  } else if (sent.final_waiting != 0) {
    finish(leg, std::exchange(sent.final_waiting, 0));
  } else if (sent.agreed && leg.plan->early_updates && transactions_.random().chance(0.3)) {
    update_early_by_callee(leg);
  }
}

// True: it was one, and is answered. RFC 3311 §5.2
bool UserAgent::answer_early_update(AgentLeg& leg, const SipText& request, const Endpoint& source) {
  if (leg.state > LegState::Ringing || (leg.is_caller && !leg.remote_tag.empty())) return false;
  bool agreed = leg.reliable.agreed, busy = leg.own_update;
  if (leg.is_caller) {
    const auto early = leg.early.find(request.from_tag());
    agreed = early != leg.early.end() && early->second.agreed;
    busy = early != leg.early.end() && early->second.busy;
  }
  // Where no border is between, it may have overtaken the last PRACK.
  if (!agreed && !request.body.empty() && (settings_.leads_to || transactions_.judge().is_calm()))
    blame("UPDATE with an offer before the first one is answered: " + request.summary());
  check_sdp(leg, request);
  const bool refuses = busy && !request.body.empty();
  reply(request, source, refuses ? 491 : 200, &leg,
        refuses || request.body.empty() ? std::string() : sdp(leg));
  return true;
}

}  // namespace sallyport::sim
