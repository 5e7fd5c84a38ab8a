// registrar_engine.cpp — RFC 3261 §10.3: whose REGISTER it is, the local registrar, and all answers. RFC 3327
// §5.3, RFC 5626 §6, RFC 7616 §3, RFC 8760; threats I1, I2, R1.
#include "sipalg/registrar/registrar_engine.h"

#include <algorithm>
#include <utility>

#include "sipalg/engine/earliest.h"
#include "sipalg/engine/request_policy.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/registrar_state.h"

namespace sallyport::sip {
namespace {

constexpr policy::BucketShape kStrangers =
    policy::BucketShape::of({.rate = {.events = 200, .per = std::chrono::seconds(1)}, .burst = 200});

std::uint32_t seconds_of(Duration time) noexcept {
  const auto whole = std::chrono::ceil<std::chrono::seconds>(std::max(time, Duration::zero()));
  return static_cast<std::uint32_t>(std::min<std::int64_t>(whole.count(), 0x7fffffff));
}

std::string hex_of(std::uint64_t word) {
  std::string out;
  for (unsigned shift = 64; shift != 0;) out += "0123456789abcdef"[word >> (shift -= 4) & 15];
  return out;
}

}  // namespace

bool RegistrarPlace::is_of(std::string_view domain) const noexcept {
  return std::ranges::any_of(config->domains, [domain](const std::string& one) {
    return one.size() == domain.size() &&
           std::ranges::equal(one, domain, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  });
}

RegistrarEngine::State::State(const RegistrarParts& parts_in, SharedValue<Rulebook> rules_in)
    : parts(parts_in), rules(std::move(rules_in)) {
  read_registrars();
}

void RegistrarEngine::State::read_registrars() {
  const SbcConfig& config = rules->config;
  static const RegistrarConfig kGone;
  registrars.resize(
      std::max(registrars.size(), config.registrars.size()));  // what is under way names its place
  for (std::size_t i = 0; i < registrars.size(); ++i) {
    RegistrarPlace& registrar = registrars[i];
    if (i >= config.registrars.size()) {
      registrar = {};
      registrar.config = &kGone;
      continue;
    }
    registrar.config = &config.registrars[i];
    registrar.place = place_of_registrar(config, static_cast<std::uint16_t>(i));
    registrar.realm = realm_named(config, registrar.config->realm);
    registrar.upstream = PeerIndex::kNone;
    for (std::size_t peer = 0; peer < config.peers.size(); ++peer)
      if (config.peers[peer].name == registrar.config->upstream) registrar.upstream = PeerIndex(peer);
    registrar.digest = DigestServer(parts.settings.table_key, offer_for(registrar.config->users.get()));
  }
}

// The one that serves the domain; else the first that serves any. Null: 404.
RegistrarPlace* RegistrarEngine::State::registrar_for(RealmIndex realm, std::string_view domain) noexcept {
  RegistrarPlace* of_any = nullptr;
  for (RegistrarPlace& registrar : registrars) {
    if (registrar.realm != realm || registrar.place == PeerIndex::kNone) continue;
    if (registrar.is_of(domain)) return &registrar;
    if (registrar.config->domains.empty() && of_any == nullptr) of_any = &registrar;
  }
  return of_any;
}

RegistrarPlace* RegistrarEngine::State::registrar_at(PeerIndex place) noexcept {
  const auto found = std::ranges::find(registrars, place, &RegistrarPlace::place);
  return place != PeerIndex::kNone && found != registrars.end() ? &*found : nullptr;
}

// The Request-URI names a domain of the registrar, or this node. RFC 3261 §10.3 step 1
bool RegistrarEngine::State::is_asked(const RegistrarPlace& registrar,
                                      const Arrival& arrival) const noexcept {
  const HostPort& host = arrival.request.start.request_uri.address;
  return registrar.config->domains.empty() || registrar.is_of(host.host) ||
         names_us(host, rules->config.realms[to_position(arrival.input.realm)], arrival.input.local.address);
}

void RegistrarEngine::State::on_register(const Arrival& arrival, EngineOutput& out) {
  const SipMessage& request = arrival.request;
  RegistrarPlace* const registrar = registrar_for(arrival.input.realm, request.to.uri.address.host);
  if (registrar == nullptr && arrival.input.trust < TrustClass::Trusted) {
    // A stranger that does not even know whom it asks learns nothing. Threats I9
    const policy::Actor actor = parts.detectors.actor_of(arrival.input);
    (void)parts.detectors.judge(
        arrival.now, actor, parts.shared.detectors.on_unheard(arrival.now, actor, request.to.uri.user), out);
    parts.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::Stranger);
    return;
  }
  const std::size_t most = answer_bytes_max(arrival);
  if (registrar == nullptr) return answer(arrival, {.code = 404, .bytes_max = most}, Keep::Nothing, out);
  if (!is_asked(*registrar, arrival))  // we carry it to nobody else. RFC 3261 §10.3 step 1
    return answer(arrival, {.code = 403, .bytes_max = most}, Keep::Nothing, out);
  Asking asking{arrival, *registrar, {}, nullptr, path_of(arrival.input), out};
  asking.path.peer = registrar->place;  // no new connection leads to an endpoint
  const RegisterTerms terms{.strictness = arrival.neighbour.strictness,
                            .default_seconds = seconds_of(registrar->config->refresh_outside)};
  RegisterRefusal refusal = read_register(request, terms, asking.ask);
  if (refusal.code != 0)
    return answer(asking, {.code = refusal.code, .lines = std::move(refusal.lines), .reason = refusal.reason},
                  Keep::Nothing);
  asking.current = parts.board.bindings_of(registrar->place, asking.ask.aor);
  // What can't be remembered can't be told from the next one: it would be carried out twice. RFC 3261 §17.2.2
  if (!parts.servers.has_room())
    return answer(asking, {.code = 503, .retry_after = retry_after()}, Keep::Nothing);
  registrar->is_local() ? on_local(asking) : on_pass_through(asking);
}

void RegistrarEngine::State::on_local(Asking& asking) {
  if (!is_authentic(asking)) return;
  const RegisterAsk& ask = asking.ask;
  const Timestamp now = asking.arrival.now;
  const UpdatePlan plan = plan_update(*asking.current, ask, asking.registrar.config->contacts_per_aor, now);
  if (plan.code != 0) return answer(asking, {.code = plan.code, .reason = plan.reason}, Keep::Transaction);
  if (!ask.is_query()) {
    const UpdateTerms terms{.place = asking.registrar.place, .path = asking.path, .now = now};
    Update update = make_update(*asking.current, ask, grant(asking, plan), terms);
    if (!apply(asking.registrar, ask.aor, std::move(update), asking.turn()))
      return answer(asking, {.code = 503, .retry_after = retry_after()}, Keep::Transaction);
  }
  const auto bindings = parts.board.bindings_of(asking.registrar.place, ask.aor);
  answer(asking, {.code = 200, .lines = success_lines(*bindings, ask, now)}, Keep::Transaction);
}

// Nobody stands behind us: what is kept on disk is written anew when half of `inside` is over.
std::vector<GrantedContact> RegistrarEngine::State::grant(const Asking& asking,
                                                          const UpdatePlan& plan) const {
  const RegistrarConfig& config = *asking.registrar.config;
  const Duration lasts = std::max(config.refresh_inside, 2 * config.refresh_outside);
  std::vector<GrantedContact> granted;
  for (std::size_t i = 0; i < plan.numbers.size(); ++i) {
    GrantedContact& one = granted.emplace_back();
    one.number = plan.numbers[i];
    const auto known = std::ranges::find_if(
        *asking.current, [&one](const auto& binding) { return binding->number == one.number; });
    if (one.number == 0) one.number = parts.numbers.take_number();
    // RFC 3261 §10.2.1.1, §10.3 step 7: shorter than asked for is the registrar's right
    one.outside =
        std::min<Duration>(std::chrono::seconds(asking.ask.contacts[i].seconds), config.refresh_outside);
    one.inside = one.inside_lasts = lasts;
    if (known == asking.current->end()) continue;
    const Duration left = (*known)->inside_expires - asking.arrival.now;
    if (left > (*known)->inside_lasts / 2 && left > one.outside) {
      one.inside = left;
      one.inside_lasts = (*known)->inside_lasts;
    }
  }
  return granted;
}

// RFC 3261 §10.3 steps 3 and 4, §22.1. False: it was answered, or is not to be.
bool RegistrarEngine::State::is_authentic(Asking& asking) {
  const Arrival& arrival = asking.arrival;
  const Endpoint& source = arrival.input.remote;
  const RegistrarPlace& registrar = asking.registrar;
  const std::string_view realm = registrar.digest_realm();
  DigestVerdict verdict = DigestVerdict::Missing;
  const auto given = digest_answer_of(arrival.request, realm);
  const bool is_known_flow = std::ranges::any_of(
      *asking.current, [&asking](const auto& binding) { return binding->path == asking.path; });
  if (given && !is_known_flow && !parts.detectors.may_log_in(arrival, given->user)) {
    parts.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::Detected);
    return false;
  }
  if (given) {
    const RegistrarUsers none;
    const RegistrarUsers& users = registrar.config->users ? *registrar.config->users : none;
    const RegistrarUser* const user = find_user(users, given->user, domain_of(asking.ask.aor));
    const std::string name = user != nullptr ? user->user + "@" + user->domain : std::string();
    const auto uses = nonces.find(name);
    const std::uint64_t nonce = registrar.digest.nonce_number(arrival.now, source, realm, given->nonce);
    auto use = uses != nonces.end() ? uses->second.look_up(nonce) : NonceUse{.nonce = nonce, .count = 0};
    const DigestSubject subject{.method = "REGISTER", .uri = arrival.request.start.request_uri.text};
    // One that is used up: no count is above this.
    if (!use) use = NonceUse{.nonce = nonce, .count = 0xffffffffu};
    verdict = registrar.digest.verify({arrival.now, source}, *given, subject, user, *use);
    asking.is_proved = nonce != 0;
    if (verdict == DigestVerdict::Right) nonces[name].keep(*use);
  }
  if (verdict == DigestVerdict::Right) {
    (void)parts.detectors.on_digest(arrival, given->user, true, asking.out);
    if (given->user == user_of(asking.ask.aor)) return true;
    answer(asking, {.code = 403, .reason = "not the user's own address"}, Keep::Transaction);  // threats I1
    return false;
  }
  if (verdict == DigestVerdict::Wrong) {
    const DetectorFate fate = parts.detectors.on_digest(arrival, given->user, false, asking.out);
    if (fate == DetectorFate::Reject) return answer(asking, {.code = 403}, Keep::Nothing), false;
    if (fate == DetectorFate::Drop) {
      parts.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::Detected);
      return false;
    }
  }
  const bool is_stale = verdict == DigestVerdict::Stale;
  answer(asking,
         {.code = 401,
          .lines = registrar.digest.challenge(arrival.now, source, realm, is_stale),
          .short_lines = registrar.digest.short_challenge(arrival.now, source, realm, is_stale)},
         Keep::Nothing);
  return false;
}

// Every binding that is there, with what is left of its time. RFC 3261 §10.3 step 8
std::string RegistrarEngine::State::success_lines(const Bindings& bindings, const RegisterAsk& ask,
                                                  Timestamp now) const {
  std::string lines;
  for (const auto& one : bindings) {
    if (one->expires <= now) continue;
    lines.append("Contact: <")
        .append(one->contact)
        .append(">")
        .append(one->contact_params)
        .append(one->gruus);
    lines.append(";expires=").append(std::to_string(seconds_of(one->expires - now))).append("\r\n");
  }
  for (const std::string& hop : ask.path) lines.append("Path: ").append(hop).append("\r\n");  // RFC 3327 §5.3
  lines += "Supported: path, outbound\r\n";
  if (ask.uses_outbound()) lines += "Require: outbound\r\n";  // RFC 5626 §6
  return lines;
}

void RegistrarEngine::State::answer(const Asking& asking, RegisterAnswer answer, Keep keep) {
  if (!asking.is_proved) answer.bytes_max = answer_bytes_max(asking.arrival);
  this->answer(asking.arrival, answer, keep, asking.out);
}

void RegistrarEngine::State::answer(const Arrival& arrival, const RegisterAnswer& answer, Keep keep,
                                    EngineOutput& out) {
  const auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts.responder.answer_without_state(arrival, answer.code, out);
  const std::string tag = to_tag(arrival.request, arrival.input.remote.address);
  const std::string_view bytes = put_answer(*head, arrival.answer_path, tag, answer, out);
  if (bytes.empty() || keep == Keep::Nothing) return;
  const ServerTransactionId id = parts.servers.start({.key = arrival.key,
                                                      .kind = TransactionKind::NonInvite,
                                                      .user = server_user(arrival.request),
                                                      .path = arrival.answer_path,
                                                      .timers = arrival.neighbour.timers},
                                                     arrival.request, arrival.now);
  if (id != ServerTransactionId::kNone) parts.servers.keep(id, answer.code, bytes, arrival.now);
}

// By its shard the same request finds it again after a restart with another number of engines.
TransactionUser RegistrarEngine::State::server_user(const SipMessage& request) const {
  return {.purpose = kBindingPurpose,
          .shard = shard_of_aor(parts.settings.token_key, aor_of(request.to.uri))};
}

std::string_view RegistrarEngine::State::put_answer(const ResponseHead& head, const Path& path,
                                                    std::string_view to_tag, const RegisterAnswer& answer,
                                                    EngineOutput& out) {
  std::string warning;
  const Place* const place = answer.reason.empty() ? nullptr : rules->places.at(path);
  if (place != nullptr)  // RFC 3261 §20.43
    warning.append("399 ").append(place->names.uri_host).append(" \"").append(answer.reason).append("\"");
  ResponseParts response;
  response.code = answer.code;
  response.head = &head;
  response.to_tag = to_tag;
  response.retry_after = answer.retry_after;
  response.warning = warning;
  response.own_lines = answer.lines;
  auto bytes = write_response(out.room(), response);
  SipDropReason why = SipDropReason::TooLarge;
  if (bytes && bytes->size() > answer.bytes_max) {
    why = SipDropReason::LargerThanRequest;
    bytes = write_short(response, answer, out);
  }
  if (!bytes) {
    parts.counters[to_position(path.realm)].dropped.add(why);
    return {};
  }
  parts.responder.count(path.realm, answer.code);
  return out.commit(path, bytes->size(), 0);
}

// The one algorithm of `short_lines` only where both are still too much. Nothing where that is larger than it
// may be, too.
std::optional<std::string_view> RegistrarEngine::State::write_short(ResponseParts response,
                                                                    const RegisterAnswer& answer,
                                                                    EngineOutput& out) {
  response.warning = {};
  for (const std::string* const lines : {&answer.lines, &answer.short_lines}) {
    response.own_lines = *lines;
    const auto bytes = write_response(out.room(), response);
    if (!bytes || (lines->empty() && !answer.lines.empty())) return std::nullopt;
    const std::size_t size = shorten_response(out.room().subspan(0, bytes->size()));
    if (size <= answer.bytes_max) return std::string_view(out.room().data(), size);
  }
  return std::nullopt;
}

// The same for the same request, with state and without. 32 bits, as few as may be: a stranger's answer has
// no room to give away, and no dialog comes from it. RFC 3261 §8.2.7, §19.3
std::string RegistrarEngine::State::to_tag(const SipMessage& request, const IpAddress& source) const {
  std::string named(request.call_id);
  named.append(1, '\0').append(request.from.tag).append(1, '\0').append(request.top_via.branch);
  named.append(1, '\0').append(request.cseq.digits);
  named.append(reinterpret_cast<const char*>(source.bytes().data()), source.bytes().size());
  const Hash128 hash = keyed_hash128(parts.settings.token_key, named);
  return hex_of(hash.high).substr(0, 8);
}

std::uint64_t RegistrarEngine::State::chance() noexcept {
  const std::uint64_t count = ++chances;
  return keyed_hash(parts.settings.table_key, {reinterpret_cast<const char*>(&count), sizeof count});
}

bool RegistrarEngine::State::may_ask(const Asking& asking) noexcept {
  const bool is_known = asking.arrival.input.trust == TrustClass::Known ||
                        std::ranges::any_of(*asking.current, [&asking](const auto& binding) {
                          return binding->path == asking.path;
                        });
  return is_known || asking.registrar.strangers.take(kStrangers, asking.arrival.now);
}

RegistrarEngine::RegistrarEngine(const RegistrarParts& parts, SharedValue<Rulebook> rules)
    : state_(std::make_unique<State>(parts, std::move(rules))) {}
RegistrarEngine::~RegistrarEngine() = default;

bool RegistrarEngine::serves(RealmIndex realm) const noexcept {
  return std::ranges::any_of(state_->registrars, [realm](const RegistrarPlace& registrar) {
    return registrar.realm == realm && registrar.place != PeerIndex::kNone;
  });
}

void RegistrarEngine::on_register(const Arrival& arrival, EngineOutput& out) {
  state_->on_register(arrival, out);
}

void RegistrarEngine::on_response(const TransactionUser& user, std::uint64_t number,
                                  const SipMessage& response, Timestamp now, EngineOutput& out) {
  UpstreamErrand* const errand = state_->errands.find(user.part, number);
  if (errand != nullptr && response.start.status_code >= 200)
    state_->on_upstream(*errand, response, {now, out});
}

void RegistrarEngine::on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out) {
  UpstreamErrand* const errand = state_->errands.find(event.user.part, event.number);
  if (errand != nullptr) state_->on_no_answer(*errand, {now, out});
}

void RegistrarEngine::on_unreachable(Timestamp now, const Path& path, EngineOutput& out) {
  state_->on_unreachable(path, {now, out});
}

void RegistrarEngine::on_deadline(Timestamp now, EngineOutput& out) {
  state_->on_errands_due({now, out});
  state_->on_seats_due({now, out});
}

std::optional<Timestamp> RegistrarEngine::next_deadline() const noexcept {
  std::optional<Timestamp> earliest = state_->seats.next_deadline();
  keep_earlier(earliest, state_->errands.next_deadline());
  return earliest;
}

void RegistrarEngine::adopt(SharedValue<Rulebook> next) {
  state_->rules = std::move(next);
  state_->read_registrars();
}

void RegistrarEngine::save(Timestamp now,
                           const std::function<void(std::uint8_t shard, std::string&& bytes)>& keep) const {
  const HashKey& key = state_->parts.settings.token_key;
  state_->seats.for_each([&](const BindingSeat& seat) {
    keep(shard_of_aor(key, seat.binding->aor), state_->bytes_of(*seat.binding, now));
  });
}

bool RegistrarEngine::restore(ArchiveReader& archive, Timestamp now) { return state_->restore(archive, now); }

std::uint32_t RegistrarEngine::size() const noexcept { return state_->seats.size(); }

}  // namespace sallyport::sip
