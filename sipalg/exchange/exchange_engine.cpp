// exchange_engine.cpp — the engine's doors, what all of its parts use, and restarts: RFC 3261 §18.1.1; RFC
// 6665.
#include "sipalg/exchange/exchange_engine.h"

#include <algorithm>
#include <utility>

#include "sipalg/engine/earliest.h"
#include "sipalg/exchange/exchange_state.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

// Of a request whose path's MTU nobody knows. RFC 3261 §18.1.1
constexpr std::size_t kDatagramBytesMax = 1300;
constexpr std::uint32_t kPassedMax = 4096;

// As many subscriptions as endpoints of this engine's share; without endpoints as many as calls.
std::uint32_t subscriptions_max(const SbcConfig& config, const SipEngineSettings& settings) noexcept {
  const Capacity& capacity = config.dataplane.capacity;
  if (config.registrars.empty() || capacity.calls == 0) return std::max<std::uint32_t>(settings.calls_max, 1);
  const std::uint64_t share = std::uint64_t{capacity.registrations} * settings.calls_max / capacity.calls;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
      share, settings.calls_max, std::max(capacity.registrations, settings.calls_max)));
}

std::uint32_t passed_max(const SipEngineSettings& settings) noexcept {
  return std::clamp<std::uint32_t>(settings.transactions_max / 4, 1, kPassedMax);
}

}  // namespace

ExchangeEngine::State::State(const ExchangeParts& all, SharedValue<Rulebook> rules)
    : parts(all),
      book(std::move(rules)),
      contacts(book->config, all.settings.token_key),
      subscriptions(subscriptions_max(all.config, all.settings)),
      passed_requests(passed_max(all.settings)),
      udp_only_until(peer_places(all.config)),
      scratch(EngineOutput::kMessageBytesMax) {}

std::string ExchangeEngine::State::token(TokenKind kind, std::uint8_t shard, std::uint16_t part,
                                         std::uint64_t number) const {
  const TokenText text =
      write_token(parts.settings.token_key, kind, {.shard = shard, .part = part, .number = number});
  return std::string(view(text));
}

std::string ExchangeEngine::State::contact_of(const PassedRequest& passed, const Path& path,
                                              std::uint16_t part) const {
  const Place* const place = place_at(*passed.book, *book, path);
  std::string value = passed.is_sips ? "<sips:" : "<sip:";  // RFC 3261 §8.1.1.8, §12.1.1
  value += token(TokenKind::Contact, passed.shard, part, passed.number);
  value += '@';
  if (place != nullptr) value += place->names.contact_host;
  // A SIPS URI means TLS by itself. RFC 5630 §3.1.3
  if (place != nullptr && !passed.is_sips) value += place->names.contact_params;
  value += '>';
  return value;
}

// Our TCP listener, when that is how a request of this size must go; nobody can open a connection to an
// endpoint. RFC 3261 §18.1.1
const Place* ExchangeEngine::State::place_for_size(const Path& path, PeerIndex peer, std::size_t bytes,
                                                   Timestamp now) const noexcept {
  if (path.transport != Transport::Udp || bytes <= kDatagramBytesMax) return nullptr;
  if (registrar_of(book->config, peer) != nullptr) return nullptr;
  const std::size_t position = to_position(peer);
  if (position < udp_only_until.size() && now < udp_only_until[position]) return nullptr;
  return book->places.towards(path.realm, path.remote.address, Transport::Tcp);
}

void ExchangeEngine::State::count_request(RealmIndex realm, Method method) noexcept {
  RealmSipCounters& counters = parts.counters[to_position(realm)];
  counters.requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(method)].add();
}

// Puts a request into the output, and waits for its answer. False: it could not be written.
bool ExchangeEngine::State::send(PassedRequest& passed, RequestParts& request, const Path& path, Turn turn) {
  const Place* const place = place_at(*passed.book, *book, path);
  if (place == nullptr || !parts.clients.has_room()) return false;
  const std::uint64_t number = parts.numbers.take_number();
  const TokenText branch = write_token(parts.settings.token_key, TokenKind::Branch,
                                       {.shard = passed.shard, .part = 0, .number = number});
  request.own = &place->names;
  request.branch = view(branch);
  auto bytes = write_request(turn.out.room(), request);
  if (!bytes) return false;
  Path way = path;
  std::optional<Path> second_way;
  std::string second_via;
  if (const Place* const tcp = place_for_size(path, passed.peer, bytes->size(), turn.now); tcp != nullptr) {
    second_way = path;
    second_via = "SIP/2.0/" + place->names.via_transport + " " + place->names.sent_by;
    way = {path.realm, tcp->endpoint, path.remote, Transport::Tcp, path.peer, 0};
    request.own = &tcp->names;
    bytes = write_request(turn.out.room(), request);
    if (!bytes) return false;
  }
  passed.went_by_stream = second_way.has_value();
  const std::string_view sent = turn.out.commit(way, bytes->size(), 0);
  count_request(way.realm, passed.method);
  passed.client = number;
  return parts.clients.start({.number = number,
                              .kind = TransactionKind::NonInvite,
                              .user = {0, passed.slot, kExchangePurpose, passed.shard},
                              .path = way,
                              .request = sent,
                              .timers = passed.book->neighbour_of(passed.peer).timers,
                              .method = passed.method,
                              .cseq = request.cseq,
                              .second_way = second_way,
                              .second_via = second_via},
                             turn.now);
}

// Whatever another configuration has taken away is gone, and so is what used it.
bool ExchangeEngine::State::is_sane(const Subscription& subscription) const noexcept {
  if (subscription.number == 0 || !subscription.is_made()) return false;
  return std::ranges::all_of(subscription.dialogs, [this](const Dialog& dialog) {
    return to_position(dialog.path.realm) < book->config.realms.size() &&
           book->places.at(dialog.path) != nullptr && !dialog.call_id.empty() &&
           !dialog.remote_target.empty() &&
           (dialog.peer == PeerIndex::kNone || book->peer_side(dialog.peer) != nullptr);
  });
}

bool ExchangeEngine::State::restore(ArchiveReader& archive, Timestamp now) {
  Subscription saved;
  archive(saved);
  if (!archive.done() || !is_sane(saved)) return false;
  Subscription* const made = subscriptions.make(saved.number, now);
  if (made == nullptr) return false;
  *made = std::move(saved);
  made->book = book;
  made->until = std::min(made->until, now + std::chrono::seconds(2 * kSubscriptionMax));
  subscriptions.arm(*made);
  return true;
}

ExchangeEngine::ExchangeEngine(const ExchangeParts& parts, SharedValue<Rulebook> rules)
    : state_(std::make_unique<State>(parts, std::move(rules))) {}

ExchangeEngine::~ExchangeEngine() = default;

bool ExchangeEngine::takes(Method method) noexcept {
  return method == Method::Message || method == Method::Publish || method == Method::Subscribe ||
         method == Method::Notify;
}

void ExchangeEngine::on_request(const Arrival& arrival, EngineOutput& out) {
  state_->on_request(arrival, out);
}

void ExchangeEngine::on_request_in_dialog(const Arrival& arrival, EngineOutput& out) {
  state_->on_request_in_dialog(arrival, out);
}

void ExchangeEngine::on_response(const TransactionUser& user, std::uint64_t number,
                                 const SipMessage& response, Timestamp now, EngineOutput& out) {
  state_->on_response(user, number, response, {now, out});
}

void ExchangeEngine::on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out) {
  state_->on_transaction_end(event, {now, out});
}

std::optional<std::uint32_t> ExchangeEngine::take_repeat(const RepeatableRequest& met, std::uint64_t number,
                                                         std::uint64_t again) {
  PassedRequest* const passed = state_->passed_requests.find(met.terms.user.part, number);
  // What an endpoint's own upstream asks, the endpoint answers.
  if (passed == nullptr || terms_of_upstream(passed->book->config, passed->source, passed->peer) != nullptr)
    return std::nullopt;
  Subscription* const subscription = state_->subscriptions.find(passed->subscription);
  passed->client = again;
  if (subscription == nullptr) return met.terms.cseq + 1;
  const End to = passed->is_in_dialog ? other(passed->from) : End::Notifier;
  return ++subscription->dialogs[index_of(to)].local_cseq;
}

void ExchangeEngine::on_deadline(Timestamp now, EngineOutput& out) { state_->on_deadline({now, out}); }

std::optional<Timestamp> ExchangeEngine::next_deadline() const noexcept {
  std::optional<Timestamp> earliest = state_->subscriptions.next_deadline();
  keep_earlier(earliest, state_->passed_requests.next_deadline());
  return earliest;
}

void ExchangeEngine::adopt(SharedValue<Rulebook> next) {
  state_->book = std::move(next);
  // As calls do that last long.
  state_->subscriptions.for_each([this](Subscription& subscription) {
    if (subscription.book->is_older_than(*state_->book, kRulebooksMax)) subscription.book = state_->book;
  });
  state_->contacts = RegisteredContacts(state_->book->config, state_->parts.settings.token_key);
}

void ExchangeEngine::drain() noexcept { state_->is_draining = true; }

void ExchangeEngine::save(Timestamp now,
                          const std::function<void(std::uint8_t shard, std::string&& bytes)>& keep) const {
  const ExchangeParts& parts = state_->parts;
  state_->subscriptions.for_each([&](const Subscription& subscription) {
    if (!subscription.is_made()) return;  // its SUBSCRIBE is sent again
    std::string bytes;
    ArchiveWriter writer(bytes, now, parts.names);
    writer(parts.key_print, SavedKind::Subscription);
    writer(subscription);
    keep(subscription.shard, std::move(bytes));
  });
}

bool ExchangeEngine::restore(ArchiveReader& archive, Timestamp now) { return state_->restore(archive, now); }

std::uint32_t ExchangeEngine::subscriptions() const noexcept { return state_->subscriptions.size(); }

void ExchangeEngine::add_paths(std::vector<Path>& paths) const {
  state_->subscriptions.for_each([&paths](const Subscription& subscription) {
    for (const Dialog& dialog : subscription.dialogs) paths.push_back(dialog.path);
  });
}

void ExchangeEngine::mark_peers(std::vector<bool>& places) const {
  state_->subscriptions.for_each([&places](const Subscription& subscription) {
    for (const Dialog& dialog : subscription.dialogs)
      if (to_position(dialog.peer) < places.size()) places[to_position(dialog.peer)] = true;
  });
}

}  // namespace sallyport::sip
