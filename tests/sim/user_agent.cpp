// What caller and callee have in common: requests come in, responses go out.
#include "tests/sim/user_agent.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace sallyport::sim {

UserAgent::UserAgent(const UserAgentSettings& settings, VirtualNetwork& network, Judge& judge,
                     const PlanBook& plans, SimRandom random)
    : settings_(settings), plans_(plans), transactions_(settings.name, settings.own, network, judge, random) {
  transactions_.on_request(
      [this](const SipText& request, const Endpoint& source) { on_request(request, source); });
  transactions_.deaf_for([this](const SipText& message) {
    const AgentLeg* leg = find(message.call_id());
    return leg != nullptr && leg->gone;
  });
}

AgentLeg* UserAgent::find(const std::string& call_id) {
  const auto found = legs_.find(call_id);
  return found == legs_.end() ? nullptr : &found->second;
}

AgentLeg* UserAgent::at_position(std::size_t position) {
  if (legs_.empty()) return nullptr;
  return &std::next(legs_.begin(), static_cast<std::ptrdiff_t>(position % legs_.size()))->second;
}

void UserAgent::hang_up_at(std::size_t position) {
  if (AgentLeg* leg = at_position(position)) hang_up(*leg);
}

void UserAgent::change_at(std::size_t position, Change what) {
  if (AgentLeg* leg = at_position(position)) change(*leg, what);
}

void UserAgent::cancel_at(std::size_t position) {
  AgentLeg* leg = at_position(position);
  if (leg != nullptr && leg->is_caller && leg->state <= LegState::Ringing) cancel(*leg);
}

// Every text that an agent adds holds its marker: none of them may be seen on the other side.
void UserAgent::reply(const SipText& request, const Endpoint& source, int code, AgentLeg* leg,
                      std::string_view sdp_text) {
  const std::string tag =
      leg != nullptr ? leg->local_tag : settings_.name + transactions_.random().letters(6);
  SipText response = response_to(request, code, tag);
  response.phrase = fmt::format("Says {}", settings_.name);
  response.add("Server", fmt::format("Phone-{}/1.0", settings_.marker));
  if (code >= 300)
    response.add("Warning", fmt::format("399 {0}.example \"said by {0}\"", settings_.name))
        .add("Reason", fmt::format("Q.850;cause=17;text=\"{}\"", settings_.name));
  const bool is_target_refresh = request.method == "INVITE" || request.method == "UPDATE";
  if (leg != nullptr && is_target_refresh && code > 100 && code < 300) say_abilities(*leg, response);
  const bool is_taken = leg != nullptr && (leg->state == LegState::Up || leg->state == LegState::Answered);
  if (is_taken && request.method == "UPDATE" && code == 200)  // before the ACK too: the session is agreed on
    grant_session(*leg, request, response);
  if (is_target_refresh && code > 100 && code < 300)
    response.add("Contact", fmt::format("<sip:line-{}@{}>", settings_.marker, to_string(settings_.own)));
  if (code == 302) response.add("Contact", fmt::format("<sip:moved-{}@203.0.113.9>", settings_.marker));
  if (code == 422 && leg != nullptr) response.add("Min-SE", std::to_string(leg->least_session));
  if (code == 420) response.add("Unsupported", "100rel");
  if (code == 500) response.add("Retry-After", "3");
  if (!sdp_text.empty()) {
    response.add("Content-Type", "application/sdp");
    response.body = std::string(sdp_text);
  }
  transactions_.reply(request, source, response);
}

// Target refresh. RFC 3261 §12.2.1.2, §12.2.2; RFC 3311 §5.2
void UserAgent::learn_target(AgentLeg& leg, const SipText& message) {
  if (message.count("Contact") != 1)
    blame("no Contact where there must be one: " + message.summary());
  else
    leg.target = uri_of(message.value("Contact"));
}

void UserAgent::learn_abilities(AgentLeg& leg, const SipText& message) {
  if (message.count("Allow") != 0) leg.peer_lacks_update = !message.names("Allow", "UPDATE");
}

void UserAgent::on_request(const SipText& request, const Endpoint& source) {
  if (source != settings_.border && !settings_.any_source)
    blame("request from elsewhere: " + request.summary());
  if (request.method == "CANCEL") {
    on_cancel(request, source);
    return;
  }
  const auto [first, last] = services_.equal_range(request.method);
  for (auto service = first; service != last; ++service)
    if (service->second(request, source)) return;
  AgentLeg* leg = find(request.call_id());
  if (request.method == "INVITE" && request.to_tag().empty()) {
    if (leg != nullptr && leg->state == LegState::Over && leg->final_code >= 300 &&
        request.cseq() > leg->remote_cseq) {
      former_tags_.insert(leg->local_tag);
      legs_.erase(request.call_id());  // once more, for longer. RFC 4028 §7.4
      leg = nullptr;
    }
    if (leg != nullptr && leg->plan->destination == '4') {
      reply(request, source, 482, nullptr);  // it came before the CANCEL of the first one
      return;
    }
    if (leg != nullptr)
      blame("second INVITE outside a dialog with the same Call-ID: " + request.summary());
    else
      on_new_invite(request, source);
    return;
  }
  if (leg != nullptr) {
    on_in_dialog(*leg, request, source);
    return;
  }
  if (request.method == "ACK") return;
  if (request.method == "OPTIONS" && request.to_tag().empty()) {
    reply(request, source, 200, nullptr);
    return;
  }
  if (!forgotten_.contains(request.call_id()))
    blame("request in a dialog that never was: " + request.summary());
  reply(request, source, 481, nullptr);
}

}  // namespace sallyport::sim
