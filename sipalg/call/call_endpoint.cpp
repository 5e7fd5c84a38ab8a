// call_endpoint.cpp — calls from and to endpoints that register here: who may call as whom, which bindings a
// call tries, and what of an endpoint's own domain and credentials its upstream must see. RFC 3261 §10,
// §16.5, §22; threats I1, I3, I4.
#include <algorithm>

#include "policy/route/dialled.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {

NextTarget CallEngine::target_of(const Binding& binding) {
  NextTarget target;
  target.peer = binding.place;
  target.address = binding.path.remote;
  target.transport = binding.path.transport;
  target.host = domain_of(binding.aor);
  target.binding = binding.number;
  return target;
}

// A Contact that we registered upstream is for the upstream alone.
CallEngine::EndpointCall CallEngine::judge_endpoints(const Arrival& arrival) const {
  const SbcConfig& config = book_->config;
  if (config.registrars.empty()) return {};
  const PeerIndex from = arrival.input.peer;
  EndpointCall call;
  if (registrar_of(config, from) != nullptr) {
    call.sender = binding_of_sender(arrival.request, *parts_.shared.bindings.from(path_of(arrival.input)));
    if (call.sender == nullptr) call.refusal = 403;
  }
  const auto token =
      read_token(parts_.settings.token_key, TokenKind::Contact, arrival.request.start.request_uri.user);
  if (call.refusal != 0 || !token || token->part != kBindingPart) return call;
  call.binding = parts_.shared.bindings.numbered(token->number);
  const RegistrarConfig* const registrar = call.binding ? registrar_of(config, call.binding->place) : nullptr;
  const PeerSide* const peer = book_->peer_side(from);
  if (registrar == nullptr || peer == nullptr || registrar->upstream != peer->config->name ||
      call.binding->expires <= arrival.now)
    call.refusal = 404;  // RFC 3261 §21.4.5
  return call;
}

void CallEngine::call_endpoint(const Binding& binding, policy::RouteDecision& decision) {
  decision.outcome = policy::RouteDecision::Outcome::Targets;
  decision.emergency_targets = 0;
  decision.reject_code = 0;
  decision.redirect_uri = {};
  decision.targets.clear();
  decision.origins.clear();
  (void)decision.targets.push_back(binding.place);
  (void)decision.origins.push_back({});
}

// User part of whom the request calls: behind a Contact of ours stands an endpoint, or a number that was
// dialled where we are registered.
std::string CallEngine::called_user(const SipMessage& request) const {
  const std::string_view user = request.start.request_uri.user;
  if (!book_->config.registrars.empty() && user.size() == kTokenChars)
    if (const auto token = read_token(parts_.settings.token_key, TokenKind::Contact, user);
        token && token->part == kBindingPart)
      if (const auto binding = parts_.shared.bindings.numbered(token->number); binding != nullptr)
        return std::string(user_of(binding->aor));
  return policy::unescaped_user(parts_.contacts.called_user(request));
}

// In place of a registrar: the bindings of whom the rules make of the called number, the preferred one first;
// a target that names its binding already stays. False: nobody is registered there.
bool CallEngine::spread_bindings(Call& call, const NextTarget& target, Timestamp now) {
  const RegistrarConfig* const registrar = registrar_of(call.book->config, target.peer);
  const SipMessage* const invite = invite_of(call);
  if (registrar == nullptr || invite == nullptr) return false;
  FarInvite far;
  rewrite(call, {target.peer, target.is_emergency_target}, *invite, far);
  std::string aor = far.subject.called;
  aor += '@';
  aor += domain_of_registrar(*registrar, invite->start.request_uri.address.host);
  const SharedValue<Bindings> bindings = parts_.shared.bindings.bindings_of(target.peer, aor);
  std::vector<NextTarget> found;
  for (const SharedValue<Binding>& binding : *bindings)
    if (binding->expires > now) {
      found.push_back(target_of(*binding));
      found.back().is_emergency_target = target.is_emergency_target;
    }
  call.targets.insert(call.targets.begin(), found.begin(), found.end());
  return !found.empty();
}

// Over the flow that it registered by, to the Contact that it named. RFC 3261 §16.6, RFC 3327 §5.3, RFC 5626
// §5.3
void CallEngine::follow_binding(const Binding& binding, Attempt& attempt) {
  attempt.prototype.path = binding.path;
  attempt.prototype.path.peer = binding.place;
  attempt.prototype.route_set = binding.route_set;
  attempt.contact = binding.contact;
}

// Hosts for To and Request-URI. An upstream knows its users by their domain, and proves them by the URI that
// they asked for. RFC 7616 §3.4.6
std::string CallEngine::host_for(const Call& call, const NextTarget& target) {
  const RegistrarConfig* const registrar = terms_of_upstream(call.book->config, asker_of(call), target.peer);
  const SipMessage* const invite = registrar != nullptr ? invite_of(call) : nullptr;
  if (invite == nullptr) return target.host;
  const std::string_view asked = invite->start.request_uri.address.host;
  const bool is_ours = std::ranges::any_of(
      registrar->domains, [asked](const std::string& one) { return equals_ignoring_case(asked, one); });
  return is_ours ? std::string(asked) : target.host;
}

// The host in From: that of the realm, but among those who know an endpoint by its domain.
std::string_view CallEngine::own_host(const Call& call, const Attempt& attempt, const SipMessage& request,
                                      const Place& place) noexcept {
  const SbcConfig& config = call.book->config;
  const RegistrarConfig* registrar = terms_of_upstream(config, asker_of(call), attempt.peer);
  if (registrar == nullptr && attempt.peer == asker_of(call)) registrar = registrar_of(config, attempt.peer);
  const std::string_view domain = registrar != nullptr
                                      ? domain_of_registrar(*registrar, request.from.uri.address.host)
                                      : std::string_view();
  return domain.empty() ? std::string_view(place.names.uri_host) : domain;
}

}  // namespace sallyport::sip
