// Requests of the past, as a slow path, a phone that counts badly or somebody who listened brings them: none
// is carried out. A number below the last one gets 500; so does another request with the last number; octets
// that come again get the answer that they had, and 500 when nothing of that is left. RFC 3261 §12.2.2,
// §17.2.2
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tests/sim/user_agent.h"

namespace sallyport::sim {
namespace {

constexpr std::array<std::string_view, 5> kMethods{"OPTIONS", "INFO", "UPDATE", "INVITE", "BYE"};

// Its transaction is over on all sides.
constexpr Duration kForgottenAfter = kTransactionTime + 15s;

}  // namespace

void UserAgent::plan_stale(const AgentLeg& leg) {
  if (!settings_.leads_to) return;  // the agents among themselves have another rule for what comes twice
  for (const StaleAct& act : leg.plan->stale_acts)
    if (act.by_caller == leg.is_caller)
      (void)transactions_.network().after(act.after, [this, call_id = leg.call_id, act] {
        if (AgentLeg* const found = find(call_id)) act_stale(*found, act);
      });
}

// The other end has seen that number: it has said 2xx to it.
void UserAgent::note_taken(AgentLeg& leg, const SipText& response) {
  leg.taken_cseq = std::max(leg.taken_cseq, response.cseq());
  const SipText* const request = transactions_.sent(response.branch());
  if (request != nullptr && request->method != "INVITE") leg.taken = *request;
}

void UserAgent::act_stale(AgentLeg& leg, const StaleAct& act) {
  if (leg.gone || leg.state != LegState::Up) return;
  VirtualNetwork& network = transactions_.network();
  const auto later = [&](Duration wait, auto what) {
    (void)network.after(wait, [this, call_id = leg.call_id, what] {
      AgentLeg* const found = find(call_id);
      if (found != nullptr && !found->gone && found->state == LegState::Up) what(*found);
    });
  };
  switch (act.what) {
    case Stale::Late:
      if (leg.taken_cseq > 1) send_late(leg, act.method, leg.taken_cseq - 1);
      break;
    case Stale::Crossed: {
      const std::uint32_t overtaken = ++leg.local_cseq;
      change(leg, Change::Options);
      later(2s, [this, overtaken, method = act.method](AgentLeg& found) {
        if (found.taken_cseq > overtaken) send_late(found, method, overtaken);
      });
      break;
    }
    case Stale::SameNumber:
      if (leg.taken_cseq != 0) send_late(leg, act.method, leg.taken_cseq);
      break;
    case Stale::Replayed:
      if (leg.taken.method.empty()) break;
      network.send(settings_.own, next_hop(leg), leg.taken.text());
      if (settings_.any_source) break;  // a proxy between them remembers longer
      later(kForgottenAfter, [this, old = leg.taken.cseq()](AgentLeg& found) {
        if (found.taken.cseq() == old) replay(found);
      });
      break;
  }
}

void UserAgent::send_late(AgentLeg& leg, StaleMethod method, std::uint32_t number) {
  const std::uint32_t last = leg.local_cseq;
  const std::string_view name = kMethods[static_cast<std::size_t>(method)];
  SipText request = request_in(leg, name);
  leg.local_cseq = last;
  for (auto& [field, value] : request.fields)
    if (field == "CSeq") value = fmt::format("{} {}", number, name);
  if (method == StaleMethod::Info) {
    request.add("Content-Type", "application/dtmf-relay");
    request.body = "Signal=9\r\nDuration=160\r\n";  // nobody ever says so
  }
  const std::string what = fmt::format("{} {} behind {}", name, number, leg.taken_cseq);
  // The border may have ended the call and not be heard yet: then it is the BYE that it knows, once more.
  const bool may_be_over = method == StaleMethod::Bye && number == leg.taken_cseq;
  transactions_.request(std::move(request), next_hop(leg),
                        [this, what, may_be_over, call_id = leg.call_id](const SipText* response) {
                          const AgentLeg* const found = find(call_id);
                          const bool is_over =
                              !transactions_.judge().is_calm() || (found != nullptr && found->got_bye);
                          if (may_be_over && is_over && response != nullptr && response->code == 200) return;
                          on_stale_answer(what, call_id, response);
                        });
}

void UserAgent::replay(const AgentLeg& leg) {
  const std::string what = fmt::format("{} {} once more", leg.taken.method, leg.taken.cseq());
  transactions_.request_again(leg.taken, next_hop(leg),
                              [this, what, call_id = leg.call_id](const SipText* response) {
                                on_stale_answer(what, call_id, response);
                              });
}

void UserAgent::on_stale_answer(const std::string& what, const std::string& call_id,
                                const SipText* response) {
  if (response != nullptr && response->code == 100) return;
  const int code = response == nullptr ? 0 : response->code;
  const Judge& judge = transactions_.judge();
  const AgentLeg* const leg = find(call_id);
  const bool is_up = leg != nullptr && leg->state == LegState::Up;
  if (code == 500) ++stale_refused_;
  const bool is_lost = code == 0 && !judge.is_calm();
  const bool is_of_no_call = code == 481 && (!judge.is_calm() || !is_up);
  const bool is_full = code == 503 && judge.is_tight();
  if (code != 500 && !is_lost && !is_of_no_call && !is_full)
    blame(fmt::format("{} got {} where 500 was due, Call-ID {}", what, code, call_id));
}

}  // namespace sallyport::sim
