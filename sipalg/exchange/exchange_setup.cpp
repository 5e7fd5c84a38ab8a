// exchange_setup.cpp — a request outside a dialog is judged, and its targets are found: RFC 3261 §8.2, §16.5;
// RFC 3428 §7; RFC 3903 §6; RFC 6665 §4.1.2, §8.3.1; threats I4, I11.
#include <algorithm>
#include <array>

#include "policy/route/dialled.h"
#include "policy/route/target_order.h"
#include "sipalg/call/caller_identity.h"
#include "sipalg/engine/request_views.h"
#include "sipalg/exchange/event_header.h"
#include "sipalg/exchange/exchange_state.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kRetryAfterSeconds = 5;
constexpr std::uint32_t kDefaultSubscription = 3600;

}  // namespace

void ExchangeEngine::State::refuse(const Arrival& arrival, std::uint16_t code, EngineOutput& out) {
  parts.responder.answer(arrival, code, out, code == 503 ? kRetryAfterSeconds : 0);
}

// 489 with what the sender may ask for instead. RFC 6665 §8.3.1
void ExchangeEngine::State::refuse_package(const Arrival& arrival, EngineOutput& out) {
  auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  PassedRequest* const passed = head && has_room() ? make_passed(arrival, std::move(*head)) : nullptr;
  if (passed == nullptr) return refuse(arrival, 489, out);
  finish(*passed, 489, nullptr, {arrival.now, out});
}

// True: it was answered.
bool ExchangeEngine::State::refuse_event(const Arrival& arrival, EngineOutput& out) {
  if (!has_package(arrival.request.start.method)) return false;
  const auto package = event_package(arrival.request);
  if (!package) {
    parts.responder.answer_bad(arrival, "Bad Event", out);  // RFC 3261 §21.4.1
    return true;
  }
  const PeerSide* const side = book->peer_side(arrival.input.peer);
  const ProfileConfig& profile = side != nullptr ? side->config->profile : book->stranger_profile;
  if (lists_event(profile, *package)) return false;
  refuse_package(arrival, out);
  return true;
}

// An endpoint speaks under a name that it registered from there (threats I4). A Contact that we registered
// upstream is for the upstream alone.
ExchangeEngine::State::Sender ExchangeEngine::State::sender_of(const Arrival& arrival) const {
  Sender sender;
  const SbcConfig& config = book->config;
  if (config.registrars.empty()) return sender;
  const PeerIndex source = arrival.input.peer;
  if (registrar_of(config, source) != nullptr) {
    sender.binding = binding_of_sender(arrival.request, *parts.board.from(path_of(arrival.input)));
    if (sender.binding == nullptr) sender.refusal = 403;
  }
  const auto named =
      read_token(parts.settings.token_key, TokenKind::Contact, arrival.request.start.request_uri.user);
  if (!named || named->part != kBindingPart || sender.refusal != 0) return sender;
  sender.addressed = parts.board.numbered(named->number);
  const RegistrarConfig* const registrar =
      sender.addressed != nullptr ? registrar_of(config, sender.addressed->place) : nullptr;
  const PeerSide* const peer = book->peer_side(source);
  if (registrar == nullptr || peer == nullptr || registrar->upstream != peer->config->name ||
      sender.addressed->expires <= arrival.now)
    sender.refusal = 404;  // RFC 3261 §21.4.5
  return sender;
}

// Behind a Contact of ours stands an endpoint, or a number that was dialled where we are registered.
std::string ExchangeEngine::State::called_user(const SipMessage& request) const {
  const std::string_view user = request.start.request_uri.user;
  if (const auto named = read_token(parts.settings.token_key, TokenKind::Contact, user);
      named && named->part == kBindingPart)
    if (const auto binding = parts.board.numbered(named->number); binding != nullptr)
      return std::string(user_of(binding->aor));
  return policy::unescaped_user(contacts.called_user(request));
}

policy::RuleSubject ExchangeEngine::State::subject_of(const Rulebook& rules, const SipMessage& request) {
  return sip::subject_of(request, called_user(request), rules.looks_at_headers ? &headers : nullptr);
}

policy::RouteDecision ExchangeEngine::State::route(const Arrival& arrival) {
  const SipMessage& request = arrival.request;
  policy::RuleSubject subject = subject_of(*book, request);
  policy::RuleEdits edits;
  if (const PeerSide* const peer = book->peer_side(arrival.input.peer); peer != nullptr)
    book->rules.apply(peer->rules_in, subject, edits);
  const auto utc = arrival.now.time_since_epoch() + parts.settings.utc_at_zero;
  const auto since = static_cast<std::uint64_t>(arrival.now.time_since_epoch().count());
  const std::array<std::uint64_t, 2> words{parts.numbers.take_number(), since};
  return book->router.route(
      {.peer = arrival.input.peer,
       .realm = arrival.input.realm,
       .method = subject.method,
       .called = subject.called,
       .caller = subject.caller,
       .host = request.start.request_uri.address.host,
       .request_uri = request.start.request_uri.text,
       .headers = subject.headers,
       .time = policy::WeekMinute::of_unix(std::chrono::duration_cast<std::chrono::seconds>(utc).count()),
       .is_emergency = false,
       .random = keyed_hash(parts.settings.table_key,
                            {reinterpret_cast<const char*>(words.data()), sizeof words})});
}

// Calls go before.
bool ExchangeEngine::State::has_room() const noexcept {
  const std::uint32_t most = parts.settings.transactions_max, kept_free = most / 8;
  return !passed_requests.full() && parts.servers.size() + kept_free < most && has_room_for_client();
}

bool ExchangeEngine::State::has_room_for_client() const noexcept {
  const std::uint32_t most = parts.settings.transactions_max;
  return parts.clients.size() + most / 8 < most;
}

void ExchangeEngine::State::on_request(const Arrival& arrival, EngineOutput& out) {
  using Outcome = policy::RouteDecision::Outcome;
  const SipMessage& request = arrival.request;
  // What was promised to come over TLS all the way has not. RFC 3261 §26.2.2, RFC 5630 §4
  if (request.start.request_uri.scheme == UriScheme::Sips && arrival.input.transport != Transport::Tls)
    return refuse(arrival, 416, out);
  const Sender sender = sender_of(arrival);
  if (sender.refusal != 0) return refuse(arrival, sender.refusal, out);
  if (is_draining || !has_room()) return refuse(arrival, 503, out);
  if (refuse_event(arrival, out)) return;
  if (!request.body.empty() && request.content_type.type.empty())
    return parts.responder.answer_bad(arrival, "Missing Content-Type", out);  // RFC 3261 §20.15
  const bool subscribes = request.start.method == Method::Subscribe;
  if (const std::string_view problem =
          subscribes ? dialog_problem(request, arrival.input.transport, arrival.neighbour.strictness)
                     : std::string_view();
      !problem.empty())
    return parts.responder.answer_bad(arrival, problem, out);
  policy::RouteDecision decision;
  if (sender.addressed == nullptr) {
    decision = route(arrival);
    const std::uint16_t code = decision.outcome == Outcome::NoMatch  ? std::uint16_t{404}
                               : decision.outcome == Outcome::Reject ? decision.reject_code
                                                                     : std::uint16_t{0};
    if (parts.detectors.drops_no_target(arrival, code, out)) return;
    if (decision.outcome == Outcome::NoMatch) return refuse(arrival, 404, out);
    if (decision.outcome != Outcome::Targets)
      return refuse(arrival, decision.outcome == Outcome::Reject ? decision.reject_code : std::uint16_t{480},
                    out);
  }
  if (subscribes && subscriptions.full()) return refuse(arrival, 503, out);
  auto head = response_head(request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts.responder.answer_bad(arrival, "Bad Via", out);
  PassedRequest* const passed = make_passed(arrival, std::move(*head));
  if (passed == nullptr) return refuse(arrival, 503, out);
  if (subscribes && !make_subscription(arrival, *passed, sender))
    return finish(*passed, 503, nullptr, {arrival.now, out});
  if (sender.addressed != nullptr)
    passed->targets.push_back({sender.addressed->place, false, nullptr, sender.addressed});
  else
    take_targets(*passed, decision, arrival);
  try_next(*passed, &request, {arrival.now, out});
}

PassedRequest* ExchangeEngine::State::make_passed(const Arrival& arrival, ResponseHead&& head) {
  if (!parts.servers.has_room()) return nullptr;
  PassedRequest* const passed = passed_requests.make(arrival.now);
  if (passed == nullptr) return nullptr;
  const SipMessage& request = arrival.request;
  passed->book = book;
  passed->method = request.start.method;
  passed->source = arrival.input.peer;
  passed->answer_path = arrival.answer_path;
  passed->head = std::move(head);
  passed->shard = shard_of_call_id(parts.settings.token_key, request.call_id);
  passed->is_sips =
      request.start.request_uri.scheme == UriScheme::Sips || request.contact.uri.scheme == UriScheme::Sips;
  passed->number = parts.numbers.take_number();
  if (request.has_expires) passed->asked = request.expires;
  passed->server = parts.servers.start({.key = arrival.key,
                                        .kind = TransactionKind::NonInvite,
                                        .user = {0, passed->slot, kExchangePurpose, passed->shard},
                                        .path = arrival.answer_path,
                                        .timers = arrival.neighbour.timers},
                                       request, arrival.now);
  return passed;
}

// RFC 6665 §4.1.2: the subscriber's dialog is there from the beginning; the notifier's is made by whoever
// speaks first.
bool ExchangeEngine::State::make_subscription(const Arrival& arrival, PassedRequest& passed,
                                              const Sender& sender) {
  Dialog dialog;
  dialog.path = path_of(arrival.input);
  if (is_stream(dialog.path.transport)) dialog.path.remote = arrival.answer_path.remote;
  dialog.peer = arrival.input.peer;
  if (!take_remote_side(dialog, arrival.request)) return false;
  Subscription* const made = subscriptions.make(passed.number, arrival.now);
  if (made == nullptr) return false;
  made->book = book;
  made->shard = passed.shard;
  made->is_sips = passed.is_sips;
  made->package = event_package(arrival.request).value_or(std::string_view{});
  dialog.local_tag = token(TokenKind::Tag, passed.shard, kSubscriberPart, made->number);
  made->dialogs[index_of(End::Subscriber)] = std::move(dialog);
  if (sender.binding != nullptr)
    made->endpoints[index_of(End::Subscriber)] = {sender.binding->number, sender.binding->aor};
  made->until = arrival.now + std::chrono::seconds(kDefaultSubscription);
  passed.subscription = made->number;
  return true;
}

void ExchangeEngine::State::take_targets(PassedRequest& passed, const policy::RouteDecision& decision,
                                         const Arrival& arrival) {
  passed.route = decision.route;
  passed.reject_code = decision.reject_code;
  const policy::TargetChoice choice{.key = keyed_hash(parts.settings.token_key, arrival.request.call_id),
                                    .random = keyed_hash(parts.settings.table_key, arrival.request.call_id),
                                    .now = arrival.now};
  for (const policy::ChosenTarget& chosen :
       policy::choose_targets(decision, book->config, parts.shared.targets, choice))
    passed.targets.push_back({chosen.peer, chosen.is_emergency_target, chosen.target, nullptr});
}

}  // namespace sallyport::sip
