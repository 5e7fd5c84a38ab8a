// exchange_answer.cpp — what became of a request that was passed on, and what its sender is told: RFC 3261
// §8.2.6, §16.7; RFC 3903 §6; RFC 4320 §4; RFC 5057 §5; RFC 6665 §4.1.2, §4.2.2; threats I3.
#include <algorithm>
#include <chrono>
#include <optional>

#include "policy/route/response_map.h"
#include "policy/route/target_order.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/body/session_body.h"
#include "sipalg/engine/request_views.h"
#include "sipalg/exchange/event_header.h"
#include "sipalg/exchange/exchange_state.h"
#include "sipalg/message/lexer.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kTimersPerCall = 64;
constexpr Duration kUdpOnly = std::chrono::minutes(10);
constexpr std::uint32_t kDefaultSubscription = 3600;

// Nothing of the far side's credentials, redirections and timers is the sender's business.
std::uint16_t code_for_sender(std::uint16_t code) noexcept {
  if (code == 401 || code == 407) return 403;  // we have no credentials for that side
  if (code >= 300 && code < 400) return 480;
  // 408 is never sent for these methods. RFC 4320 §4.2
  return code == 408 ? std::uint16_t{504} : code;
}

// A failure after which there is no subscription any more. RFC 6665 §4.1.2.2, §4.2.2; RFC 5057 §5.1
bool ends_subscription(std::uint16_t code) noexcept {
  switch (code) {
    case 404:
    case 405:
    case 408:
    case 410:
    case 416:
    case 489:
    case 501:
    case 604:
      return true;
    default:
      return code >= 480 && code <= 485;
  }
}

}  // namespace

BodyPart body_of(const SipMessage& message) noexcept {
  if (message.body.empty() || message.content_type.type.empty()) return {};
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == HeaderName::ContentType)
      return {message.value_of(message.headers[i]), message.body};
  return {};
}

void ExchangeEngine::State::on_response(const TransactionUser& user, std::uint64_t number,
                                        const SipMessage& response, Turn turn) {
  PassedRequest* const passed = passed_requests.find(user.part, number);
  if (passed == nullptr) return;
  const std::uint16_t code = response.start.status_code;
  const std::size_t peer = to_position(passed->peer);
  if (passed->went_by_stream && equals_ignoring_case(response.top_via.transport, "udp") &&
      peer < udp_only_until.size())
    udp_only_until[peer] = turn.now + kUdpOnly;     // no connection was to be had
  passed_requests.arm(passed->slot, std::nullopt);  // it is there
  passed->was_heard = true;
  if (code < 200) return;  // goes no further than to us. RFC 4320 §4.1
  if (code / 100 != 2) return on_failure(*passed, code, &response, turn);
  if (passed->is_in_dialog)
    on_dialog_result(*passed, code, &response, turn.now);
  else if (passed->method == Method::Subscribe)
    on_subscribed(*passed, response, turn.now);
  finish(*passed, code, &response, turn);
}

void ExchangeEngine::State::on_transaction_end(const TransactionEvent& event, Turn turn) {
  PassedRequest* const passed = passed_requests.find(event.user.part, event.number);
  if (passed == nullptr) return;
  passed_requests.arm(passed->slot, std::nullopt);
  on_failure(*passed, event.end == TransactionEnd::Timeout ? 408 : 503, nullptr, turn);  // RFC 3261 §8.1.3.1
}

// One target said no, or nothing. RFC 3261 §16.7 step 5 and 6
void ExchangeEngine::State::on_failure(PassedRequest& passed, std::uint16_t code, const SipMessage* response,
                                       Turn turn) {
  if (passed.at != nullptr) {
    if (response == nullptr && !passed.was_heard)
      parts.shared.targets.note_failure(passed.peer, passed.at->address, passed.at->transport);
    if (code == 503 && response != nullptr)
      if (const auto wait = retry_after_of(*response); wait)
        policy::set_aside(*passed.at, *wait, turn.now);  // RFC 3261 §21.5.4
  }
  const bool is_silence = code == 408 && response == nullptr;
  // Its own upstream asks the endpoint who it is: no other target can. RFC 3261 §22.3
  const bool asks_endpoint = (code == 401 || code == 407) && response != nullptr &&
                             terms_of_upstream(passed.book->config, passed.source, passed.peer) != nullptr;
  if (passed.is_in_dialog) {
    on_dialog_result(passed, code, response, turn.now);
    if (is_silence) return abandon(passed);
    return finish(passed, asks_endpoint ? code : code_for_sender(code), response, turn);
  }
  if (asks_endpoint) return finish(passed, code, response, turn);
  passed.best_code = code_for_sender(code);
  const auto& routes = passed.book->config.routes;
  const Subscription* const made = subscriptions.find(passed.subscription);
  const bool is_taken = made != nullptr && made->is_made();  // it has notified already
  const bool retries =
      passed.route >= routes.size() ||
      std::ranges::find(routes[passed.route].retry_on, code) != routes[passed.route].retry_on.end();
  if (retries && !is_taken && !passed.targets.empty()) return try_next(passed, nullptr, turn);
  // Its sender has stopped waiting too, and hears nothing. RFC 4320 §4.2
  if (is_silence) return abandon(passed);
  if (retries && passed.reject_code != 0) return finish(passed, passed.reject_code, nullptr, turn);
  finish(passed, passed.best_code, response, turn);
}

void ExchangeEngine::State::abandon(PassedRequest& passed) {
  const Subscription* const made = passed.is_in_dialog ? nullptr : subscriptions.find(passed.subscription);
  if (made != nullptr && !made->is_made()) subscriptions.erase(made->number);
  passed_requests.erase(passed.slot);
}

void ExchangeEngine::State::finish(PassedRequest& passed, std::uint16_t code, const SipMessage* response,
                                   Turn turn) {
  const PeerSide* const source = passed.book->peer_side(passed.source);
  const ProfileConfig& profile = source != nullptr ? source->config->profile : passed.book->stranger_profile;
  ResponseParts answer;
  answer.code = policy::mapped_code(profile.response_map, code);
  const bool is_success = answer.code / 100 == 2;
  if (!is_success && !passed.is_in_dialog) subscriptions.erase(passed.subscription);
  if ((answer.code == 401 || answer.code == 407) && response != nullptr)
    passed.head.add(passed_challenges(*response));
  answer.head = &passed.head;
  to = token(TokenKind::Tag, passed.shard, kSubscriberPart, passed.number);
  answer.to_tag = to;
  if (is_success && passed.method == Method::Subscribe) {
    contact = contact_of(passed, passed.answer_path, part_for(passed.from));
    answer.contact = contact;
    answer.makes_dialog = !passed.is_in_dialog;
  }
  if (answer.code == 405) answer.allow = passed.book->neighbour_of(passed.source).allow;
  std::vector<policy::HeaderEdit> edits;
  if (std::string packages = answer.code == 489 ? allow_events(profile) : std::string(); !packages.empty())
    edits.push_back({"Allow-Events", {std::move(packages)}, true});  // RFC 6665 §8.3.1
  answer.crossing = {response, &passed.book->crossing_of(passed.source), edits};
  if (response != nullptr) answer.body = body_of(*response);
  auto bytes = write_response(scratch, answer);
  if (!bytes) {  // what the far side said can't be said again
    answer = {.code = 502, .head = &passed.head, .to_tag = to};
    bytes = write_response(scratch, answer);
  }
  // Only while its transaction is there: nobody waits for an answer after that. RFC 4320 §4.2
  if (bytes && parts.servers.respond(passed.server, answer.code, *bytes, turn.now, turn.out))
    parts.responder.count(passed.answer_path.realm, answer.code);
  passed_requests.erase(passed.slot);
}

// Until when it lasts, and some time for the last NOTIFY and what follows it.
void ExchangeEngine::State::grant(Subscription& subscription, std::uint32_t seconds, Timestamp now) {
  const PeerIndex notifier = subscription.dialogs[index_of(End::Notifier)].peer;
  subscription.until = now + std::chrono::seconds(std::min(seconds, kSubscriptionMax)) +
                       subscription.book->neighbour_of(notifier).timers.patience();
  subscriptions.arm(subscription);
}

// The first 2xx. A NOTIFY that came before it has made the dialog already. RFC 6665 §4.1.2.4
void ExchangeEngine::State::on_subscribed(const PassedRequest& passed, const SipMessage& response,
                                          Timestamp now) {
  Subscription* const made = subscriptions.find(passed.subscription);
  if (made == nullptr) return;  // its last NOTIFY has come already
  Dialog& dialog = made->dialogs[index_of(End::Notifier)];
  // Without a Contact it is reached where it was asked.
  if (!made->is_made() && !take_remote_side(dialog, response)) dialog.remote_tag = response.to.tag;
  dialog.state = DialogState::Confirmed;
  grant(*made, response.has_expires ? response.expires : passed.asked.value_or(kDefaultSubscription), now);
}

void ExchangeEngine::State::on_dialog_result(const PassedRequest& passed, std::uint16_t code,
                                             const SipMessage* response, Timestamp now) {
  Subscription* const subscription = subscriptions.find(passed.subscription);
  if (subscription == nullptr) return;
  if (code / 100 == 2 && response != nullptr) {
    refresh_target(subscription->dialogs[index_of(other(passed.from))], *response);
    if (passed.method == Method::Subscribe)
      grant(*subscription,
            response->has_expires ? response->expires : passed.asked.value_or(kDefaultSubscription), now);
  } else if (ends_subscription(code)) {
    subscriptions.erase(subscription->number);
  }
}

void ExchangeEngine::State::on_deadline(Turn turn) {
  for (unsigned i = 0; i < kTimersPerCall && !turn.out.is_nearly_full(); ++i) {
    PassedRequest* const passed = passed_requests.pop_due(turn.now);
    if (passed == nullptr) break;
    const Subscription* const made = subscriptions.find(passed->subscription);
    const auto& routes = passed->book->config.routes;
    const bool goes_on =
        passed->route >= routes.size() ||
        std::ranges::find(routes[passed->route].retry_on, 408) != routes[passed->route].retry_on.end();
    if (!goes_on || (made != nullptr && made->is_made())) continue;  // it may still answer
    parts.clients.forget(passed->client);
    on_failure(*passed, 408, nullptr, turn);
  }
  for (unsigned i = 0; i < kTimersPerCall; ++i) {
    const Subscription* const over = subscriptions.pop_due(turn.now);
    if (over == nullptr) break;
    subscriptions.erase(over->number);  // both ends know by their own timers. RFC 6665 §4.1.2.4, §4.2.2
  }
}

}  // namespace sallyport::sip
