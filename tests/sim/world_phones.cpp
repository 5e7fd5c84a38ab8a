// Phones in the world: that they register, are called where they are bound, and what is no call among all
// agents. RFC 3261 §10; RFC 6665; RFC 3428; RFC 3903
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/sip_world.h"

namespace sallyport::sim {

void SipWorld::make_phones() {
  UpstreamTerms terms{kPhonesDomain, {}, random_.chance(0.5)};
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    UserAgent& agent = *agents_[i];
    messengers_.push_back(std::make_unique<Messenger>(agent, exchanges_, settings_.snapshot));
    subscribers_.push_back(std::make_unique<Subscriber>(agent, settings_.snapshot));
    notifiers_.push_back(std::make_unique<Notifier>(agent, exchanges_, settings_.snapshot));
    const AgentPlace& place = kPlaces[i];
    if (!place.registers()) continue;
    messengers_.back()->publish_only_if([this, i] { return is_bound_for_a_while(i); });
    terms.passwords[place.user] = password_of(place);
    RegistrationPlan plan;
    plan.user = place.user;
    plan.domain = place.domain;
    plan.password = password_of(place);
    plan.seconds = static_cast<unsigned>(20 + random_.below(60));
    plan.start = random_.between(0s, 10s);
    plan.stop = random_.between(40s, 200s);
    plan.unregisters = random_.chance(0.7);
    plan.by_star = random_.chance(0.2);
    registrations_.push_back(std::make_unique<Registration>(agent, plan));
  }
  upstream_ = std::make_unique<UpstreamRegistrar>(*agents_[kHome], std::move(terms));
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    // A proxy stands before the others of that peer; one that is down asks nobody.
    if (kPlaces[i].behind_proxy || !random_.chance(0.3)) continue;
    keep_alives_.push_back(
        std::make_unique<KeepAlives>(*agents_[i], [this, i] { return is_bound_for_a_while(i); }));
  }
}

Endpoint SipWorld::seen_of(std::size_t agent, unsigned turn) {
  const bool is_last = agent + 1 == kPlaces.size();
  return {*IpAddress::parse(is_last ? kRouterOfOne : kRouterOfTwo),
          static_cast<std::uint16_t>(30000 + 100 * agent + turn)};
}

void SipWorld::move(std::size_t agent, unsigned turn) {
  network_.put_behind(agents_[agent]->settings().own, seen_of(agent, turn));
  registration_of(agent)->on_moved();
  agents_[agent]->on_moved();
  if (turn < 3)
    (void)network_.after(random_.between(10s, 60s), [this, agent, turn] { move(agent, turn + 1); });
}

void SipWorld::begin_registrations() {
  if (settings_.simple) return;
  for (const auto& registration : registrations_) registration->begin();
  for (const auto& each : keep_alives_) each->begin(static_cast<unsigned>(1 + random_.below(4)));
  for (std::size_t i = kFirstPhone; settings_.moves && i < kPlaces.size(); ++i)
    if (*kPlaces[i].behind != '\0')
      (void)network_.after(random_.between(10s, 90s), [this, i] { move(i, 1); });
  watch_bindings();
}

Registration* SipWorld::registration_of(std::size_t agent) noexcept {
  return agent >= kFirstPhone ? registrations_[agent - kFirstPhone].get() : nullptr;
}

bool SipWorld::is_bound_for_a_while(std::size_t agent) {
  Registration* const registration = registration_of(agent);
  return registration == nullptr || registration->is_bound(network_.now() + 2s);
}

// From a phone to a peer inside, from the registrar inside to its phone, or from anybody to a desk.
void SipWorld::plan_phone_call(Duration start) {
  const std::uint64_t kind = random_.below(3);
  const std::size_t phone = kFirstPhone + random_.below(2), desk = kFirstPhone + 2 + random_.below(2);
  PlanTerms terms{kHome, '6', start + 5s, settings_.simple, settings_.calm, settings_.keys, settings_.stale};
  if (kind == 0) {
    terms.caller_agent = random_.chance(0.5) ? phone : desk;
    terms.destination = static_cast<char>('2' + random_.below(3));
  } else if (kind == 2) {
    terms.caller_agent = random_.below(4) == 0 ? phone : random_.below(2);
    terms.destination = '7';
  }
  CallPlan plan = make_plan(planned_++, terms, random_);
  if (kind != 0) plan.phone = kind == 1 ? phone : desk;
  if (kind != 0) plan.privacy = false;
  if (!plan.attended) plan.transfer_after.reset();
  (void)network_.after(plan.start, [this, plan] { dial_phone(plan); });
}

void SipWorld::dial_phone(CallPlan plan) {
  if (!is_bound_for_a_while(plan.caller_agent)) return;
  if (plan.phone) {
    const AgentPlace& place = kPlaces[*plan.phone];
    if (!is_bound_for_a_while(*plan.phone)) return;
    plan.request_uri = plan.destination == '6'
                           ? upstream_->contact_of(fmt::format("{}@{}", place.user, place.domain))
                           : fmt::format("sip:{}@{}", place.user, kPlaces[plan.caller_agent].border);
    if (plan.request_uri.empty()) return;
    // A phone's own address says who calls; two calls of one phone at one desk could not be told apart.
    if (registration_of(plan.caller_agent) != nullptr) {
      plan.caller = kPlaces[plan.caller_agent].user;
      if (plans_.find_by_caller(plan.caller) != nullptr) return;
    }
  }
  agents_[plan.caller_agent]->dial(plans_.add(std::move(plan)));
}

void SipWorld::plan_exchange(Duration start) {
  const bool inwards = random_.chance(0.65);
  ExchangeTerms terms;
  terms.sender = inwards ? random_.below(2) : 3 + random_.below(kPeerAgents - 3);
  if (inwards && random_.chance(0.4)) terms.sender = kFirstPhone + random_.below(4);
  terms.destination = static_cast<char>(inwards ? '2' + random_.below(4) : '0' + random_.below(2));
  terms.start = start + 3s;
  terms.nobody_vanishes = settings_.calm;
  const ExchangePlan& plan = exchanges_.add(make_exchange(planned_++, terms, random_));
  (void)network_.after(plan.start, [this, &plan] { begin_exchange(plan); });
}

void SipWorld::begin_exchange(const ExchangePlan& plan) {
  if (!is_bound_for_a_while(plan.sender)) return;
  if (plan.kind == ExchangeKind::Subscribe)
    subscribers_[plan.sender]->subscribe(plan);
  else
    messengers_[plan.sender]->send(plan);
}

// A router forgets a flow on which nothing has come for half a minute. RFC 4787 §4.3, RFC 5626 §4.4.2
void SipWorld::check_flow(std::size_t agent, bool is_bound) {
  Timestamp& since = flow_since_[agent];
  const AgentTransactions& phone = agents_[agent]->transactions();
  since = is_bound ? std::max({since, phone.heard_at()}) : network_.now();
  const bool has_router = network_.seen_as(phone.own()) != phone.own();
  if (has_router && settings_.calm && network_.now() - since > 30s)
    judge_.blame(fmt::format("{} is behind a router and has heard nothing for half a minute", phone.name()));
}

// A binding is on the board exactly while it should be.
void SipWorld::watch_bindings() {
  for (std::size_t i = 0; i < registrations_.size(); ++i) {
    const Registration& registration = *registrations_[i];
    const AgentPlace& place = kPlaces[kFirstPhone + i];
    const PeerIndex at = std::string_view(place.domain) == kPhonesDomain ? kPhonesPlace : kDesksPlace;
    const auto bindings = policy_->bindings.bindings_of(at, registration.aor());
    const bool is_there = std::ranges::any_of(*bindings, [&](const auto& binding) {
      return binding->expires > border_now() &&
             binding->path.remote == network_.seen_as(registration.phone().settings().own);
    });
    check_flow(kFirstPhone + i, registration.is_bound(network_.now()));
    if (registration.is_bound(network_.now()) && !is_there)
      judge_.blame(fmt::format("the binding of {} is not there", place.name));
    // Each restart makes them last a little longer.
    if (registration.is_gone(network_.now()) && is_there && !settings_.snapshot)
      judge_.blame(fmt::format("the binding of {} is still there", place.name));
  }
  if (network_.now() < Timestamp{} + 1h + 10min) (void)network_.after(1s, [this] { watch_bindings(); });
}

void SipWorld::check_exchanges() {
  for (const auto& messenger : messengers_)
    if (messenger->open() != 0) judge_.blame("a request is left without an end");
  for (const auto& subscriber : subscribers_)
    for (const auto& [call_id, subscription] : subscriber->all())
      if (!subscription.over && !subscription.gone)
        judge_.blame("a subscription goes on at its subscriber, Call-ID " + call_id);
  for (const auto& notifier : notifiers_)
    for (const auto& [call_id, subscription] : notifier->all())
      if (!subscription.over && !subscription.gone)
        judge_.blame("a subscription goes on at its notifier, Call-ID " + call_id);
  for (const auto& registration : registrations_) {
    const std::string contact = upstream_->contact_of(registration->aor());
    if (!contact.empty()) judge_.blame("still registered upstream: " + registration->aor());
  }
}

}  // namespace sallyport::sim
