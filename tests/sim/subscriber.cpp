// RFC 6665 §4.1.2, §4.1.3, §4.4.1
#include "tests/sim/subscriber.h"

#include <fmt/format.h>

#include <cstdlib>

#include "tests/sim/messenger.h"

namespace sallyport::sim {

Subscriber::Subscriber(UserAgent& agent, bool border_restarts)
    : agent_(agent), transactions_(agent.transactions()), border_restarts_(border_restarts) {
  agent_.serve("NOTIFY",
               [this](const SipText& notify, const Endpoint& source) { return on_notify(notify, source); });
}

Subscriber::Subscription* Subscriber::find(const std::string& call_id) {
  const auto found = all_.find(call_id);
  return found == all_.end() ? nullptr : &found->second;
}

void Subscriber::subscribe(const ExchangePlan& plan) {
  const SipText first = exchange_request(agent_, plan, "SUBSCRIBE", 1);
  const UserAgentSettings& own = agent_.settings();
  Subscription subscription;
  subscription.plan = &plan;
  AgentDialog& dialog = subscription.dialog;
  dialog.call_id = first.call_id();
  dialog.local_tag = first.from_tag();
  dialog.local = first.value("From").substr(0, first.value("From").find(";tag="));
  dialog.remote = first.value("To");
  dialog.target = first.uri;
  dialog.contact = fmt::format("<sip:line-{}@{}>", own.marker, to_string(own.own));
  dialog.local_cseq = static_cast<std::uint32_t>(transactions_.random().below(1000));
  Subscription& kept = all_[dialog.call_id] = std::move(subscription);
  send(kept, plan.seconds);
  if (plan.end == SubscriptionEnd::SubscriberGone)
    (void)transactions_.network().after(plan.ends_after,
                                        [this, id = kept.dialog.call_id] { find(id)->gone = true; });
}

void Subscriber::send(Subscription& subscription, unsigned seconds) {
  AgentDialog& dialog = subscription.dialog;
  const bool is_first = dialog.remote_tag.empty();
  SipText request = dialog.request("SUBSCRIBE");
  request.add("Event", fmt::format("dialog;id={}", subscription.plan->index));
  request.add("Expires", std::to_string(seconds)).add("Accept", "application/dialog-info+xml");
  request.add("User-Agent", fmt::format("Phone-{}/1.0", agent_.settings().marker));
  const Endpoint to = is_first ? agent_.settings().border : dialog.next_hop();
  transactions_.request(std::move(request), to,
                        [this, id = dialog.call_id](const SipText* response) { on_answer(id, response); });
}

void Subscriber::on_answer(const std::string& call_id, const SipText* response) {
  Subscription* const subscription = find(call_id);
  if (response != nullptr && response->code < 200) return;
  const int code = response == nullptr ? 0 : response->code;
  const bool is_first = !subscription->accepted && subscription->code == 0;
  if (is_first) subscription->code = code;
  const ExchangePlan& plan = *subscription->plan;
  if (is_first && code / 100 == 2 && plan.code != code)
    transactions_.blame(fmt::format("{} where {} was said: {}", code, plan.code, response->summary()));
  if (is_first && transactions_.judge().is_calm() && !border_restarts_ &&
      code != (plan.is_dead ? 0 : plan.code))
    transactions_.blame(fmt::format("subscription {} ({}) got {} where {} was due", plan.index, plan.called,
                                    code, plan.is_dead ? 0 : plan.code));
  if (code == 408) transactions_.blame("408 to what is no INVITE: " + response->summary());
  if (subscription->over || subscription->gone) return;
  if (code / 100 == 2) {
    on_accepted(*subscription, *response);
  } else if (is_first || code == 481 || code == 0) {
    if (!is_first && code == 481 && transactions_.judge().is_calm() && !border_restarts_)
      transactions_.blame("the subscription was forgotten: " + response->summary());
    subscription->over = is_first || code != 0;  // RFC 6665 §4.1.2.2: else it lasts what it was granted
  }
}

void Subscriber::on_accepted(Subscription& subscription, const SipText& response) {
  AgentDialog& dialog = subscription.dialog;
  if (response.count("Contact") != 1) transactions_.blame("2xx without one Contact: " + response.summary());
  if (response.value("Expires").empty())
    transactions_.blame("2xx to SUBSCRIBE without Expires: " + response.summary());
  if (dialog.remote_tag.empty()) {
    dialog.remote_tag = response.to_tag();
    dialog.learn(response);
  } else if (dialog.remote_tag != response.to_tag() && !border_restarts_) {
    transactions_.blame("2xx of another dialog: " + response.summary());
  }
  subscription.accepted = true;
  if (!subscription.ending)
    plan_next(subscription, static_cast<unsigned>(std::atoi(response.value("Expires").c_str())));
}

// Refresh, end, or nothing more; when nothing is heard any more it is over by its time.
void Subscriber::plan_next(Subscription& subscription, unsigned granted) {
  if (granted > subscription.plan->seconds)
    transactions_.blame(fmt::format("granted {} s of {}", granted, subscription.plan->seconds));
  const std::string id = subscription.dialog.call_id;
  const unsigned renewal = ++subscription.renewals;
  const Duration lasts = std::chrono::seconds(granted);
  VirtualNetwork& network = transactions_.network();
  (void)network.after(lasts + 40s, [this, id, renewal] {
    if (find(id)->renewals == renewal) find(id)->over = true;
  });
  const bool refreshes = subscription.refreshes < subscription.plan->refreshes;
  if (!refreshes && subscription.plan->end != SubscriptionEnd::Unsubscribes) return;
  (void)network.after(transactions_.random().between(lasts / 4, lasts / 2), [this, id, refreshes] {
    Subscription& found = *find(id);
    if (found.over || found.gone || found.ending) return;
    if (refreshes)
      ++found.refreshes;
    else
      found.ending = true;
    send(found, refreshes ? found.plan->seconds : 0);
    if (!refreshes) (void)transactions_.network().after(40s, [this, id] { find(id)->over = true; });
  });
}

bool Subscriber::on_notify(const SipText& notify, const Endpoint& source) {
  Subscription* const subscription = find(notify.call_id());
  if (subscription == nullptr) return false;
  if (subscription->gone) return true;
  if (subscription->over) {
    answer(notify, source, 481);
    return true;
  }
  if (!check(*subscription, notify, source)) return true;
  ++subscription->notifies;
  check_body(*subscription, notify);
  if (notify.value("Subscription-State").starts_with("terminated")) subscription->over = true;
  answer(notify, source, 200);
  return true;
}

// False: answered already. RFC 6665 §4.1.3, §4.4.1
bool Subscriber::check(Subscription& subscription, const SipText& notify, const Endpoint& source) {
  AgentDialog& dialog = subscription.dialog;
  if (dialog.remote_tag.empty()) {
    dialog.remote_tag = notify.from_tag();
    dialog.learn(notify);
  }
  if (notify.to_tag() != dialog.local_tag || notify.from_tag() != dialog.remote_tag) {
    transactions_.blame("NOTIFY of another dialog: " + notify.summary());
    answer(notify, source, 481);
    return false;
  }
  if (user_of(notify.uri) != "line-" + agent_.settings().marker)
    transactions_.blame("Request-URI is not our Contact: " + notify.summary());
  if (notify.value("Event") != fmt::format("dialog;id={}", subscription.plan->index))
    transactions_.blame(fmt::format("NOTIFY of event '{}': {}", notify.value("Event"), notify.summary()));
  if (notify.value("Subscription-State").empty())
    transactions_.blame("NOTIFY without Subscription-State: " + notify.summary());
  if (notify.cseq() > dialog.remote_cseq) {
    dialog.remote_cseq = notify.cseq();
    return true;
  }
  if (transactions_.judge().is_calm()) transactions_.blame("CSeq does not grow: " + notify.summary());
  answer(notify, source, 500);
  return false;
}

void Subscriber::check_body(Subscription& subscription, const SipText& notify) {
  unsigned index = 0;
  int number = -1;
  if (std::sscanf(notify.body.c_str(), "state %u %d", &index, &number) != 2 ||
      index != subscription.plan->index)
    transactions_.blame("NOTIFY with the body of another: " + notify.summary());
  if (number <= subscription.last_number) transactions_.blame("NOTIFYs out of order: " + notify.summary());
  if (number != subscription.last_number + 1 && transactions_.judge().is_calm() && !border_restarts_)
    transactions_.blame("a NOTIFY is missing before " + notify.summary());
  subscription.last_number = number;
}

void Subscriber::answer(const SipText& request, const Endpoint& source, int code) {
  SipText response = response_to(request, code, "");
  response.phrase = "Says " + agent_.settings().name;
  transactions_.reply(request, source, response);
}

}  // namespace sallyport::sim
