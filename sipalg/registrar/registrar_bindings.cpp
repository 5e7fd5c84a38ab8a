// registrar_bindings.cpp — bindings on the board, in their seats and on disk; keep-alives and ends. RFC 3261
// §10.3; RFC 5626 §3.5.1, §4.4; RFC 3261 §18.4.
#include <algorithm>
#include <utility>

#include "sipalg/engine/earn_trust.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/contact_uri.h"
#include "sipalg/registrar/keep_alive.h"
#include "sipalg/registrar/registrar_state.h"

namespace sallyport::sip {
namespace {

using What = BindingChange::What;

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr unsigned kSeatsPerCall = 256;
constexpr unsigned kWaitsMax = 30;              // for room to tell the upstream that a binding has ended
constexpr std::string_view kPing = "\r\n\r\n";  // RFC 5626 §3.5.1
constexpr Duration kLongestInside = std::chrono::hours(24 * 7);
constexpr std::size_t kSavedTextMax = 1024, kGruusMax = 1024;

// The Contact names another place than its packets come from. A name counts as another.
bool is_behind_nat(const Binding& binding) noexcept {
  Lexer lexer(binding.contact);
  Uri uri;
  if (!parse_uri(lexer, kForgiving, uri)) return true;
  const std::uint16_t port = uri.address.port != 0 ? uri.address.port : default_port(binding.path.transport);
  return literal_address(uri.address.host) != binding.path.remote.address || port != binding.path.remote.port;
}

}  // namespace

bool RegistrarEngine::State::apply(const RegistrarPlace& registrar, std::string_view aor, Update&& update,
                                   Turn turn) {
  const auto before = parts.board.bindings_of(registrar.place, aor);
  if (!parts.board.put(registrar.place, aor, std::move(update.next))) return false;
  for (const BindingChange& change : update.changes) {
    if (change.what == What::Ended) {
      end(*change.binding, turn);
      if (change.binding->expires > turn.now) leave_flow(change.binding->path);
      continue;
    }
    if (change.what == What::Moved)
      for (const auto& old : *before)
        if (old->number == change.binding->number && old->path != change.binding->path) leave_flow(old->path);
    trust_flow(*change.binding, turn.now);
    seats.enter(change.binding, turn.now, keepalive_of(registrar, *change.binding), chance());
    if (change.what != What::Refreshed) tell(*change.binding, turn);
  }
  return true;
}

// For as long as somebody is registered from there, and `lasts` more. Who moves from flow to flow has earned
// it for one at a time: else one user could fill the board.
void RegistrarEngine::State::trust_flow(const Binding& binding, Timestamp now) {
  const SecurityConfig& security = rules->config.security;
  if (security.promote_by_registration)
    earn_trust(parts.shared, binding.path, now, binding.expires + security.promotion_lasts);
}

void RegistrarEngine::State::leave_flow(const Path& flow) {
  if (parts.board.from(flow)->empty()) lose_trust(parts.shared, flow);
}

// It is off the board already.
void RegistrarEngine::State::end(const Binding& binding, Turn turn) {
  seats.leave(binding.number);
  turn.out.add(turn.now, BindingEvent{.number = binding.number,
                                      .shard = shard_of_aor(parts.settings.token_key, binding.aor),
                                      .bytes = {}});
}

void RegistrarEngine::State::tell(const Binding& binding, Turn turn) {
  turn.out.add(turn.now, BindingEvent{.number = binding.number,
                                      .shard = shard_of_aor(parts.settings.token_key, binding.aor),
                                      .bytes = bytes_of(binding, turn.now)});
}

// Times are distances from `now`; how old they are when they are read is told by UTC.
std::string RegistrarEngine::State::bytes_of(const Binding& binding, Timestamp now) const {
  std::string bytes;
  ArchiveWriter writer(bytes, now, parts.names);
  writer(parts.key_print, SavedKind::Binding, binding, now.time_since_epoch() + parts.settings.utc_at_zero);
  return bytes;
}

Duration RegistrarEngine::State::keepalive_of(const RegistrarPlace& registrar,
                                              const Binding& binding) const noexcept {
  if (is_stream(binding.path.transport)) return registrar.config->keepalive;
  // A proxy keeps its own flow to the endpoint.
  const bool is_needed = binding.route_set.empty() && is_behind_nat(binding);
  return is_needed ? registrar.config->keepalive : Duration::zero();
}

// RFC 3261 §18.4, RFC 5626 §4.4: the flow has failed
// Of a connection alone. What ICMP says of a UDP flow anybody could have sent, and a neighbour that is silent
// for a moment says nothing of the endpoint: its next REGISTER is not far.
void RegistrarEngine::State::on_unreachable(const Path& path, Turn turn) {
  if (!is_stream(path.transport)) return;
  const auto over_it = parts.board.from(path);
  for (const auto& binding : *over_it) {
    if (seats.find(binding->number) == nullptr) continue;  // another engine's
    const std::uint64_t connection = binding->path.connection;
    if (path.connection != 0 && connection != 0 && path.connection != connection) continue;
    const auto current = parts.board.bindings_of(binding->place, binding->aor);
    (void)parts.board.put(binding->place, binding->aor, without(*current, binding->number));
    if (RegistrarPlace* const registrar = registrar_at(binding->place))
      (void)end_inside(*registrar, binding->aor, binding->number, turn);
    end(*binding, turn);
  }
}

void RegistrarEngine::State::on_seats_due(Turn turn) {
  for (unsigned i = 0; i < kSeatsPerCall && !turn.out.is_nearly_full(); ++i) {
    const auto due = seats.next_due(turn.now);
    if (!due) return;
    const SharedValue<Binding> binding = due->seat->binding;
    if (due->need == BindingSeats::Need::End)
      on_expired(binding, due->seat->unsettled++, turn);
    else
      ping(*binding, turn);
  }
}

// The upstream is told, without credentials: should it ask for them, its own time ends it. RFC 3261 §10.2.2
void RegistrarEngine::State::on_expired(const SharedValue<Binding>& binding, unsigned waited, Turn turn) {
  RegistrarPlace* const registrar = registrar_at(binding->place);
  const bool must_tell = registrar != nullptr && !registrar->is_local() && binding->inside_expires > turn.now;
  if (must_tell && !end_inside(*registrar, binding->aor, binding->number, turn) && waited < kWaitsMax) return;
  const auto current = parts.board.bindings_of(binding->place, binding->aor);
  (void)parts.board.put(binding->place, binding->aor, without(*current, binding->number));
  end(*binding, turn);
}

// One for each flow, however many lines the endpoint has. A connection is kept by any octets. What keeps a
// UDP mapping is what leaves the endpoint; that what comes to it does so too is not said of every NAT, so it
// is asked something. RFC 4787 REQ-6
void RegistrarEngine::State::ping(const Binding& binding, Turn turn) {
  const auto over_it = parts.board.from(binding.path);
  if (!over_it->empty() && over_it->front()->number != binding.number) return;
  if (is_stream(binding.path.transport))
    (void)turn.out.send(binding.path, kPing, 0);
  else
    ask_for_life(binding, turn);
}

// Nothing is kept of it and it is never sent again: whatever comes back is known by its branch, and dropped.
void RegistrarEngine::State::ask_for_life(const Binding& binding, Turn turn) {
  const Place* const place = rules->places.at(binding.path);
  if (place == nullptr) return;
  const HashKey& key = parts.settings.token_key;
  const auto shard = static_cast<std::uint8_t>(parts.settings.place);
  const Token name{.shard = shard, .part = kBindingPart, .number = parts.numbers.take_number()};
  const TokenText call_id = write_token(key, TokenKind::CallId, name);
  const TokenText tag = write_token(key, TokenKind::Tag, name);
  const TokenText branch =
      write_token(key, TokenKind::Branch, {.shard = shard, .part = kKeepAlivePart, .number = name.number});
  const std::string from = "<sip:" + place->names.uri_host + ">;tag=" + std::string(sip::view(tag));
  const std::string to = "<" + uri_of_aor(binding.aor) + ">";
  RequestParts message;
  message.method = "OPTIONS";
  message.request_uri = binding.contact;
  message.own = &place->names;
  message.branch = sip::view(branch);
  message.from = from;
  message.to = to;
  message.call_id = sip::view(call_id);
  message.own_lines = "Accept: application/sdp\r\n";  // RFC 3261 §11.1
  const auto bytes = write_request(turn.out.room(), message);
  if (!bytes) return;
  (void)turn.out.commit(binding.path, bytes->size(), 0);
  parts.counters[to_position(binding.path.realm)]
      .requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(Method::Options)]
      .add();
}

// What was read goes into messages again.
bool RegistrarEngine::State::is_sane(const Binding& binding, Timestamp now) const {
  const auto is_text = [](std::string_view text) { return text.size() <= kSavedTextMax && is_plain(text); };
  const auto is_route = [](std::string_view text) {
    Lexer lexer(text);
    NameAddr hop;
    return text.size() <= kSavedTextMax && parse_name_addr(lexer, kForgiving, hop) && lexer.done() &&
           hop.in_brackets && is_plain(text);
  };
  const auto is_uri = [&is_text](std::string_view text) {
    Lexer lexer(text);
    Uri uri;
    return is_text(text) && parse_uri(lexer, kForgiving, uri);
  };
  const std::string aor_uri = uri_of_aor(binding.aor);
  Lexer lexer(aor_uri);
  Uri uri;
  if (!parse_uri(lexer, kForgiving, uri) || aor_of(uri) != binding.aor) return false;
  const bool has_texts = is_uri(binding.contact) && is_text(binding.contact_params) &&
                         are_contact_params(binding.contact_params) && binding.gruus.size() <= kGruusMax &&
                         are_contact_params(binding.gruus) && is_text(binding.instance) &&
                         is_text(binding.call_id) && is_text(binding.user_agent) &&
                         binding.route_set.size() <= kPathValuesMax &&
                         std::ranges::all_of(binding.route_set, is_route);
  return has_texts && binding.number != 0 && binding.q <= 1000 && binding.inside_lasts > Duration::zero() &&
         binding.inside_lasts <= kLongestInside && binding.inside_expires > now &&
         binding.inside_expires - now <= binding.inside_lasts &&
         to_position(binding.path.realm) < rules->config.realms.size() && binding.path.remote.port != 0 &&
         rules->places.at(binding.path) != nullptr;
}

bool RegistrarEngine::State::restore(ArchiveReader& archive, Timestamp now) {
  auto read = make_value<Binding>();
  Duration written{};
  archive(*read, written);
  if (!archive.done()) return false;
  const Duration age = now.time_since_epoch() + parts.settings.utc_at_zero - written;
  if (age > Duration::zero() && read->inside_expires > now) {
    if (age >= read->inside_expires - now) return false;
    read->inside_expires -= age;
    read->since = std::min(read->since, now) - age;
  }
  RegistrarPlace* const registrar = registrar_at(read->place);
  if (registrar == nullptr || registrar->realm != read->path.realm || !is_sane(*read, now)) return false;
  if (parts.board.numbered(read->number) != nullptr) return true;  // a newer one
  const auto current = parts.board.bindings_of(read->place, read->aor);
  const auto is_it = [&read](const auto& one) {
    const bool is_its_flow =
        read->reg_id != 0 && one->reg_id == read->reg_id && one->instance == read->instance;
    return is_its_flow || is_same_uri(one->contact, read->contact);
  };
  if (std::ranges::any_of(*current, is_it)) return true;  // it has registered already
  read->path.connection = 0;
  read->expires = std::min(now + registrar->config->refresh_outside, read->inside_expires);
  Bindings next = *current;
  next.push_back(read);
  sort_bindings(next);
  if (!parts.board.put(read->place, read->aor, std::move(next))) return false;
  // The endpoint of a broken connection comes by a new one: nothing is opened to it before.
  const bool is_pinged = !is_stream(read->path.transport);
  seats.enter(read, now, is_pinged ? keepalive_of(*registrar, *read) : Duration::zero(), chance());
  seats.hasten(read->number, now, chance());
  trust_flow(*read, now);
  return true;
}

std::vector<EndpointView> RegistrarEngine::view(std::string_view after, std::size_t limit) const {
  std::vector<const Binding*> found;
  state_->seats.for_each([&](const BindingSeat& seat) {
    if (seat.binding->aor > after) found.push_back(seat.binding.get());
  });
  const std::size_t shown = std::min(limit, found.size());
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(shown),
                            [](const Binding* a, const Binding* b) {
                              return std::pair(std::string_view(a->aor), a->number) <
                                     std::pair(std::string_view(b->aor), b->number);
                            });
  std::vector<EndpointView> views;
  views.reserve(shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const Binding& binding = *found[i];
    const RegistrarPlace* const registrar = state_->registrar_at(binding.place);
    const bool is_local = registrar != nullptr && registrar->is_local();
    views.push_back({.aor = binding.aor,
                     .registrar = registrar != nullptr ? registrar->config->name : std::string(),
                     .contact = binding.contact,
                     .remote = binding.path.remote,
                     .local = binding.path.local,
                     .transport = binding.path.transport,
                     .is_behind_nat = is_behind_nat(binding),
                     .since = binding.since,
                     .expires = binding.expires,
                     .inside_expires = is_local ? binding.expires : binding.inside_expires,
                     .user_agent = binding.user_agent});
  }
  return views;
}

}  // namespace sallyport::sip
