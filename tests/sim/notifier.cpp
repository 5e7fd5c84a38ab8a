// RFC 6665 §4.2.1, §4.2.2
#include "tests/sim/notifier.h"

#include <fmt/format.h>

#include <cstdlib>

namespace sallyport::sim {

Notifier::Notifier(UserAgent& agent, const ExchangeBook& plans, bool border_restarts)
    : agent_(agent), transactions_(agent.transactions()), plans_(plans), border_restarts_(border_restarts) {
  agent_.serve("SUBSCRIBE", [this](const SipText& request, const Endpoint& source) {
    return on_subscribe(request, source);
  });
}

Notifier::Subscription* Notifier::find(const std::string& call_id) {
  const auto found = all_.find(call_id);
  return found == all_.end() ? nullptr : &found->second;
}

bool Notifier::on_subscribe(const SipText& request, const Endpoint& source) {
  Subscription* const known = find(request.call_id());
  if (known != nullptr) {
    if (!known->gone) on_refresh(*known, request, source);
    return true;
  }
  if (!request.to_tag().empty()) return false;
  const ExchangePlan* const plan = plans_.find(request);
  if (plan == nullptr) {
    transactions_.blame("SUBSCRIBE to a number that nobody called: " + request.summary());
    return false;
  }
  if (plan->is_dead) return true;
  (void)transactions_.network().after(plan->answer_after,
                                      [this, plan, request, source] { begin(*plan, request, source); });
  return true;
}

void Notifier::begin(const ExchangePlan& plan, const SipText& request, const Endpoint& source) {
  if (request.count("Contact") != 1)
    transactions_.blame("SUBSCRIBE without one Contact: " + request.summary());
  if (request.value("Event") != fmt::format("dialog;id={}", plan.index))
    transactions_.blame(
        fmt::format("SUBSCRIBE to event '{}': {}", request.value("Event"), request.summary()));
  if (plan.code >= 300) {
    answer(request, source, plan.code, nullptr);
    return;
  }
  for (const auto& [call_id, other] : all_)
    if (other.plan == &plan && !other.over && !border_restarts_)
      transactions_.blame("a second SUBSCRIBE of one subscription: " + request.summary());
  const UserAgentSettings& own = agent_.settings();
  Subscription subscription;
  subscription.plan = &plan;
  AgentDialog& dialog = subscription.dialog;
  dialog.call_id = request.call_id();
  dialog.local_tag = own.name + transactions_.random().letters(6);
  dialog.remote_tag = request.from_tag();
  dialog.local = request.value("To");
  dialog.remote = request.value("From").substr(0, request.value("From").find(";tag="));
  dialog.contact = fmt::format("<sip:line-{}@{}>", own.marker, to_string(own.own));
  dialog.remote_cseq = request.cseq();
  dialog.learn(request);
  Subscription& kept = all_[dialog.call_id] = std::move(subscription);
  const std::string id = kept.dialog.call_id;
  answer(request, source, plan.code, &kept);
  grant(kept, static_cast<unsigned>(std::atoi(request.value("Expires").c_str())));
  VirtualNetwork& network = transactions_.network();
  for (unsigned i = 0; i < plan.notifies; ++i)
    (void)network.after(transactions_.random().between(0s, 30s), [this, id] { tell(*find(id), "active"); });
  if (plan.end == SubscriptionEnd::Terminates)
    (void)network.after(plan.ends_after, [this, id] { terminate(id, "noresource"); });
  if (plan.end == SubscriptionEnd::NotifierGone)
    (void)network.after(plan.ends_after, [this, id] { find(id)->gone = true; });
}

void Notifier::on_refresh(Subscription& subscription, const SipText& request, const Endpoint& source) {
  AgentDialog& dialog = subscription.dialog;
  if (request.to_tag() != dialog.local_tag || request.from_tag() != dialog.remote_tag) {
    // A border that fell over may ask a second time from the start.
    if (!border_restarts_) transactions_.blame("SUBSCRIBE of another dialog: " + request.summary());
    answer(request, source, 481, nullptr);
    return;
  }
  if (user_of(request.uri) != "line-" + agent_.settings().marker)
    transactions_.blame("Request-URI is not our Contact: " + request.summary());
  if (request.cseq() <= dialog.remote_cseq) {
    if (transactions_.judge().is_calm()) transactions_.blame("CSeq does not grow: " + request.summary());
    answer(request, source, 500, nullptr);
    return;
  }
  dialog.remote_cseq = request.cseq();
  if (subscription.over || subscription.terminated) {
    answer(request, source, 481, nullptr);
    return;
  }
  dialog.target = uri_of(request.value("Contact"));
  answer(request, source, 200, &subscription);
  grant(subscription, static_cast<unsigned>(std::atoi(request.value("Expires").c_str())));
}

// Each SUBSCRIBE is answered by a NOTIFY too. RFC 6665 §4.2.1.2
void Notifier::grant(Subscription& subscription, unsigned seconds) {
  const std::string id = subscription.dialog.call_id;
  if (seconds == 0) {
    terminate(id, "timeout");
    return;
  }
  VirtualNetwork& network = transactions_.network();
  subscription.until = network.now() + std::chrono::seconds(seconds);
  tell(subscription, "active");
  (void)network.after(std::chrono::seconds(seconds), [this, id] {
    Subscription& found = *find(id);
    if (transactions_.network().now() >= found.until) terminate(id, "timeout");
  });
}

void Notifier::terminate(const std::string& call_id, const std::string& reason) {
  Subscription& subscription = *find(call_id);
  if (subscription.gone || subscription.over || subscription.terminated) return;
  subscription.states.clear();
  tell(subscription, "terminated;reason=" + reason);
  subscription.terminated = true;
}

void Notifier::tell(Subscription& subscription, const std::string& state) {
  if (subscription.gone || subscription.over || subscription.terminated) return;
  subscription.states.push_back(state);
  send_next(subscription);
}

// The next one when the last one has its answer: so they can't overtake each other.
void Notifier::send_next(Subscription& subscription) {
  if (subscription.notifying || subscription.states.empty() || subscription.gone) return;
  std::string state = subscription.states.front();
  subscription.states.pop_front();
  subscription.notifying = true;
  if (state == "active") {
    const auto left =
        std::chrono::ceil<std::chrono::seconds>(subscription.until - transactions_.network().now());
    state = fmt::format("active;expires={}", left.count());
  }
  SipText request = subscription.dialog.request("NOTIFY");
  request.add("Event", fmt::format("dialog;id={}", subscription.plan->index));
  request.add("Subscription-State", state).add("Content-Type", "application/dialog-info+xml");
  request.body = fmt::format("state {} {}", subscription.plan->index, subscription.number++);
  const Endpoint to = subscription.dialog.next_hop();
  transactions_.request(
      std::move(request), to, [this, id = subscription.dialog.call_id](const SipText* response) {
        if (response != nullptr && response->code < 200) return;
        Subscription& found = *find(id);
        found.notifying = false;
        // RFC 6665 §4.2.2: who can't be reached is no subscriber any more.
        const bool is_lost = response == nullptr || response->code == 481;
        if (is_lost && transactions_.judge().is_calm() && !border_restarts_)
          transactions_.blame(fmt::format("NOTIFY of subscription {} got {}", found.plan->index,
                                          response == nullptr ? 0 : response->code));
        if (is_lost || (found.terminated && found.states.empty())) found.over = true;
        if (!found.over) send_next(found);
      });
}

void Notifier::answer(const SipText& request, const Endpoint& source, int code, Subscription* subscription) {
  const std::string tag = subscription != nullptr
                              ? subscription->dialog.local_tag
                              : agent_.settings().name + transactions_.random().letters(6);
  SipText response = response_to(request, code, tag);
  response.phrase = "Says " + agent_.settings().name;
  if (subscription != nullptr)
    response.add("Contact", subscription->dialog.contact).add("Expires", request.value("Expires"));
  for (const std::string& route : request.values("Record-Route"))
    if (subscription != nullptr) response.add("Record-Route", route);
  response.add("Server", fmt::format("Phone-{}/1.0", agent_.settings().marker));
  transactions_.reply(request, source, response);
}

}  // namespace sallyport::sim
