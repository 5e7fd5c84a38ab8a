// trunk_registration.cpp — REGISTER to peers: RFC 3261 §10.2, RFC 6140 §5.2. Path and Service-Route are not
// asked for: what a peer sends us comes to our Contact, and what we send it goes to its targets.
#include "sipalg/engine/request_views.h"
#include "sipalg/trunk/trunk_engine.h"
#include "sipalg/trunk/trunk_state.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr Duration kFirstRegistersWithin = std::chrono::seconds(2);
constexpr Duration kNamesPause = std::chrono::seconds(1);
constexpr unsigned kUnsentMax = 30;  // seconds that taking back waits for room, or for a way there
constexpr std::uint32_t kSecondsMax = 0xffffffffu;

// The domain alone: "sip:example.net" of "sip:+15550100@example.net". RFC 3261 §10.2
std::string registrar_of(std::string_view aor) {
  const std::size_t colon = aor.find(':'), at = aor.find('@');
  if (colon == std::string_view::npos) return std::string(aor);
  const std::size_t host = at == std::string_view::npos ? colon + 1 : at + 1;
  const std::size_t end = aor.find_first_of(";?", host);
  return std::string(aor.substr(0, colon + 1)) + std::string(aor.substr(host, end - host));
}

std::uint32_t seconds_of(Duration time) noexcept {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

// RFC 3261 §10.2.4: ours among those that the registrar lists.
bool is_ours(const NameAddr& contact, std::string_view user) noexcept {
  std::string_view value;
  return user.empty() ? find_uri_param(contact.uri.params, "bnc", value) : contact.uri.user == user;
}

std::optional<std::uint32_t> expires_of(const NameAddr& contact) noexcept {
  Lexer lexer(contact.params);
  while (lexer.next_is(';')) {
    GenericParam param;
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
    if (equals_ignoring_case(param.name, "expires")) return parse_decimal(param.value, kSecondsMax);
    lexer.skip_space();
  }
  return std::nullopt;
}

std::uint32_t number_in(const SipMessage& message, HeaderName name) noexcept {
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != name) continue;
    const std::string_view value = message.value_of(message.headers[i]);
    const std::size_t end = value.find_first_not_of("0123456789");
    return parse_decimal(value.substr(0, end), kSecondsMax).value_or(0);
  }
  return 0;
}

std::string_view name_of(RegistrationState state, bool has_failed) noexcept {
  switch (state) {
    case RegistrationState::Registered:
      return "registered";
    case RegistrationState::Leaving:
      return "leaving";
    case RegistrationState::Gone:
      return "left";
    default:
      return has_failed ? "failed" : "registering";
  }
}

}  // namespace

std::uint32_t granted_seconds(const SipMessage& response, std::string_view user,
                              std::uint32_t asked) noexcept {
  const std::uint32_t otherwise = response.has_expires ? response.expires : asked;
  NameAddr contact;
  const auto is_it = [user](const NameAddr& one) { return is_ours(one, user); };
  // A registrar may show our Contact in another form, or none.
  return find_contact(response, is_it, contact) ? expires_of(contact).value_or(otherwise) : otherwise;
}

void TrunkEngine::make_registration(Trunk& trunk, Timestamp now) {
  const OutboundRegistration& wanted = *trunk.config().registration;
  const Duration first = kFirstRegistersWithin * static_cast<std::int64_t>(chance() % 100) / 100;
  Registration& made = trunk.registration.emplace(RegistrationMachine(wanted.expires, now + first));
  const HashKey& key = parts_.settings.token_key;
  const Token name{.shard = 0, .part = kRegistrationPart, .number = registration_number(key, trunk.config())};
  made.registrar_uri = registrar_of(wanted.aor);
  made.call_id = sip::view(write_token(key, TokenKind::CallId, name));
  made.tag = sip::view(write_token(key, TokenKind::Tag, name));
  if (wanted.mode == RegisterMode::Single) made.user = sip::view(registered_user(key, trunk.config()));
}

// To the first target that is up and has not been asked in this round; when none is up, to any.
void TrunkEngine::ask(Trunk& trunk, bool is_new_round, Turn turn) {
  Registration& registration = *trunk.registration;
  if (registration.machine.state() == RegistrationState::Leaving) return ask_to_forget(trunk, turn);
  // A name that is not known yet; who resolves it says so if it never is.
  if (trunk.watches.empty()) return registration.machine.postpone(turn.now + kNamesPause);
  if (is_new_round) registration.asked.clear();
  if (registration.pending != 0) parts_.clients.forget(std::exchange(registration.pending, 0));
  for (const bool must_be_up : {true, false})
    for (const Watch& watch : trunk.watches) {
      if (must_be_up && !watch.health.is_up()) continue;
      const bool was_asked = std::ranges::any_of(
          registration.asked, [&](const auto& one) { return one->address == watch.target->address; });
      if (was_asked) continue;
      registration.asked.push_back(watch.target);
      registration.registrar = watch.target;
      if (send_register(trunk, turn)) return;
    }
  registration.machine.on_none_left(chance(), turn.now);
  tell_alarms(trunk, turn);
}

// Where the binding was made, and nowhere else. RFC 3261 §10.2.2
void TrunkEngine::ask_to_forget(Trunk& trunk, Turn turn) {
  Registration& registration = *trunk.registration;
  if (registration.pending != 0) parts_.clients.forget(std::exchange(registration.pending, 0));
  if (registration.registrar && (send_register(trunk, turn) || waits_for_way(trunk, turn.now))) return;
  registration.machine.on_none_left(chance(), turn.now);
}

// A binding that can't be taken back just now, as where no connection is to be had: calls would still be sent
// to us. False: it is none that is taken back, or that has lasted too long.
bool TrunkEngine::waits_for_way(Trunk& trunk, Timestamp now) noexcept {
  Registration& registration = *trunk.registration;
  if (registration.machine.state() != RegistrationState::Leaving || ++registration.unsent >= kUnsentMax)
    return false;
  registration.machine.postpone(now + kNamesPause);
  return true;
}

bool TrunkEngine::send_register(Trunk& trunk, Turn turn) {
  Registration& registration = *trunk.registration;
  const OutboundRegistration& wanted = *trunk.config().registration;
  const policy::BoardTarget& target = *registration.registrar;
  const Place* const place =
      trunk.rules->places.towards(trunk.side->realm, target.address.address, target.transport);
  if (place == nullptr) return false;
  const OwnNames& names = place->names;
  const bool is_bulk = wanted.mode == RegisterMode::Bulk;
  from_ = "<" + wanted.aor + ">;tag=" + registration.tag;
  to_ = "<" + wanted.aor + ">";
  // In bulk the registrar puts the number before our host. RFC 6140 §5.2
  contact_ = is_bulk ? "<sip:" + names.contact_host + names.contact_params + ";bnc>"
                     : "<sip:" + registration.user + "@" + names.contact_host + names.contact_params + ">";
  lines_ = "Expires: " + std::to_string(seconds_of(registration.machine.lifetime_to_ask())) + "\r\n";
  if (is_bulk) lines_ += "Require: gin\r\nProxy-Require: gin\r\n";
  registration.cseq = next_cseq(registration.cseq, turn.now);
  RequestParts parts;
  parts.method = "REGISTER";
  parts.request_uri = registration.registrar_uri;
  parts.from = from_;
  parts.to = to_;
  parts.call_id = registration.call_id;
  parts.cseq = registration.cseq;
  parts.contact = contact_;
  parts.allow = trunk.side->neighbour.allow;
  parts.wants_supported = true;
  registration.pending = send(trunk, target, {parts, kRegisterPurpose}, turn);
  if (registration.pending == 0) return false;
  registration.machine.on_sent();
  return true;
}

void TrunkEngine::take_register_response(Trunk& trunk, std::uint64_t number, const SipMessage& response,
                                         Turn turn) {
  if (!trunk.registration || trunk.registration->pending != number) return;
  Registration& registration = *trunk.registration;
  registration.pending = 0;
  const std::uint16_t code = response.start.status_code;
  RegisterResult result{.code = code};
  if (code / 100 == 2)
    result.expires_seconds =
        granted_seconds(response, registration.user, seconds_of(registration.machine.lifetime_to_ask()));
  if (code == 423) result.min_expires = number_in(response, HeaderName::MinExpires);
  result.retry_after = number_in(response, HeaderName::RetryAfter);
  on_register_result(trunk, result, turn);
}

void TrunkEngine::on_register_result(Trunk& trunk, const RegisterResult& result, Turn turn) {
  Registration& registration = *trunk.registration;
  switch (registration.machine.on_result(result, chance(), turn.now)) {
    case RegistrationMachine::Next::Again:
      if (!send_register(trunk, turn)) registration.machine.on_none_left(chance(), turn.now);
      break;
    case RegistrationMachine::Next::NextTarget:
      ask(trunk, false, turn);
      break;
    case RegistrationMachine::Next::Nothing:
      break;
  }
  tell_alarms(trunk, turn);
}

RegistrationView TrunkEngine::view_of(const Trunk& trunk, Timestamp now) const {
  const Registration& registration = *trunk.registration;
  const RegistrationMachine& machine = registration.machine;
  RegistrationView shown;
  shown.aor = trunk.config().registration->aor;
  const bool is_alive = machine.is_registered(now);
  const bool is_refreshed = machine.state() == RegistrationState::Asking && is_alive;
  shown.state = is_refreshed ? "registered" : name_of(machine.state(), machine.has_failed());
  if (is_alive) shown.expires_at = machine.expires_at();
  shown.next_at = machine.next_at();
  shown.last_code = machine.last_code();
  if (registration.registrar && is_alive) shown.registrar = to_string(registration.registrar->address);
  return shown;
}

}  // namespace sallyport::sip
