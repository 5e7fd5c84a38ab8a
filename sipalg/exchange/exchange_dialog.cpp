// exchange_dialog.cpp — requests within the dialogs of subscriptions: checked, then passed on as a request of
// the other dialog. RFC 3261 §12.2; RFC 6665 §4.1.2, §4.1.3, §4.2.1; threats D1, D3 and section 6.
#include <algorithm>

#include "sipalg/auth/passed_auth.h"
#include "sipalg/exchange/event_header.h"
#include "sipalg/exchange/exchange_state.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::uint8_t kForgeriesTold = 8;  // of one subscription
constexpr std::uint32_t kMaxForwards = 70;

bool owned_by_peer(const void* context, const IpAddress& address) {
  const auto* const peer = static_cast<const PeerSide*>(context);
  return peer != nullptr && peer->owns(address);
}

bool is_same_flow(const Path& path, const MessageInput& input) noexcept {
  return path.realm == input.realm && path.transport == input.transport && path.remote == input.remote;
}

}  // namespace

Subscription* ExchangeEngine::State::find_subscription(const SipMessage& request, End& end) {
  const auto name = read_token(parts.settings.token_key, TokenKind::Tag, request.to.tag);
  if (!name || (name->part != kSubscriberPart && name->part != kNotifierPart)) return nullptr;
  end = name->part == kSubscriberPart ? End::Subscriber : End::Notifier;
  Subscription* const found = subscriptions.find(name->number);
  if (found == nullptr) return nullptr;
  const Dialog& dialog = found->dialogs[index_of(end)];
  if (dialog.call_id != request.call_id) return nullptr;
  // Whoever notifies first is the notifier: another fork has no dialog here. RFC 6665 §4.1.2.4
  const bool is_first = end == End::Notifier && !found->is_made() && !request.from.tag.empty() &&
                        request.start.method == Method::Notify;
  return is_first || dialog.remote_tag == request.from.tag ? found : nullptr;
}

// A neighbour by its addresses or its certificate; an endpoint by the address that it was last seen at, or by
// a flow under which its AOR is registered now.
bool ExchangeEngine::State::is_from_neighbour(const Subscription& subscription, End end,
                                              const MessageInput& input) const {
  const Dialog& dialog = subscription.dialogs[index_of(end)];
  if (input.realm != dialog.path.realm) return false;
  // Endpoints of one registrar have a place among the peers in common, and nothing else.
  const bool is_endpoint = registrar_of(subscription.book->config, dialog.peer) != nullptr;
  const bool is_peer = !is_endpoint && dialog.peer != PeerIndex::kNone;
  if (dialog.path.transport == Transport::Tls) {
    if (input.transport != Transport::Tls) return false;
    if (is_peer) return input.peer == dialog.peer;
  }
  if (input.remote.address == dialog.path.remote.address) return true;
  if (!is_endpoint) return is_peer && input.peer == dialog.peer;
  const EndpointOfEnd& endpoint = subscription.endpoints[index_of(end)];
  const SharedValue<Bindings> here = parts.board.from(path_of(input));
  return std::ranges::any_of(*here, [&](const SharedValue<Binding>& one) {
    return one->place == dialog.peer && one->aor == endpoint.aor && is_same_flow(one->path, input);
  });
}

// Our Contact is a secret of the dialog: who acts within it shows it. Threats, section 6
bool ExchangeEngine::State::names_contact(const Arrival& arrival, const Subscription& subscription,
                                          End end) const noexcept {
  const PeerIndex peer = subscription.dialogs[index_of(end)].peer;
  if (subscription.book->neighbour_of(peer).strictness.rfc2543_form) return true;
  const auto shown =
      read_token(parts.settings.token_key, TokenKind::Contact, arrival.request.start.request_uri.user);
  return shown && shown->number == subscription.number && shown->part == part_for(end);
}

void ExchangeEngine::State::note_forgery(const Arrival& arrival, Subscription& subscription,
                                         EngineOutput& out) {
  parts.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::ForgedRequest);
  if (subscription.forgeries == kForgeriesTold) return;
  ++subscription.forgeries;
  out.add(arrival.now, DetectionEvent{"forged_request", "reject", arrival.input.remote, 0,
                                      std::string(arrival.request.start.method_text)});
}

void ExchangeEngine::State::on_request_in_dialog(const Arrival& arrival, EngineOutput& out) {
  const SipMessage& request = arrival.request;
  End end = End::Subscriber;
  Subscription* const subscription = find_subscription(request, end);
  if (subscription == nullptr) return parts.responder.answer(arrival, 481, out);  // RFC 3261 §12.2.2
  // Right names from the wrong place: nothing happens. Threats D1, D3
  if (!is_from_neighbour(*subscription, end, arrival.input) || !names_contact(arrival, *subscription, end)) {
    note_forgery(arrival, *subscription, out);
    return parts.responder.answer(arrival, 481, out);
  }
  const std::uint16_t code = refusal_in_dialog(arrival, *subscription, end);
  if (code == 489) return parts.responder.answer(arrival, code, out);
  if (code != 0) return parts.responder.answer(arrival, code, out, code == 500 || code == 503 ? 1 : 0);
  const std::uint64_t number = subscription->number;
  pass_on(arrival, *subscription, end, out);
  // It may be over by now: what it was passed on to could not be had.
  if (Subscription* const still = subscriptions.find(number);
      still != nullptr && request.start.method == Method::Notify)
    on_notify(*still, request, arrival.now);
}

std::uint16_t ExchangeEngine::State::refusal_in_dialog(const Arrival& arrival, Subscription& subscription,
                                                       End end) {
  const SipMessage& request = arrival.request;
  const Method method = request.start.method;
  Dialog& dialog = subscription.dialogs[index_of(end)];
  // What finds no room may come again with the same number.
  if (!has_room()) return 503;
  if (take_remote_cseq(dialog, request.cseq.number) == CSeqOrder::TooLow) return 500;  // RFC 3261 §12.2.2
  // The dialog's own, also where its registration has ended since: who may not leave is held.
  const Neighbour& neighbour = subscription.book->neighbour_of(dialog.peer);
  if (requires_more_than(request, neighbour.options)) return 420;  // RFC 3261 §8.2.2.3
  if (!neighbour.allows(request.start.method_text)) return 405;    // RFC 3261 §21.4.6
  const Method expected = end == End::Subscriber ? Method::Subscribe : Method::Notify;
  if (method != expected) return 501;  // RFC 3261 §21.5.2
  const auto package = event_package(request);
  if (!package) return 400;
  if (*package != subscription.package) return 489;  // RFC 6665 §4.1.3
  if (method == Method::Notify && !subscription_state(request)) return 400;
  if (!request.body.empty() && request.content_type.type.empty()) return 400;
  const PeerIndex far = subscription.dialogs[index_of(other(end))].peer;
  return subscription.book->neighbour_of(far).allows(request.start.method_text) ? 0 : 405;
}

void ExchangeEngine::State::pass_on(const Arrival& arrival, Subscription& subscription, End end,
                                    EngineOutput& out) {
  const SipMessage& request = arrival.request;
  auto head = response_head(request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts.responder.answer_bad(arrival, "Bad Via", out);
  Dialog& near = subscription.dialogs[index_of(end)];
  if (end == End::Notifier && !subscription.is_made()) {
    Dialog made = near;
    // RFC 6665 §4.1.2.4. Our own side stays as we wrote it.
    if (take_remote_side(made, request)) {
      near.remote_target = std::move(made.remote_target);
      near.route_set = std::move(made.route_set);
    }
    near.remote_tag = request.from.tag;
  }
  refresh_target(near, request);
  // Where it is now. RFC 3261 §18.2.2
  if (arrival.input.transport == near.path.transport) {
    near.path.remote = is_stream(arrival.input.transport) ? arrival.answer_path.remote : arrival.input.remote;
    near.path.connection = arrival.input.connection;
  }
  PassedRequest* const passed = make_passed(arrival, std::move(*head));
  if (passed == nullptr) return refuse(arrival, 503, out);
  passed->book = subscription.book;
  passed->is_in_dialog = true;
  passed->from = end;
  passed->subscription = passed->number = subscription.number;
  passed->shard = subscription.shard;
  passed->is_sips = subscription.is_sips;
  const Turn turn{arrival.now, out};
  if (!send_within(*passed, subscription, request, turn)) finish(*passed, 500, nullptr, turn);
}

bool ExchangeEngine::State::send_within(PassedRequest& passed, Subscription& subscription,
                                        const SipMessage& request, Turn turn) {
  const End end = other(passed.from);
  const Dialog& near = subscription.dialogs[index_of(passed.from)];
  Dialog& far = subscription.dialogs[index_of(end)];
  const PeerSide* const side = subscription.book->peer_side(far.peer);
  const SbcConfig& config = subscription.book->config;
  const DialogRoute way = route_of(far);
  Path path = far.path;
  // An endpoint is where its packets come from; of late that is where it registered.
  if (registrar_of(config, far.peer) != nullptr) {
    if (const auto binding = parts.board.numbered(subscription.endpoints[index_of(end)].binding);
        binding != nullptr && binding->path.transport == path.transport) {
      path.remote = binding->path.remote;
      path.connection = binding->path.connection;
    }
  } else {
    path.remote = destination_of(far, way, owned_by_peer, side);
    if (path.remote.address != far.path.remote.address) path.connection = 0;
  }
  if (place_at(*subscription.book, *book, path) == nullptr) return false;
  ++far.local_cseq;
  from = far.local_address + ";tag=" + far.local_tag;
  to = far.remote_address;
  if (!far.remote_tag.empty()) to += ";tag=" + far.remote_tag;
  contact = contact_of(passed, path, part_for(end));
  lines =
      terms_of_upstream(config, near.peer, far.peer) != nullptr ? passed_credentials(request) : std::string();
  std::vector<policy::HeaderEdit> edits;
  if (passed.method == Method::Subscribe && passed.asked && *passed.asked > kSubscriptionMax)
    edits.push_back({"Expires", {std::to_string(kSubscriptionMax)}, true});
  passed.peer = far.peer;
  passed.path = path;
  RequestParts request_parts{
      .method = request.start.method_text,
      .request_uri = way.request_uri,
      .max_forwards = (request.has_max_forwards ? request.max_forwards : kMaxForwards) - 1,
      .routes = way.routes,
      .from = from,
      .to = to,
      .call_id = far.call_id,
      .cseq = far.local_cseq,
      .contact = contact,
      .own_lines = lines,
      .crossing = {&request, &subscription.book->crossing_of(far.peer), edits},
      .body = body_of(request)};
  return send(passed, request_parts, path, turn);
}

// RFC 6665 §4.1.3, §4.2.1.4
void ExchangeEngine::State::on_notify(Subscription& subscription, const SipMessage& request, Timestamp now) {
  const auto state = subscription_state(request);
  if (!state) return;
  if (state->is_terminated) return subscriptions.erase(subscription.number);
  subscription.notify_until.reset();
  if (state->expires)
    grant(subscription, *state->expires, now);
  else
    subscriptions.arm(subscription);
}

}  // namespace sallyport::sip
