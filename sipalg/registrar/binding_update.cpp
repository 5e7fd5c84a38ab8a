// binding_update.cpp — RFC 3261 §10.3 steps 6 to 8; RFC 5626 §6; RFC 3327 §5.3; threats I1.
#include "sipalg/registrar/binding_update.h"

#include <algorithm>
#include <utility>

#include "sipalg/registrar/contact_uri.h"

namespace sallyport::sip {
namespace {

using What = BindingChange::What;

bool is_alive(const Binding& binding, Timestamp now) noexcept { return binding.expires > now; }

bool is_same_binding(const Binding& binding, const AskedContact& asked, bool uses_outbound) noexcept {
  if (uses_outbound && asked.reg_id != 0 && binding.reg_id != 0)  // RFC 5626 §6
    return binding.reg_id == asked.reg_id && binding.instance == asked.instance;
  return is_same_uri(binding.contact, asked.uri);
}

// One that has just expired is taken up again: its Contact inside may still be there.
const SharedValue<Binding>* find_binding(const Bindings& current, const AskedContact& asked,
                                         bool uses_outbound) noexcept {
  for (const auto& one : current)
    if (is_same_binding(*one, asked, uses_outbound)) return &one;
  return nullptr;
}

// RFC 3261 §10.3 step 7
bool is_out_of_order(const Binding& binding, const RegisterAsk& ask) noexcept {
  return binding.call_id == ask.call_id && ask.cseq <= binding.cseq;
}

bool is_same_flow(const Path& a, const Path& b) noexcept {
  return a == b && (!is_stream(a.transport) || a.connection == b.connection);
}

UpdatePlan plan_end_of_all(const Bindings& current, const RegisterAsk& ask, Timestamp now) {
  for (const auto& one : current)
    if (is_alive(*one, now) && is_out_of_order(*one, ask))
      return {.code = 500, .reason = "older than the last one", .numbers = {}};  // RFC 3261 §10.3 step 6
  return {};
}

What change_of(const Binding* old, const Binding& next) noexcept {
  if (old == nullptr) return What::Begun;
  if (!is_same_flow(old->path, next.path) || old->contact != next.contact ||
      old->route_set != next.route_set || old->contact_params != next.contact_params)
    return What::Moved;
  return next.inside_expires > old->inside_expires ? What::Longer : What::Refreshed;
}

SharedValue<Binding> next_binding(const Binding* old, const RegisterAsk& ask, std::size_t i,
                                  const GrantedContact& granted, const UpdateTerms& terms) {
  const AskedContact& asked = ask.contacts[i];
  auto next = make_value<Binding>();
  next->number = granted.number;
  next->place = terms.place;
  next->aor = ask.aor;
  next->contact = asked.uri;
  next->contact_params = asked.params;
  next->gruus = granted.gruus;
  next->instance = asked.instance;
  next->reg_id = asked.reg_id;
  next->route_set = ask.path;
  next->path = terms.path;
  next->call_id = ask.call_id;
  next->cseq = ask.cseq;
  next->q = asked.q;
  next->expires = terms.now + granted.outside;
  next->inside_expires = terms.now + granted.inside;
  next->inside_lasts = granted.inside_lasts;
  next->since = old != nullptr ? old->since : terms.now;
  next->user_agent = ask.user_agent;
  return next;
}

}  // namespace

UpdatePlan plan_update(const Bindings& current, const RegisterAsk& ask, std::uint32_t most, Timestamp now) {
  if (ask.is_star) return plan_end_of_all(current, ask, now);
  UpdatePlan plan;
  const bool uses_outbound = ask.uses_outbound();
  bool adds = false;
  auto count = std::ranges::count_if(current, [now](const auto& one) { return is_alive(*one, now); });
  for (std::size_t i = 0; i < ask.contacts.size(); ++i) {
    const AskedContact& asked = ask.contacts[i];
    for (std::size_t before = 0; before < i; ++before)
      if (is_same_uri(ask.contacts[before].uri, asked.uri))
        return {.code = 400, .reason = "one Contact twice", .numbers = {}};
    const SharedValue<Binding>* const known = find_binding(current, asked, uses_outbound);
    const bool is_there = known != nullptr && is_alive(**known, now);
    if (is_there && is_out_of_order(**known, ask))
      return {.code = 500, .reason = "older than the last one", .numbers = {}};
    plan.numbers.push_back(known != nullptr ? (*known)->number : 0);
    if (is_there && asked.seconds == 0) --count;
    if (!is_there && asked.seconds != 0) {
      ++count;
      adds = true;
    }
  }
  if (adds && count > static_cast<std::ptrdiff_t>(most))
    return {.code = 403, .reason = "too many contacts", .numbers = {}};  // threats I1
  return plan;
}

Update make_update(const Bindings& current, const RegisterAsk& ask,
                   const std::vector<GrantedContact>& granted, const UpdateTerms& terms) {
  Update update;
  std::vector<std::uint64_t> done;
  const bool uses_outbound = ask.uses_outbound();
  for (std::size_t i = 0; i < ask.contacts.size(); ++i) {
    const SharedValue<Binding>* const known = find_binding(current, ask.contacts[i], uses_outbound);
    const Binding* const old = known != nullptr ? known->get() : nullptr;
    // A younger one was faster than the upstream. RFC 3261 §10.3 step 7
    if (old != nullptr && is_alive(*old, terms.now) && is_out_of_order(*old, ask)) continue;
    if (old != nullptr) done.push_back(old->number);
    if (ask.contacts[i].seconds == 0 || granted[i].outside <= Duration::zero()) {
      if (known != nullptr) update.changes.push_back({What::Ended, *known});
      continue;
    }
    SharedValue<Binding> next = next_binding(old, ask, i, granted[i], terms);
    if (old != nullptr && old->number != next->number) {  // somebody was faster
      update.changes.push_back({What::Ended, *known});
      update.changes.push_back({What::Begun, next});
    } else {
      update.changes.push_back({change_of(old, *next), next});
    }
    update.next.push_back(std::move(next));
  }
  for (const auto& one : current) {
    if (std::ranges::find(done, one->number) != done.end()) continue;
    if (ask.is_star || !is_alive(*one, terms.now))
      update.changes.push_back({What::Ended, one});
    else
      update.next.push_back(one);
  }
  sort_bindings(update.next);
  return update;
}

Bindings without(const Bindings& current, std::uint64_t number) {
  Bindings rest;
  rest.reserve(current.size());
  for (const auto& one : current)
    if (one->number != number) rest.push_back(one);
  return rest;
}

// A few, and in their order nearly always: each goes before those in front of it that are less preferred.
void sort_bindings(Bindings& bindings) {
  for (auto next = bindings.begin(); next != bindings.end(); ++next) {
    const auto place =
        std::find_if(bindings.begin(), next, [&](const auto& one) { return one->q < (*next)->q; });
    std::rotate(place, next, next + 1);
  }
}

SharedValue<Binding> find_refreshed(const Bindings& current, const RegisterAsk& ask, const Path& path,
                                    Timestamp now) {
  if (ask.contacts.size() != 1 || ask.contacts[0].seconds == 0) return nullptr;
  const AskedContact& asked = ask.contacts[0];
  for (const auto& one : current) {
    const Binding& binding = *one;
    if (!is_alive(binding, now) || !is_same_flow(binding.path, path)) continue;
    if (binding.call_id != ask.call_id || ask.cseq <= binding.cseq) continue;
    if (binding.contact == asked.uri && binding.contact_params == asked.params &&
        binding.route_set == ask.path)
      return one;
  }
  return nullptr;
}

}  // namespace sallyport::sip
