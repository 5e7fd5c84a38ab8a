// registrar_upstream.cpp — pass_through: refreshes are answered here, all else is asked of the upstream in a
// REGISTER of our own. RFC 3261 §10.2, §10.3, §20.10; RFC 3263 §4.3; RFC 5626 §4.2; RFC 5627 §5.3; threats
// I3, R1, R5.
#include <algorithm>
#include <utility>

#include "policy/route/target_order.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/engine/request_policy.h"
#include "sipalg/engine/request_views.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/registrar_state.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr Duration kPatience = std::chrono::seconds(4);  // while another target is left
constexpr Duration kLastPatience =
    std::chrono::seconds(20);  // before the endpoint gives up. RFC 3261 §17.1.2
constexpr Duration kHeld = 2 * kPatience + kLastPatience + std::chrono::seconds(2);
constexpr std::size_t kTargetsMax = 3;
constexpr std::uint32_t kSecondsMax = 0xffffffffu, kLongest = 7 * 24 * 3600;
constexpr unsigned kErrandsPerCall = 32;
constexpr Duration kAnswerLasts = std::chrono::seconds(60);  // to a challenge that was passed on
constexpr std::uint64_t kCSeqs = 0x7ffffffe;                 // RFC 3261 §8.1.1.5
constexpr std::size_t kGruuBytesMax = 384;

std::uint32_t number_in(const SipMessage& message, HeaderName name) noexcept {
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != name) continue;
    const std::string_view value = message.value_of(message.headers[i]);
    return parse_decimal(value.substr(0, value.find_first_not_of("0123456789")), kSecondsMax).value_or(0);
  }
  return 0;
}

// A GRUU that names a place inside stays there: only one of the AOR's own domain crosses. RFC 5627 §5.3,
// threats I12
void add_gruu(std::string& out, std::string_view params, std::string_view name, std::string_view domain) {
  const std::string_view quoted = find_contact_param(params, name);
  if (quoted.size() < 3 || quoted.size() > kGruuBytesMax || quoted.front() != '"' || !is_plain(quoted))
    return;
  Lexer lexer(quoted.substr(1, quoted.size() - 2));
  Uri uri;
  if (!parse_uri(lexer, kForgiving, uri) || !equals_ignoring_case(uri.address.host, domain)) return;
  out.append(1, ';').append(name).append(1, '=').append(quoted);
}

// What the upstream says of the Contact that has our token. RFC 3261 §10.2.4
struct InsideContact {
  std::uint32_t seconds;
  std::string gruus;
};
InsideContact inside_contact(const SipMessage& response, std::string_view token, std::uint32_t asked,
                             std::string_view domain) {
  InsideContact found{response.has_expires ? response.expires : asked, {}};
  NameAddr contact;
  const auto is_ours = [token](const NameAddr& one) { return one.uri.user == token; };
  if (!find_contact(response, is_ours, contact)) return found;  // it shows it in another form, or not at all
  const std::string_view expires = find_contact_param(contact.params, "expires");
  if (!expires.empty()) found.seconds = parse_decimal(expires, kSecondsMax).value_or(found.seconds);
  add_gruu(found.gruus, contact.params, "pub-gruu", domain);
  add_gruu(found.gruus, contact.params, "temp-gruu", domain);
  return found;
}

// Values of that parameter in lines of challenges or credentials, wherever they stand.
std::vector<std::string_view> params_in(std::string_view lines, std::string_view name) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at + name.size() < lines.size(); ++at) {
    if (lines[at + name.size()] != '=' || !equals_ignoring_case(lines.substr(at, name.size()), name))
      continue;
    if (at > 0 && lines[at - 1] != ' ' && lines[at - 1] != ',' && lines[at - 1] != '\t') continue;
    std::string_view value = lines.substr(at + name.size() + 1);
    value = value.starts_with('"') ? value.substr(1, value.find('"', 1) - 1)
                                   : value.substr(0, value.find_first_of(" ,\t\r\n"));
    found.push_back(value);
  }
  return found;
}

// Of a nonce of the upstream's that went to that flow.
std::uint64_t mark_of_nonce(const DetectorGate& gate, const Endpoint& flow, std::string_view nonce) {
  return gate.mark_of("nonce", to_string(flow).append(1, ' ').append(nonce));
}

bool is_out_of_service(std::uint16_t code) noexcept {
  return code == 408 || code / 100 == 5 || code / 100 == 3;
}

}  // namespace

void RegistrarEngine::State::on_pass_through(Asking& asking) {
  const RegisterAsk& ask = asking.ask;
  const Timestamp now = asking.arrival.now;
  const SharedValue<Binding> refreshed = find_refreshed(*asking.current, ask, asking.path, now);
  if (refreshed && refreshed->inside_expires - now > refreshed->inside_lasts / 2)
    return refresh_here(asking, *refreshed);
  const UpdatePlan plan = plan_update(*asking.current, ask, asking.registrar.config->contacts_per_aor, now);
  if (plan.code != 0) return answer(asking, {.code = plan.code, .reason = plan.reason}, Keep::Nothing);
  const std::uint32_t most = parts.settings.transactions_max;
  const bool has_room = errands.size() < UpstreamErrands::kMost && parts.servers.has_room() &&
                        parts.clients.size() + most / 8 + 1 < most &&  // calls go before
                        errands.of_source(asking.path.remote.address) < UpstreamErrands::kMostOfSource;
  if (has_room && may_ask(asking)) {
    if (refreshed) hold(asking, *refreshed);
    return pass(asking, plan);
  }
  // Better a binding that lives on for a while than a storm.
  if (refreshed && refreshed->inside_expires > now) return refresh_here(asking, *refreshed);
  answer(asking, {.code = 503, .retry_after = retry_after()}, Keep::Nothing);
}

// It does not end while it is being asked for.
void RegistrarEngine::State::hold(Asking& asking, const Binding& binding) {
  const Timestamp until = std::min(asking.arrival.now + kHeld, binding.inside_expires);
  if (until > binding.expires)
    (void)put_in_place(asking.registrar, binding, {until, binding.cseq}, asking.turn());
}

void RegistrarEngine::State::refresh_here(Asking& asking, const Binding& binding) {
  const Timestamp now = asking.arrival.now;
  if (!renew(asking.registrar, binding, asking.ask, asking.turn()))
    return answer(asking, {.code = 503, .retry_after = retry_after()}, Keep::Nothing);
  const auto bindings = parts.board.bindings_of(asking.registrar.place, asking.ask.aor);
  answer(asking, {.code = 200, .lines = success_lines(*bindings, asking.ask, now)}, Keep::Transaction);
}

// Longer towards the endpoint alone.
bool RegistrarEngine::State::renew(const RegistrarPlace& registrar, const Binding& binding,
                                   const RegisterAsk& ask, Turn turn) {
  const Duration outside =
      std::min<Duration>(std::chrono::seconds(ask.contacts[0].seconds), registrar.config->refresh_outside);
  return put_in_place(registrar, binding, {std::min(turn.now + outside, binding.inside_expires), ask.cseq},
                      turn);
}

bool RegistrarEngine::State::put_in_place(const RegistrarPlace& registrar, const Binding& binding,
                                          const Renewal& renewal, Turn turn) {
  auto next = make_value<Binding>(binding);
  next->expires = renewal.expires;
  next->cseq = renewal.cseq;
  const auto current = parts.board.bindings_of(registrar.place, binding.aor);
  Update update;
  update.next.reserve(current->size());
  update.next.push_back(next);
  for (const auto& one : *current)
    if (one->number != binding.number) update.next.push_back(one);
  if (update.next.size() > 1) sort_bindings(update.next);
  update.changes.push_back({BindingChange::What::Refreshed, std::move(next)});
  return apply(registrar, binding.aor, std::move(update), turn);
}

void RegistrarEngine::State::pass(Asking& asking, const UpdatePlan& plan) {
  const Arrival& arrival = asking.arrival;
  auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts.responder.answer_without_state(arrival, 400, asking.out);
  UpstreamErrand* const errand = errands.begin();
  const ServerTransactionId server = parts.servers.start({.key = arrival.key,
                                                          .kind = TransactionKind::NonInvite,
                                                          .user = server_user(arrival.request),
                                                          .path = arrival.answer_path,
                                                          .timers = arrival.neighbour.timers},
                                                         arrival.request, arrival.now);
  errand->server = server;
  errand->registrar = static_cast<std::uint16_t>(&asking.registrar - registrars.data());
  errand->request_uri = upstream_uri(asking);
  errand->credentials = passed_credentials(arrival.request);
  errand->answer_bytes_max = answer_bytes_max(arrival);
  errand->actor = parts.detectors.actor_of(arrival.input);
  for (const std::string_view nonce : params_in(errand->credentials, "nonce"))
    if (parts.detectors.marks().holds(mark_of_nonce(parts.detectors, asking.path.remote, nonce), arrival.now))
      errand->is_proof = errand->actor.is_proved = true;  // it hears what is sent there
  errand->inside_seconds = std::max(
      static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::seconds>(asking.registrar.config->refresh_inside).count()),
      asking.registrar.inside_floor);
  for (const std::uint64_t number : plan.numbers)
    errand->contacts.push_back({.number = number != 0 ? number : parts.numbers.take_number(),
                                .outside = {},
                                .inside = {},
                                .inside_lasts = {},
                                .gruus = {}});
  errand->flow = asking.path;
  errand->answer_path = arrival.answer_path;
  errand->head = std::move(head);
  errand->to_tag = to_tag(arrival.request, arrival.input.remote.address);
  errand->ask = std::move(asking.ask);
  if (!send_next(*errand, asking.turn())) give_up(*errand, asking.turn());
}

// The endpoint's own, as far as it names the domain: its credentials are made for it. RFC 7616 §3.4.6
std::string RegistrarEngine::State::upstream_uri(const Asking& asking) const {
  const HostPort& host = asking.arrival.request.start.request_uri.address;
  const RealmConfig& realm = rules->config.realms[to_position(asking.path.realm)];
  const bool is_domain =
      asking.registrar.is_of(host.host) ||
      (asking.registrar.config->domains.empty() && !names_us(host, realm, asking.path.local.address));
  const std::string_view named = is_domain ? host.host : domain_of(asking.ask.aor);
  const bool is_ipv6 = named.find(':') != std::string_view::npos;
  std::string uri = is_ipv6 ? "sip:[" : "sip:";
  uri.append(named).append(is_ipv6 ? "]" : "");
  if (is_domain && host.port != 0) uri.append(":").append(std::to_string(host.port));
  return uri;
}

bool RegistrarEngine::State::send_next(UpstreamErrand& errand, Turn turn) {
  const RegistrarPlace& registrar = registrars[errand.registrar];
  const auto targets = parts.shared.targets.targets_of(registrar.upstream);
  const PeerSide* const side = rules->peer_side(registrar.upstream);
  if (side == nullptr || side->config->is_retired) return false;
  // One AOR always asks the same one while that is up: the nonces of others are of no use there.
  const std::uint64_t key = keyed_hash(parts.settings.table_key, errand.ask.aor);
  const auto order = policy::order_targets(
      *targets, {.balance = side->config->balance, .key = key, .random = key, .now = turn.now});
  for (const std::uint16_t position : order.order) {
    if (errand.asked.size() >= kTargetsMax) return false;
    const policy::BoardTarget& target = *(*targets)[position];
    if (std::ranges::find(errand.asked, target.address) != errand.asked.end()) continue;
    errand.asked.push_back(target.address);
    if (!send(errand, target, turn)) continue;
    const bool is_last = errand.asked.size() >= std::min(kTargetsMax, targets->size());
    errands.wait(errand, turn.now + (is_last ? kLastPatience : kPatience));
    return true;
  }
  return false;
}

// ";expires=0" ends one; how long the others last says Expires. RFC 3261 §10.2.1.1, §10.2.2
std::string RegistrarEngine::State::contact_value(const UpstreamErrand& errand, const Place& place) const {
  if (errand.ask.is_star) return "*";
  const std::uint8_t shard = shard_of_aor(parts.settings.token_key, errand.ask.aor);
  std::string value;
  const auto add = [&](std::uint64_t number, std::string_view params, bool ends) {
    const TokenText token = write_token(parts.settings.token_key, TokenKind::Contact,
                                        {.shard = shard, .part = kBindingPart, .number = number});
    value.append(value.empty() ? "<sip:" : ", <sip:").append(sip::view(token)).append("@");
    value.append(place.names.contact_host).append(place.names.contact_params).append(">");
    value.append(params_for_upstream(params)).append(ends ? ";expires=0" : "");
  };
  if (errand.ending != 0) add(errand.ending, {}, true);
  const auto current = parts.board.bindings_of(registrars[errand.registrar].place, errand.ask.aor);
  for (std::size_t i = 0; i < errand.ask.contacts.size(); ++i) {
    const AskedContact& contact = errand.ask.contacts[i];
    const bool is_there = std::ranges::any_of(
        *current, [&](const auto& one) { return one->number == errand.contacts[i].number; });
    if (contact.seconds == 0 && !is_there) continue;  // nothing stands behind it
    add(errand.contacts[i].number, contact.params, contact.seconds == 0);
  }
  return value;
}

std::string RegistrarEngine::State::own_lines(const UpstreamErrand& errand) const {
  std::string lines = errand.credentials;
  const bool ends_all = errand.ask.is_star || errand.ending != 0;
  if (ends_all || !errand.ask.contacts.empty())
    lines.append("Expires: ").append(std::to_string(ends_all ? 0 : errand.inside_seconds)).append("\r\n");
  if (errand.ask.knows_gruu || errand.ask.knows_outbound) {
    lines += "Supported: ";
    if (errand.ask.knows_outbound) lines += errand.ask.knows_gruu ? "outbound, " : "outbound";
    lines += errand.ask.knows_gruu ? "gruu\r\n" : "\r\n";
  }
  return lines;
}

bool RegistrarEngine::State::send(UpstreamErrand& errand, const policy::BoardTarget& target, Turn turn) {
  const PeerSide& side = *rules->peer_side(registrars[errand.registrar].upstream);
  const Place* const place = rules->places.towards(side.realm, target.address.address, target.transport);
  const std::span<char> room = turn.out.room();
  if (place == nullptr || room.empty()) return false;
  const HashKey& key = parts.settings.token_key;
  const std::uint8_t shard = shard_of_aor(key, errand.ask.aor);
  const std::uint64_t request = requests++;
  // A Call-ID for each AOR in each life of the node, and another one before CSeq would have to begin again.
  const std::string named = std::to_string(request / kCSeqs) + "register " + errand.ask.aor;
  const Token name{
      .shard = shard, .part = kBindingPart, .number = keyed_hash(parts.settings.table_key, named)};
  const TokenText call_id = write_token(key, TokenKind::CallId, name);
  const TokenText tag = write_token(key, TokenKind::Tag, name);
  const std::uint64_t number = parts.numbers.take_number();
  const TokenText branch = write_token(key, TokenKind::Branch, {.shard = shard, .part = 0, .number = number});
  const std::string to = "<" + uri_of_aor(errand.ask.aor) + ">";
  const std::string from = to + ";tag=" + std::string(sip::view(tag));
  const std::string contact = contact_value(errand, *place), lines = own_lines(errand);
  RequestParts message;
  message.method = "REGISTER";
  message.request_uri = errand.request_uri;
  message.own = &place->names;
  message.branch = sip::view(branch);
  message.from = from;
  message.to = to;
  message.call_id = sip::view(call_id);
  message.cseq = static_cast<std::uint32_t>(request % kCSeqs) + 1;
  message.contact = contact;
  message.own_lines = lines;
  const auto bytes = write_request(room, message);
  if (!bytes) return false;
  const Path path{.realm = side.realm,
                  .local = place->endpoint,
                  .remote = target.address,
                  .transport = target.transport,
                  .peer = side.index};
  const bool is_kept = parts.clients.start({.number = number,
                                            .kind = TransactionKind::NonInvite,
                                            .user = {0, errand.place, kBindingPurpose, shard},
                                            .path = path,
                                            .request = *bytes,
                                            .timers = side.neighbour.timers,
                                            .reliability = reliability_of(path.transport),
                                            .method = Method::Register,
                                            .cseq = message.cseq},
                                           turn.now);
  if (!is_kept) return false;
  turn.out.commit(path, bytes->size(), 0);
  parts.counters[to_position(path.realm)]
      .requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(Method::Register)]
      .add();
  errand.transaction = number;
  return true;
}

void RegistrarEngine::State::on_upstream(UpstreamErrand& errand, const SipMessage& response, Turn turn) {
  const std::uint16_t code = response.start.status_code;
  errand.transaction = 0;
  if (code / 100 == 2) return on_granted(errand, response, turn);
  if (is_out_of_service(code)) return on_no_answer(errand, turn);
  if (code == 423 && ask_for_longer(errand, response, turn)) return;
  RegisterAnswer refusal{.code = code};
  if (code == 401 || code == 407) {
    refusal.lines = passed_challenges(response);
    if (refusal.lines.empty()) refusal = {.code = 500};  // nothing that an endpoint could answer
  }
  if (code == 423) refusal = {.code = 503, .retry_after = retry_after()};  // our lifetime, not the endpoint's
  if (errand.ending == 0) refusal = judge_refusal(errand, std::move(refusal), turn);
  finish(errand, refusal, turn);
}

// A wrong password is one only where a challenge that went to this very flow was answered: phones try the
// nonce that they had, and many registrars ask anew without calling it stale. RFC 7616 §3.3
RegisterAnswer RegistrarEngine::State::judge_refusal(const UpstreamErrand& errand, RegisterAnswer&& refusal,
                                                     Turn turn) {
  policy::DetectorBoard& board = parts.shared.detectors;
  const std::string_view user = user_of(errand.ask.aor);
  const bool asks = refusal.code == 401 || refusal.code == 407;
  for (const std::string_view nonce : params_in(refusal.lines, "nonce"))
    parts.detectors.marks().put(mark_of_nonce(parts.detectors, errand.flow.remote, nonce),
                                turn.now + kAnswerLasts);
  const auto stale = params_in(refusal.lines, "stale");
  const bool is_stale =
      std::ranges::any_of(stale, [](std::string_view value) { return equals_ignoring_case(value, "true"); });
  std::optional<policy::Finding> finding;
  if (errand.is_proof && !is_stale && (asks || refusal.code == 403))
    finding = board.on_login_failure(turn.now, errand.actor, user);
  else if (refusal.code == 404 || refusal.code == 604)
    finding = board.on_unheard(turn.now, errand.actor, user);
  const DetectorFate fate = parts.detectors.judge(turn.now, errand.actor, std::move(finding), turn.out);
  const bool is_refused = fate == DetectorFate::Reject || fate == DetectorFate::Drop;
  return is_refused ? RegisterAnswer{.code = 403} : std::move(refusal);
}

// What was the right answer once is no guess when it comes again.
void RegistrarEngine::State::note_login(UpstreamErrand& errand, Turn turn) {
  if (!errand.is_proof) return;
  parts.shared.detectors.on_login(turn.now, errand.actor, user_of(errand.ask.aor));
  for (const std::string_view nonce : params_in(errand.credentials, "nonce"))
    parts.detectors.marks().take(mark_of_nonce(parts.detectors, errand.flow.remote, nonce), turn.now);
}

// What we ask for is ours to make longer. RFC 3261 §10.2.8
bool RegistrarEngine::State::ask_for_longer(UpstreamErrand& errand, const SipMessage& response, Turn turn) {
  const std::uint32_t wanted = number_in(response, HeaderName::MinExpires);
  if (errand.asked_for_longer || wanted <= errand.inside_seconds || wanted > kLongest) return false;
  errand.asked_for_longer = true;
  errand.inside_seconds = registrars[errand.registrar].inside_floor = wanted;
  errand.asked.clear();
  if (!send_next(errand, turn)) give_up(errand, turn);
  return true;
}

void RegistrarEngine::State::on_granted(UpstreamErrand& errand, const SipMessage& response, Turn turn) {
  if (errand.ending != 0) return errands.end(errand.place);
  note_login(errand, turn);
  RegistrarPlace& registrar = registrars[errand.registrar];
  const HashKey& key = parts.settings.token_key;
  const std::uint8_t shard = shard_of_aor(key, errand.ask.aor);
  for (std::size_t i = 0; i < errand.contacts.size(); ++i) {
    GrantedContact& one = errand.contacts[i];
    const TokenText token =
        write_token(key, TokenKind::Contact, {.shard = shard, .part = kBindingPart, .number = one.number});
    InsideContact inside =
        inside_contact(response, sip::view(token), errand.inside_seconds, domain_of(errand.ask.aor));
    one.inside = one.inside_lasts = std::chrono::seconds(std::min(inside.seconds, kLongest));
    one.outside = std::min<Duration>(std::chrono::seconds(errand.ask.contacts[i].seconds),
                                     std::min(registrar.config->refresh_outside, one.inside));
    one.gruus = std::move(inside.gruus);
  }
  const auto current = parts.board.bindings_of(registrar.place, errand.ask.aor);
  if (!errand.ask.is_query()) {
    const UpdateTerms terms{.place = registrar.place, .path = errand.flow, .now = turn.now};
    Update update = make_update(*current, errand.ask, errand.contacts, terms);
    if (!apply(registrar, errand.ask.aor, std::move(update), turn)) {
      for (const GrantedContact& one : errand.contacts)
        if (one.inside > Duration::zero()) (void)end_inside(registrar, errand.ask.aor, one.number, turn);
      return finish(errand, {.code = 503, .retry_after = retry_after()}, turn);
    }
  }
  const auto bindings = parts.board.bindings_of(registrar.place, errand.ask.aor);
  finish(errand, {.code = 200, .lines = success_lines(*bindings, errand.ask, turn.now)}, turn);
}

// Silence, a broken way, or one that can't. RFC 3263 §4.3
void RegistrarEngine::State::on_no_answer(UpstreamErrand& errand, Turn turn) {
  errand.transaction = 0;
  note_failure(errand);
  if (!send_next(errand, turn)) give_up(errand, turn);
}

void RegistrarEngine::State::note_failure(const UpstreamErrand& errand) {
  if (errand.asked.empty()) return;
  const PeerIndex upstream = registrars[errand.registrar].upstream;
  const auto targets = parts.shared.targets.targets_of(upstream);
  for (const auto& target : *targets)
    if (target->address == errand.asked.back())
      return parts.shared.targets.note_failure(upstream, target->address, target->transport);
}

// Nobody inside answers: what holds there still is good enough for the endpoint that has it.
void RegistrarEngine::State::give_up(UpstreamErrand& errand, Turn turn) {
  if (errand.ending != 0) return errands.end(errand.place);
  const RegistrarPlace& registrar = registrars[errand.registrar];
  const auto current = parts.board.bindings_of(registrar.place, errand.ask.aor);
  const SharedValue<Binding> held = find_refreshed(*current, errand.ask, errand.flow, turn.now);
  if (held && held->inside_expires > turn.now && renew(registrar, *held, errand.ask, turn)) {
    const auto bindings = parts.board.bindings_of(registrar.place, errand.ask.aor);
    return finish(errand, {.code = 200, .lines = success_lines(*bindings, errand.ask, turn.now)}, turn);
  }
  finish(errand, {.code = 503, .retry_after = retry_after()}, turn);
}

void RegistrarEngine::State::finish(UpstreamErrand& errand, RegisterAnswer answer, Turn turn) {
  if (errand.ending == 0 && errand.head) {
    if (!errand.is_proof) answer.bytes_max = errand.answer_bytes_max;
    const std::string_view bytes =
        put_answer(*errand.head, errand.answer_path, errand.to_tag, answer, turn.out);
    if (bytes.empty())
      parts.servers.disown(errand.server);
    else
      (void)parts.servers.keep(errand.server, answer.code, bytes, turn.now);
  }
  errands.end(errand.place);
}

void RegistrarEngine::State::on_errands_due(Turn turn) {
  for (unsigned i = 0; i < kErrandsPerCall && !turn.out.is_nearly_full(); ++i) {
    UpstreamErrand* const errand = errands.next_due(turn.now);
    if (errand == nullptr) return;
    if (errand->transaction != 0) parts.clients.forget(errand->transaction);
    on_no_answer(*errand, turn);
  }
}

bool RegistrarEngine::State::end_inside(const RegistrarPlace& registrar, std::string_view aor,
                                        std::uint64_t number, Turn turn) {
  if (registrar.is_local()) return true;
  // Endpoints that want to register go before those that are gone.
  UpstreamErrand* const errand = errands.size() < UpstreamErrands::kMost / 2 ? errands.begin() : nullptr;
  if (errand == nullptr) return false;
  errand->registrar = static_cast<std::uint16_t>(&registrar - registrars.data());
  errand->ask.aor = aor;
  errand->ending = number;
  const std::string_view domain = domain_of(aor);
  const bool is_ipv6 = domain.find(':') != std::string_view::npos;
  errand->request_uri.append(is_ipv6 ? "sip:[" : "sip:").append(domain).append(is_ipv6 ? "]" : "");
  if (send_next(*errand, turn)) return true;
  errands.end(errand->place);
  return false;
}

}  // namespace sallyport::sip
