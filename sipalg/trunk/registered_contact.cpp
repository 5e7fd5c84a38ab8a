// registered_contact.cpp — tokens of registrations, and the way back from them to numbers.
#include "sipalg/trunk/registered_contact.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr std::string_view kCalledParty = "p-called-party-id";

// RFC 7315 §4.2
std::string_view called_party(const SipMessage& request) noexcept {
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != HeaderName::Other || !equals_ignoring_case(request.name_of(field), kCalledParty))
      continue;
    Lexer lexer(request.value_of(field));
    NameAddr address;
    if (parse_name_addr(lexer, kForgiving, address)) return address.uri.user;
  }
  return {};
}

}  // namespace

std::uint64_t registration_number(const HashKey& token_key, const PeerConfig& peer) noexcept {
  return keyed_hash(token_key, "registration at " + peer.name);
}

TokenText registered_user(const HashKey& token_key, const PeerConfig& peer) noexcept {
  return write_token(token_key, TokenKind::Contact,
                     {.shard = 0, .part = kRegistrationPart, .number = registration_number(token_key, peer)});
}

std::string_view user_of_aor(std::string_view aor) noexcept {
  Lexer lexer(aor);
  Uri uri;
  return parse_uri(lexer, kForgiving, uri) ? uri.user : std::string_view{};
}

RegisteredContacts::RegisteredContacts(const SbcConfig& config, const HashKey& token_key) : key_(token_key) {
  for (const PeerConfig& peer : config.peers)
    if (!peer.is_retired && peer.registration && peer.registration->mode == RegisterMode::Single)
      entries_.push_back(
          {registration_number(token_key, peer), std::string(user_of_aor(peer.registration->aor))});
}

std::string_view RegisteredContacts::called_user(const SipMessage& request) const noexcept {
  const std::string_view user = request.start.request_uri.user;
  if (entries_.empty() || user.size() != kTokenChars) return user;
  const auto token = read_token(key_, TokenKind::Contact, user);
  if (!token || token->part != kRegistrationPart) return user;
  const auto entry = std::ranges::find(entries_, token->number, &Entry::number);
  if (entry == entries_.end()) return user;
  if (const std::string_view dialled = called_party(request); !dialled.empty()) return dialled;
  const std::string_view to = request.to.uri.user;
  return to.empty() || to == user ? std::string_view(entry->aor_user) : to;
}

}  // namespace sallyport::sip
