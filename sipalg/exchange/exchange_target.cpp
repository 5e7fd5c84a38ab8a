// exchange_target.cpp — a request for one target after the other, with nothing in it of the sender's side:
// RFC 3261 §8.1, §16.6; RFC 3428 §4; RFC 3903 §4; RFC 6665 §4.1.2; threats I2, I3, I12.
#include <algorithm>

#include "policy/route/dialled.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/call/caller_identity.h"
#include "sipalg/exchange/event_header.h"
#include "sipalg/exchange/exchange_state.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kMaxForwards = 70;  // RFC 3261 §8.1.1.6

}  // namespace

void ExchangeEngine::State::try_next(PassedRequest& passed, const SipMessage* fresh, Turn turn) {
  const SipMessage* request = fresh;
  if (request == nullptr) {
    ParseOptions options;
    options.strictness = passed.book->neighbour_of(passed.source).strictness;
    if (parse_message(passed.bytes, options, stored) != ParseStatus::Complete) passed.targets.clear();
    request = &stored;
  }
  while (!passed.targets.empty()) {
    const PassTarget target = std::move(passed.targets.front());
    passed.targets.erase(passed.targets.begin());
    if (target.target == nullptr && target.binding == nullptr) {
      spread(passed, target, *request, turn.now);
      continue;
    }
    const std::uint16_t code = try_target(passed, target, *request, turn);
    if (code != 0) {
      passed.best_code = code;
      continue;
    }
    // A later target needs the request as it came.
    if (passed.targets.empty())
      std::string().swap(passed.bytes);
    else if (fresh != nullptr)
      passed.bytes = fresh->bytes;
    // One that says nothing is not waited for while there is another one.
    const PeerSide* const side = passed.book->peer_side(target.peer);
    if (!passed.targets.empty() && side != nullptr)
      passed_requests.arm(passed.slot, turn.now + side->config->profile.timers.setup);
    return;
  }
  const std::uint16_t code = passed.reject_code != 0 ? passed.reject_code : passed.best_code;
  finish(passed, code != 0 ? code : std::uint16_t{503}, nullptr, turn);
}

// In place of a registrar: the bindings of whom the rules make of the called number, the preferred one first.
void ExchangeEngine::State::spread(PassedRequest& passed, const PassTarget& place, const SipMessage& request,
                                   Timestamp now) {
  const RegistrarConfig* const registrar = registrar_of(passed.book->config, place.peer);
  passed.best_code = 480;  // also for a user that does not exist: nobody learns who does (threats I2)
  if (registrar == nullptr) return;
  FarRequest far;
  rewrite(passed, place, request, far);
  std::string aor = far.subject.called;
  aor += '@';
  aor += domain_of_registrar(*registrar, request.start.request_uri.address.host);
  const SharedValue<Bindings> bindings = parts.board.bindings_of(place.peer, aor);
  std::vector<PassTarget> found;
  for (const SharedValue<Binding>& binding : *bindings)
    if (binding->expires > now) found.push_back({place.peer, place.is_emergency_target, nullptr, binding});
  passed.targets.insert(passed.targets.begin(), found.begin(), found.end());
}

std::uint16_t ExchangeEngine::State::refusal_of_target(const PassedRequest& passed, const PassTarget& target,
                                                       const SipMessage& request) const {
  const PeerSide* const side = passed.book->peer_side(target.peer);
  const Transport transport =
      target.binding != nullptr ? target.binding->path.transport : target.target->transport;
  if (side == nullptr || !has_room_for_client()) return 503;
  // Never unencrypted: no target left is nobody there. RFC 3261 §26.2.2, RFC 5630 §5.3
  if (passed.is_sips && transport != Transport::Tls) return 480;
  if (has_package(passed.method) &&
      !lists_event(side->config->profile, event_package(request).value_or(std::string_view{})))
    return 489;                                                        // RFC 6665 §8.3.1
  return side->neighbour.allows(request.start.method_text) ? 0 : 405;  // RFC 3261 §21.4.6
}

std::uint16_t ExchangeEngine::State::try_target(PassedRequest& passed, const PassTarget& target,
                                                const SipMessage& request, Turn turn) {
  if (const std::uint16_t code = refusal_of_target(passed, target, request); code != 0) return code;
  const PeerSide& side = *passed.book->peer_side(target.peer);
  Path path;
  if (target.binding != nullptr) {
    // Over the flow that it registered by. RFC 5626 §5.3
    path = target.binding->path;
    path.peer = path.transport == Transport::Tls ? PeerIndex::kNone : target.peer;
  } else {
    const policy::BoardTarget& at = *target.target;
    const Place* const place = book->places.towards(side.realm, at.address.address, at.transport);
    if (place == nullptr) return 503;
    path = {side.realm, place->endpoint, at.address, at.transport, target.peer, 0};
  }
  if (place_at(*passed.book, *book, path) == nullptr) return 503;
  passed.peer = target.peer;
  passed.path = path;
  passed.at = target.target;
  passed.was_heard = false;
  return send_first(passed, target, request, turn) ? std::uint16_t{0} : std::uint16_t{500};
}

void ExchangeEngine::State::rewrite(const PassedRequest& passed, const PassTarget& hop,
                                    const SipMessage& request, FarRequest& far) {
  const Rulebook& rules = *passed.book;
  far.subject = subject_of(rules, request);
  if (const PeerSide* const source = rules.peer_side(passed.source); source != nullptr)
    rules.rules.apply(source->rules_in, far.subject, far.edits);
  if (!hop.is_emergency_target && passed.route < rules.route_rules.size())
    rules.rules.apply(rules.route_rules[passed.route], far.subject, far.edits);
  if (const PeerSide* const peer = rules.peer_side(hop.peer); peer != nullptr)
    rules.rules.apply(peer->rules_out, far.subject, far.edits);
  far.subject.headers = {};
}

ExchangeEngine::State::FarRequest ExchangeEngine::State::far_request(const PassedRequest& passed,
                                                                     const PassTarget& target,
                                                                     const SipMessage& request,
                                                                     const Place& place) {
  const PeerSide& peer = *passed.book->peer_side(target.peer);
  const PeerSide* const source = passed.book->peer_side(passed.source);
  FarRequest far;
  rewrite(passed, target, request, far);
  const ProfileConfig& profile = peer.config->profile;
  const policy::IdentityDecision identity = policy::decide_identity(
      identity_facts(request, passed.book->neighbour_of(passed.source).strictness),
      {.accept = source != nullptr ? source->config->profile.identity_accept : IdentityAccept::None,
       .send = profile.identity_send,
       .honour_privacy = profile.honour_privacy,
       .far_is_trusted = policy::is_in_trust_domain(realm_of(*passed.book, *book, peer.realm).trust,
                                                    profile.identity_accept)});
  add_identity(identity, far.subject.identity, place.names.uri_host, far.edits.headers);
  far.hides_caller = identity.hide_from;
  if (passed.method == Method::Subscribe && passed.asked && *passed.asked > kSubscriptionMax)
    far.edits.headers.push_back({"Expires", {std::to_string(kSubscriptionMax)}, true});
  return far;
}

// Request-URI, From without its tag and To. An upstream knows its users by their domain; so do the endpoints
// of one registrar each other.
ExchangeEngine::State::FarNames ExchangeEngine::State::far_names(const PassedRequest& passed,
                                                                 const PassTarget& target,
                                                                 const SipMessage& request,
                                                                 const FarRequest& far) const {
  const SbcConfig& config = passed.book->config;
  const RegistrarConfig* const upstream = terms_of_upstream(config, passed.source, target.peer);
  const bool are_both_endpoints = target.peer == passed.source;
  const RegistrarConfig* const named_by =
      upstream == nullptr && are_both_endpoints ? registrar_of(config, target.peer) : upstream;
  std::string_view own_host = place_at(*passed.book, *book, passed.path)->names.uri_host;
  if (named_by != nullptr)
    if (const auto domain = domain_of_registrar(*named_by, request.from.uri.address.host); !domain.empty())
      own_host = domain;
  std::string_view host =
      target.binding != nullptr ? domain_of(target.binding->aor) : std::string_view(target.target->host);
  if (const std::string_view asked = request.start.request_uri.address.host;
      upstream != nullptr && equals_ignoring_case(asked, domain_of_registrar(*upstream, asked)))
    host = asked;
  FarNames names;
  names.uri = target.binding != nullptr
                  ? target.binding->contact.substr(0, target.binding->contact.find('?'))
                  : far_uri(request.start.request_uri, far.subject.called, host, passed.is_sips);
  const bool to_is_called = policy::unescaped_user(request.to.uri.user) == called_user(request);
  names.from = far_address({.original = &request.from,
                            .user = far.subject.caller,
                            .host = own_host,
                            .anonymous = far.hides_caller,
                            .is_sips = passed.is_sips});
  names.to =
      far_address({.original = &request.to,
                   .user = to_is_called ? far.subject.called : policy::unescaped_user(request.to.uri.user),
                   .host = host,
                   .is_sips = passed.is_sips});
  return names;
}

// What an earlier target says late must not be taken for this one's word.
void ExchangeEngine::State::rename(PassedRequest& passed) {
  passed.number = parts.numbers.take_number();
  Subscription* const made = subscriptions.find(passed.subscription);
  if (made == nullptr) return;
  subscriptions.rename(*made, passed.number);
  made->dialogs[index_of(End::Subscriber)].local_tag =
      token(TokenKind::Tag, passed.shard, kSubscriberPart, passed.number);
  passed.subscription = passed.number;
}

// The first request of a new Call-ID, with nothing in it that names the sender's side. RFC 3261 §8.1.1
bool ExchangeEngine::State::send_first(PassedRequest& passed, const PassTarget& target,
                                       const SipMessage& request, Turn turn) {
  const FarRequest far = far_request(passed, target, request, *place_at(*passed.book, *book, passed.path));
  const FarNames names = far_names(passed, target, request, far);
  if (names.from.empty() || names.to.empty()) return false;
  if (passed.client != 0) rename(passed);
  call_id = token(TokenKind::CallId, passed.shard, kNotifierPart, passed.number);
  from = names.from + ";tag=" + token(TokenKind::Tag, passed.shard, kNotifierPart, passed.number);
  const bool may_see_credentials =
      terms_of_upstream(passed.book->config, passed.source, target.peer) != nullptr;
  lines = may_see_credentials ? passed_credentials(request) : std::string();
  // MESSAGE has none, RFC 3428 §4; PUBLISH needs none, RFC 3903 §4.
  const bool has_contact = passed.method == Method::Subscribe || passed.method == Method::Notify;
  contact = has_contact ? contact_of(passed, passed.path, kNotifierPart) : std::string();
  RequestParts request_parts{
      .method = request.start.method_text,
      .request_uri = names.uri,
      .max_forwards = (request.has_max_forwards ? request.max_forwards : kMaxForwards) - 1,
      .from = from,
      .to = names.to,
      .call_id = call_id,
      .cseq = 1,
      .contact = contact,
      .own_lines = lines,
      .crossing = {&request, &passed.book->crossing_of(target.peer), far.edits.headers},
      .body = body_of(request)};
  if (target.binding != nullptr) request_parts.routes = target.binding->route_set;  // RFC 3327 §5.3
  if (!send(passed, request_parts, passed.path, turn)) return false;
  if (passed.subscription != 0) begin_dialog(passed, target, names, turn.now);
  return true;
}

// The notifier's side of the subscription, as far as it is ours. RFC 6665 §4.1.2.4
void ExchangeEngine::State::begin_dialog(const PassedRequest& passed, const PassTarget& target,
                                         const FarNames& names, Timestamp now) {
  Subscription* const made = subscriptions.find(passed.subscription);
  if (made == nullptr) return;
  Dialog dialog;
  dialog.call_id = call_id;
  dialog.local_tag = token(TokenKind::Tag, passed.shard, kNotifierPart, passed.number);
  dialog.local_address = names.from;
  dialog.remote_address = names.to;
  dialog.remote_target = names.uri;
  dialog.local_cseq = 1;
  dialog.path = passed.path;
  dialog.peer = target.peer;
  made->dialogs[index_of(End::Notifier)] = std::move(dialog);
  made->endpoints[index_of(End::Notifier)] = {};
  if (target.binding != nullptr)
    made->endpoints[index_of(End::Notifier)] = {target.binding->number, target.binding->aor};
  made->notify_until = now + passed.book->neighbour_of(target.peer).timers.patience();  // timer N
  subscriptions.arm(*made);
}

}  // namespace sallyport::sip
