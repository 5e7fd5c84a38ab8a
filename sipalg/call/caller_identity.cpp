// caller_identity.cpp — asserted identity out of and into header fields: RFC 3325 §9.1.
#include "sipalg/call/caller_identity.h"

#include <string>

#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);

std::string_view first_value(const SipMessage& message, HeaderName name) noexcept {
  if (!message.has(name)) return {};
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name) return message.value_of(message.headers[i]);
  return {};
}

// The members of a comma-separated list of addresses.
template <class Visit>
void for_each_address(std::string_view list, const StrictnessPolicy& strictness, Visit&& visit) {
  Lexer lexer(list);
  while (true) {
    lexer.skip_space();
    const char* const start = lexer.position();
    NameAddr address;
    if (lexer.done() || !parse_name_addr(lexer, strictness, address)) return;
    visit(std::string_view(start, static_cast<std::size_t>(lexer.position() - start)));
    lexer.skip_space();
    if (!lexer.take(',')) return;
  }
}

std::string rebuilt(std::string_view value, std::string_view number, std::string_view own_host) {
  Lexer lexer(value);
  NameAddr address;
  if (!parse_name_addr(lexer, kForgiving, address)) return {};
  const std::string_view user = number.empty() ? address.uri.user : number;
  if (user.empty()) return {};
  return far_address({.original = &address, .user = user, .host = own_host});
}

}  // namespace

policy::IdentityFacts identity_facts(const SipMessage& request, const StrictnessPolicy& strictness) noexcept {
  policy::IdentityFacts facts;
  const bool is_asserted = request.has(HeaderName::PAssertedIdentity);
  for (std::size_t i = 0; is_asserted && i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != HeaderName::PAssertedIdentity) continue;
    for_each_address(request.value_of(field), strictness,
                     [&facts](std::string_view value) { (void)facts.asserted.push_back(value); });
  }
  facts.preferred = first_value(request, HeaderName::PPreferredIdentity);
  facts.remote_party = first_value(request, HeaderName::RemotePartyId);
  facts.privacy = first_value(request, HeaderName::Privacy);
  return facts;
}

void add_identity(const policy::IdentityDecision& decision, std::string_view identity,
                  std::string_view own_host, std::vector<policy::HeaderEdit>& edits) {
  std::vector<std::string> values;
  for (const std::string_view value : decision.identity) {
    std::string address = rebuilt(value, identity, own_host);
    if (!address.empty()) values.push_back(std::move(address));
  }
  if (!values.empty() && decision.write == IdentitySend::Pai)
    edits.push_back({"P-Asserted-Identity", std::move(values), true});
  else if (!values.empty() && decision.write == IdentitySend::Rpid)
    edits.push_back({"Remote-Party-ID", {values.front() + std::string(decision.remote_party_params)}, true});
  if (!decision.privacy.empty()) edits.push_back({"Privacy", {decision.privacy}, true});
  if (decision.hide_headers)
    for (const char* const name :
         {"Diversion", "History-Info", "Call-Info", "Subject", "Organization", "Reply-To", "In-Reply-To"})
      edits.push_back({name, {}, false});  // RFC 3323 §5.1
}

bool first_address(const SipMessage& message, HeaderName name, NameAddr& out) noexcept {
  const std::string_view value = first_value(message, name);
  if (value.empty()) return false;
  Lexer lexer(value);
  return parse_name_addr(lexer, kForgiving, out);
}

}  // namespace sallyport::sip
