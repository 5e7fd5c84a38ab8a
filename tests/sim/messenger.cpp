// One request, one answer, and the tags of publications.
#include "tests/sim/messenger.h"

#include <fmt/format.h>

namespace sallyport::sim {
namespace {

std::string body_of(const ExchangePlan& plan, unsigned step) {
  return fmt::format("body {} of exchange {}, with an empty line\r\n\r\nand no end of line", step,
                     plan.index);
}

}  // namespace

SipText exchange_request(UserAgent& agent, const ExchangePlan& plan, std::string_view method,
                         std::uint32_t cseq) {
  const UserAgentSettings& own = agent.settings();
  SimRandom& random = agent.transactions().random();
  SipText request;
  request.method = std::string(method);
  request.uri = plan.request_uri.empty() ? fmt::format("sip:{}@{}", plan.called, to_string(own.border))
                                         : plan.request_uri;
  const std::string from =
      own.identity.empty() ? fmt::format("<sip:{}@{}.example>", plan.caller, own.name) : own.identity;
  request.add("Max-Forwards", "70");
  request.add("From", fmt::format("{};tag={}{}", from, own.name, random.letters(6)));
  request.add("To", fmt::format("<sip:{}@{}>", plan.called, to_string(own.border)));
  request.add("Call-ID", fmt::format("{}-{}@{}", random.letters(10), own.name, to_string(own.own.address)));
  request.add("CSeq", fmt::format("{} {}", cseq, method));
  request.add("User-Agent", fmt::format("Phone-{}/1.0", own.marker));
  request.add("X-Node", own.name);
  return request;
}

Messenger::Messenger(UserAgent& agent, const ExchangeBook& plans, bool border_restarts)
    : agent_(agent), plans_(plans), border_restarts_(border_restarts) {
  for (const char* const method : {"MESSAGE", "PUBLISH"})
    agent_.serve(method, [this](const SipText& request, const Endpoint& source) {
      on_request(request, source);
      return true;
    });
  agent_.serve("NOTIFY", [this](const SipText& request, const Endpoint& source) {
    if (!request.to_tag().empty()) return false;
    on_request(request, source);
    return true;
  });
}

void Messenger::send(const ExchangePlan& plan) {
  if (plan.kind == ExchangeKind::Publish) {
    publish(plan);
    return;
  }
  SipText request =
      exchange_request(agent_, plan, plan.kind == ExchangeKind::Message ? "MESSAGE" : "NOTIFY", 1);
  if (plan.kind == ExchangeKind::Notify)
    request.add("Event", "message-summary")
        .add("Subscription-State", "active")
        .add("Contact",
             fmt::format("<sip:line-{}@{}>", agent_.settings().marker, to_string(agent_.settings().own)))
        .add("Content-Type", "application/simple-message-summary");
  else
    request.add("Content-Type", "text/plain");
  request.body = body_of(plan, 0);
  ++open_;
  agent_.transactions().request(std::move(request), agent_.settings().border,
                                [this, &plan](const SipText* response) { on_answer(plan, response); });
}

// Made, altered, ended: each names the tag of the one before. RFC 3903 §4.1
void Messenger::publish(const ExchangePlan& plan) {
  Publication& own = publications_[plan.index];
  SipText request = exchange_request(agent_, plan, "PUBLISH", own.cseq++);
  request.add("Event", "presence").add("Expires", own.steps == 2 ? "0" : "60");
  if (own.steps != 0) request.add("SIP-If-Match", own.tag);
  if (own.steps != 2) {
    request.add("Content-Type", "application/pidf+xml");
    request.body = body_of(plan, own.steps);
  }
  ++own.steps;
  ++open_;
  agent_.transactions().request(std::move(request), agent_.settings().border,
                                [this, &plan](const SipText* response) { on_answer(plan, response); });
}

void Messenger::on_answer(const ExchangePlan& plan, const SipText* response) {
  if (response != nullptr && response->code < 200) return;
  --open_;
  results_[plan.index] = response == nullptr ? 0 : response->code;
  check_answer(plan, response);
  if (plan.kind != ExchangeKind::Publish || response == nullptr || response->code >= 300) return;
  Publication& own = publications_[plan.index];
  own.tag = response->value("SIP-ETag");
  if (own.tag.empty()) agent_.transactions().blame("2xx to PUBLISH without SIP-ETag: " + response->summary());
  if (own.steps < 3)
    (void)agent_.transactions().network().after(agent_.transactions().random().between(0s, 10s),
                                                [this, &plan] {
                                                  if (!is_known_ || is_known_()) publish(plan);
                                                });
}

void Messenger::check_answer(const ExchangePlan& plan, const SipText* response) {
  AgentTransactions& transactions = agent_.transactions();
  const int code = response == nullptr ? 0 : response->code;
  if (code >= 200 && code < 300 && code != plan.code)
    transactions.blame(fmt::format("{} where {} was said: {}", code, plan.code, response->summary()));
  if (code == 408) transactions.blame("408 to what is no INVITE: " + response->summary());  // RFC 4320 §4.2
  if (!transactions.judge().is_calm() || border_restarts_) return;
  if (code != (plan.is_dead ? 0 : plan.code))
    transactions.blame(fmt::format("exchange {} ({}) got {} where {} was due", plan.index, plan.called, code,
                                   plan.is_dead ? 0 : plan.code));
}

void Messenger::on_request(const SipText& request, const Endpoint& source) {
  AgentTransactions& transactions = agent_.transactions();
  const ExchangePlan* const plan = plans_.find(request);
  if (plan == nullptr) {
    transactions.blame("a request for a number that nobody called: " + request.summary());
    return;
  }
  const unsigned count = taken_[plan->index]++;
  const unsigned most = plan->kind == ExchangeKind::Publish ? 3 : 1;
  if (count >= most && !border_restarts_)
    transactions.blame(fmt::format("taken {} times: {}", count + 1, request.summary()));
  bool is_whole = request.body.empty() && plan->kind == ExchangeKind::Publish;
  for (unsigned step = 0; step < most; ++step) is_whole = is_whole || request.body == body_of(*plan, step);
  if (!is_whole) transactions.blame("the body was changed: " + request.summary());
  if (plan->is_dead) return;
  (void)transactions.network().after(plan->answer_after,
                                     [this, plan, request, source] { answer(*plan, request, source); });
}

void Messenger::answer(const ExchangePlan& plan, const SipText& request, const Endpoint& source) {
  const UserAgentSettings& own = agent_.settings();
  SipText response = response_to(request, plan.code, own.name + agent_.transactions().random().letters(6));
  response.phrase = "Says " + own.name;
  response.add("Server", fmt::format("Phone-{}/1.0", own.marker));
  if (request.method == "PUBLISH" && plan.code < 300) take_publication(plan, request, response);
  agent_.transactions().reply(request, source, response);
}

void Messenger::take_publication(const ExchangePlan& plan, const SipText& request, SipText& response) {
  AgentTransactions& transactions = agent_.transactions();
  std::set<std::string>& tags = tags_[plan.index];
  const std::string& named = request.value("SIP-If-Match");
  if (request.value("Event") != "presence")
    transactions.blame("PUBLISH of another event: " + request.summary());
  if (named.empty() != !request.body.empty() && named.empty())
    transactions.blame("PUBLISH without tag and body: " + request.summary());
  if (!named.empty() && !tags.contains(named) && plan.called[5] != '2' && plan.called[5] != '4')
    transactions.blame("SIP-If-Match that nobody gave out: " + request.summary());
  const std::string next = std::to_string(100'000'000 + transactions.random().below(900'000'000));
  tags.insert(next);
  response.add("SIP-ETag", next).add("Expires", request.value("Expires"));
}

}  // namespace sallyport::sim
