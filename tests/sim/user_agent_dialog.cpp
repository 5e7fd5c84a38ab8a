// A call that is up: changes, glare, BYE, and what a peer must keep to within a dialog. RFC 3261 §12.2, §14,
// §15; RFC 3311 §5.2
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {

SipText UserAgent::request_in(AgentLeg& leg, std::string_view method) {
  SipText request;
  request.method = std::string(method);
  request.uri = leg.target;
  for (const std::string& route : leg.routes) request.add("Route", route);
  request.add("Max-Forwards", "70");
  request.add("From", fmt::format("{};tag={}", leg.local, leg.local_tag));
  request.add("To",
              leg.remote_tag.empty() ? leg.remote : fmt::format("{};tag={}", leg.remote, leg.remote_tag));
  request.add("Call-ID", leg.call_id);
  if (method != "ACK") ++leg.local_cseq;
  request.add("CSeq", fmt::format("{} {}", leg.local_cseq, method));
  if (method == "INVITE" || method == "UPDATE")
    request.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  return request;
}

Endpoint UserAgent::next_hop(const AgentLeg& leg) const {
  return endpoint_of(host_port_of(leg.routes.empty() ? leg.target : uri_of(leg.routes.front())));
}

std::string UserAgent::sdp(AgentLeg& leg) {
  const Endpoint& own = settings_.own;
  const std::string family = own.address.is_v4() ? "IP4" : "IP6";
  const unsigned port = leg.is_caller ? leg.plan->caller_port() : leg.plan->callee_port();
  begin_keys(leg);
  return fmt::format(
      "v=0\r\no=user-{0} {1} {2} IN {3} {4}\r\ns=call {0}\r\nc=IN {3} {4}\r\nt=0 0\r\n"
      "m=audio {5} RTP/{6} 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n{7}a=sendrecv\r\n",
      settings_.marker, 1000 + leg.plan->index, leg.sdp_version++, family, to_string(own.address), port,
      leg.keys.is_savp ? "SAVP" : "AVP", key_line(leg));
}

namespace {

// Address of the first c= line, port of the first m= line.
Endpoint shown_in(std::string_view sdp) {
  const auto behind = [sdp](std::string_view what) {
    const std::size_t at = sdp.find(what);
    if (at == std::string_view::npos) return std::string_view{};
    const std::string_view rest = sdp.substr(at + what.size());
    return rest.substr(0, rest.find_first_of(" \r\n"));
  };
  std::string_view host = behind("\nc=IN IP4 ");
  if (host.empty()) host = behind("\nc=IN IP6 ");
  const auto address = IpAddress::parse(host);
  const int port = std::atoi(std::string(behind("\nm=audio ")).c_str());
  return address ? Endpoint{*address, static_cast<std::uint16_t>(port)} : Endpoint{};
}

}  // namespace

// The body must be the other end's of this very call.
void UserAgent::check_sdp(AgentLeg& leg, const SipText& message) {
  if (message.body.empty()) return;
  take_keys(leg, message);
  const unsigned port = leg.is_caller ? leg.plan->callee_port() : leg.plan->caller_port();
  const Endpoint shown = shown_in(message.body);
  bool is_own = settings_.leads_to ? settings_.leads_to(shown, port) : shown.port == port;
  if (settings_.leads_to)
    for (const unsigned joined : plans_.joined_ports(leg.plan->index))
      is_own = is_own || settings_.leads_to(shown, joined);
  if (!is_own)
    blame(fmt::format("SDP of another call: {}, for port {}\n{}", message.summary(), port, message.body));
}

void UserAgent::come_up(AgentLeg& leg) {
  leg.state = LegState::Up;
  turn_to_keys_of(leg, leg.remote_tag);
  leg.was_up = true;
  VirtualNetwork& network = transactions_.network();
  const CallPlan& plan = *leg.plan;
  const std::string call_id = leg.call_id;
  for (const MidCallAct& act : plan.acts)
    if (act.by_caller == leg.is_caller)
      (void)network.after(act.after, [this, call_id, what = act.change] {
        if (AgentLeg* found = find(call_id)) change(*found, what);
      });
  if (plan.transfer_after && plan.caller_transfers == leg.is_caller && settings_.leads_to)
    (void)network.after(*plan.transfer_after, [this, call_id] {
      if (AgentLeg* found = find(call_id)) transfer(*found);
    });
  if (plan.replace_after && !plan.picks_up && plan.caller_is_replaced == leg.is_caller && settings_.leads_to)
    (void)network.after(*plan.replace_after, [this, call_id] {
      if (const AgentLeg* found = find(call_id); found != nullptr && found->state == LegState::Up)
        replace(*found);
    });
  if (leg.is_caller ? plan.caller_hangs_up : plan.callee_hangs_up)
    (void)network.after(plan.hang_up_after, [this, call_id] {
      if (AgentLeg* found = find(call_id)) hang_up(*found);
    });
  plan_stale(leg);
  const bool silent = plan.gone == (leg.is_caller ? Gone::CallerSilent : Gone::CalleeSilent);
  const bool forgets = plan.gone == (leg.is_caller ? Gone::CallerForgets : Gone::CalleeForgets);
  if (silent || forgets)
    (void)network.after(plan.gone_after, [this, call_id, forgets] {
      if (AgentLeg* found = find(call_id)) vanish(*found, forgets);
    });
}

// Its power failed: for good, or only for a moment and nothing is remembered.
void UserAgent::vanish(AgentLeg& leg, bool forgets) {
  if (leg.state == LegState::Over) return;
  if (!forgets) {
    leg.gone = true;
    leg.gone_at = transactions_.network().now();
    return;
  }
  forgotten_.insert(leg.call_id);
  legs_.erase(leg.call_id);
}

void UserAgent::end(AgentLeg& leg) {
  leg.state = LegState::Over;
  leg.over_at = transactions_.network().now();
  leg.unacked.clear();
  leg.own_update = false;
}

void UserAgent::hang_up(AgentLeg& leg) {
  if (leg.gone || leg.state >= LegState::Closing) return;
  // RFC 3261 §15: not before the ACK of our 2xx, unless it never came.
  if (leg.state < LegState::Up && !leg.wants_bye) {
    leg.wants_bye = !leg.is_caller && leg.state == LegState::Answered;
    return;
  }
  if (leg.remote_invite) {  // RFC 3261 §15.1.2 asks the same of the other side
    reply(*leg.remote_invite, leg.remote_source, 487, &leg);
    leg.remote_invite.reset();
  }
  leg.state = LegState::Closing;
  leg.sent_bye = true;
  const std::string call_id = leg.call_id;
  const Endpoint to = next_hop(leg);
  transactions_.request(request_in(leg, "BYE"), to, [this, call_id](const SipText* response) {
    AgentLeg* found = find(call_id);
    if (found == nullptr || (response != nullptr && response->code < 200)) return;
    if (transactions_.judge().is_calm() &&
        (response == nullptr || (response->code != 200 && !found->got_bye)))
      blame(fmt::format("BYE got {}, Call-ID {}", response == nullptr ? 0 : response->code, call_id));
    end(*found);
  });
}

void UserAgent::change(AgentLeg& leg, Change what) {
  if (leg.gone || leg.state != LegState::Up || !leg.own_invite.empty() || leg.own_update) return;
  const bool is_invite = what == Change::ReInvite || what == Change::EmptyReInvite;
  const bool offers = what == Change::ReInvite || what == Change::Update;
  if ((is_invite || offers) && (leg.remote_invite || !leg.unacked.empty())) return;
  if (what == Change::Update && leg.peer_lacks_update) return;
  constexpr std::string_view kMethods[] = {"INVITE", "INVITE", "UPDATE", "INFO", "OPTIONS", "UPDATE"};
  SipText request = request_in(leg, kMethods[static_cast<std::size_t>(what)]);
  request.add("User-Agent", fmt::format("Phone-{}/1.0", settings_.marker));
  if (is_invite || what == Change::Update || what == Change::Refresh) {
    say_abilities(leg, request);
    ask_session(leg, request);
  }
  if (offers) {
    request.add("Content-Type", "application/sdp");
    request.body = sdp(leg);
  } else if (what == Change::Info) {
    request.add("Content-Type", "application/dtmf-relay");
    request.body = "Signal=5\r\nDuration=160\r\n";
  }
  leg.own_update = what == Change::Update;
  const std::string call_id = leg.call_id;
  const Endpoint to = next_hop(leg);
  const std::string branch = transactions_.request(
      std::move(request), to,
      [this, call_id, what](const SipText* response) { on_changed(call_id, what, response); });
  if (is_invite) leg.own_invite = branch;
}

void UserAgent::on_changed(const std::string& call_id, Change what, const SipText* response) {
  AgentLeg* leg = find(call_id);
  if (leg == nullptr || (response != nullptr && response->code < 200)) return;
  const int code = response == nullptr ? 408 : response->code;
  if (code < 300) note_taken(*leg, *response);
  const bool is_invite = what == Change::ReInvite || what == Change::EmptyReInvite;
  if (is_invite && code < 300) {
    if (leg->acks.contains(response->cseq())) {
      transactions_.network().send(settings_.own, leg->ack_to, leg->acks[response->cseq()]);
      return;
    }
    if (response->body.empty()) blame("2xx to a re-INVITE without SDP: " + response->summary());
    check_sdp(*leg, *response);
    acknowledge(*leg, *response, what == Change::EmptyReInvite);
  }
  if (code < 300 && (is_invite || what == Change::Update || what == Change::Refresh) &&
      leg->state == LegState::Up) {
    learn_target(*leg, *response);
    take_session(*leg, *response, false);
  }
  if (is_invite) leg->own_invite.clear();
  if (what == Change::Update) leg->own_update = false;
  if (leg->state != LegState::Up) return;
  if (code == 491) {
    retry_change(*leg, what);
  } else if (code == 481) {
    end(*leg);  // RFC 3261 §12.2.1.2
    leg->got_bye = true;
  } else if (code == 408) {
    hang_up(*leg);
  } else if (code >= 300 && transactions_.judge().is_calm() && code != 487 && code != 488 && code != 500 &&
             code != 504) {
    blame(fmt::format("a change was refused: {}", response->summary()));
  }
}

// RFC 3261 §14.1: who made the Call-ID waits longer.
void UserAgent::retry_change(AgentLeg& leg, Change what) {
  if (++leg.retries > 4) return;
  SimRandom& random = transactions_.random();
  const Duration wait = leg.is_caller ? random.between(2100ms, 4s) : random.between(0s, 2s);
  (void)transactions_.network().after(wait, [this, call_id = leg.call_id, what] {
    if (AgentLeg* found = find(call_id)) change(*found, what);
  });
}

// False: answered already. RFC 3261 §12.2.2
bool UserAgent::check_in_dialog(AgentLeg& leg, const SipText& request, const Endpoint& source) {
  const bool early = leg.is_caller && leg.remote_tag.empty();
  std::uint32_t& last_cseq = early && leg.early.contains(request.from_tag())
                                 ? leg.early.at(request.from_tag()).remote_cseq
                                 : leg.remote_cseq;
  if (request.to_tag() != leg.local_tag || (!early && request.from_tag() != leg.remote_tag)) {
    // Of a call that went on elsewhere, or of an early dialog that another one's 2xx has ended.
    const bool is_late = !transactions_.judge().is_calm() &&
                         (former_tags_.contains(request.to_tag()) || leg.early.contains(request.from_tag()));
    if (!is_late) blame("tags of another dialog: " + request.summary());
    reply(request, source, 481, nullptr);
    return false;
  }
  if (user_of(request.uri) != "line-" + settings_.marker)
    blame("Request-URI is not our Contact: " + request.summary());
  // A border that was restored between two copies of a 2xx that it does not want may end that dialog twice.
  const bool may_repeat = settings_.peer_restarts && request.method == "BYE";
  if (!leg.seen_requests.insert(fmt::format("{} {} {}", request.cseq(), request.method, request.from_tag()))
           .second &&
      !may_repeat)
    blame("a CSeq number twice: " + request.summary());
  if (request.cseq() > last_cseq) {
    last_cseq = request.cseq();
    return true;
  }
  if (transactions_.judge().is_calm()) blame("CSeq does not grow: " + request.summary());
  reply(request, source, 500, &leg);
  return false;
}

void UserAgent::on_in_dialog(AgentLeg& leg, const SipText& request, const Endpoint& source) {
  if (request.method == "ACK") {
    on_ack(leg, request);
    return;
  }
  if (!check_in_dialog(leg, request, source)) return;
  if (request.method == "UPDATE" &&
      (leg.is_caller ? leg.plan->caller_lacks_update : leg.plan->callee(settings_.name).lacks_update))
    blame("UPDATE to who does not allow it: " + request.summary());
  if (request.method == "PRACK") {
    on_prack(leg, request, source);
  } else if (request.method == "UPDATE" && answer_early_update(leg, request, source)) {
  } else if (request.method == "BYE") {
    on_bye(leg, request, source);
  } else if (leg.state == LegState::Over) {
    reply(request, source, 481, &leg);
  } else if (request.method == "INVITE") {
    on_reinvite(leg, request, source);
  } else if (request.method == "UPDATE") {
    learn_target(leg, request);
    check_sdp(leg, request);
    const bool glare =
        !request.body.empty() && (!leg.own_invite.empty() || leg.own_update || leg.remote_invite);
    reply(request, source, glare ? 491 : 200, &leg, glare || request.body.empty() ? std::string() : sdp(leg));
  } else if (request.method == "NOTIFY") {
    on_refer_notify(leg, request, source);
  } else if (request.method == "REFER" && settings_.takes_refer) {
    on_refer(leg, request, source);
  } else if (request.method == "INFO" || request.method == "OPTIONS") {
    if (request.method == "INFO" && request.body != "Signal=5\r\nDuration=160\r\n")
      blame("the body of an INFO was changed: " + request.summary());
    reply(request, source, 200, &leg);
  } else {
    reply(request, source, 501, &leg);
  }
}

void UserAgent::on_reinvite(AgentLeg& leg, const SipText& request, const Endpoint& source) {
  check_sdp(leg, request);
  if (leg.remote_invite) {
    blame("an INVITE while the last one has no answer: " + request.summary());
    reply(request, source, 500, &leg);
    return;
  }
  // RFC 3261 §14.1: not while ours is under way, once the other end has seen it.
  if (transactions_.judge().is_calm() && transactions_.has_provisional(leg.own_invite))
    blame("an INVITE into our own, which had a 1xx: " + request.summary());
  if (!leg.unacked.empty() && transactions_.judge().is_calm())
    blame("an INVITE before the ACK of the last one: " + request.summary());
  if (!leg.own_invite.empty() || leg.own_update || !leg.unacked.empty() || leg.state != LegState::Up) {
    leg.keys.refuse_offer();
    reply(request, source, 491, &leg);
    return;
  }
  learn_target(leg, request);
  leg.remote_source = source;
  leg.remote_invite = request;
  SimRandom& random = transactions_.random();
  const std::uint64_t kind = random.below(8);
  // Who refuses what refreshes the session has none for long.
  if (kind == 0 && request.count("Session-Expires") == 0) {
    leg.keys.refuse_offer();
    reply(request, source, 488, &leg);
    leg.remote_invite.reset();
  } else if (kind <= 2) {
    reply(request, source, 100, nullptr);
    (void)transactions_.network().after(
        random.between(0s, 3s), [this, call_id = leg.call_id, cseq = request.cseq()] {
          AgentLeg* found = find(call_id);
          if (found != nullptr && !found->gone && found->state == LegState::Up && found->remote_invite &&
              found->remote_invite->cseq() == cseq)
            accept(*found);
        });
  } else {
    accept(leg);
  }
}

void UserAgent::on_ack(AgentLeg& leg, const SipText& ack) {
  if (ack.to_tag() != leg.local_tag || ack.from_tag() != leg.remote_tag) {
    blame("ACK with tags of another dialog: " + ack.summary());
    return;
  }
  if (!leg.accepted_cseqs.contains(ack.cseq())) {
    blame("ACK of an INVITE that we did not accept: " + ack.summary());
    return;
  }
  if (leg.unacked.empty() || leg.unacked_cseq != ack.cseq()) return;  // it came again
  leg.unacked.clear();
  check_sdp(leg, ack);
  if (leg.offered_in_2xx && ack.body.empty())
    (void)transactions_.network().after(45s, [this, call_id = leg.call_id] {
      const AgentLeg* found = find(call_id);
      if (found != nullptr && found->state < LegState::Closing && !found->gone)
        blame("ACK without the answer to our offer, and the call goes on: Call-ID " + call_id);
    });
  if (leg.state == LegState::Answered) come_up(leg);
  if (leg.wants_bye) hang_up(leg);
}

void UserAgent::on_bye(AgentLeg& leg, const SipText& request, const Endpoint& source) {
  // Where its answer went nobody heard it any more: the call ends when its ACK has not come. RFC 3261
  // §13.3.1.4
  if (leg.is_caller && leg.acks.empty() && !leg.has_moved) blame("BYE before our ACK: " + request.summary());
  reply(request, source, leg.state == LegState::Over ? 481 : 200, &leg);
  leg.got_bye = true;
  if (leg.remote_invite) {
    leg.ringing_until = transactions_.network().now();
    reply(*leg.remote_invite, leg.remote_source, 487, &leg);
    leg.remote_invite.reset();
  }
  // Our own BYE, if one is under way, ends by its own answer.
  if (leg.state != LegState::Closing) end(leg);
}

}  // namespace sallyport::sim
