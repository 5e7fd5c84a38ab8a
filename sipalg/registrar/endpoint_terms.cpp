// endpoint_terms.cpp — see endpoint_terms.h.
#include "sipalg/registrar/endpoint_terms.h"

#include <algorithm>

#include "policy/route/dialled.h"
#include "sipalg/message/lexer.h"
#include "sipalg/registrar/aor.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kAnonymousHost = "anonymous.invalid";  // RFC 3323 §4.1.1.3

}  // namespace

std::string_view domain_of_registrar(const RegistrarConfig& registrar, std::string_view host) noexcept {
  for (const std::string& domain : registrar.domains)
    if (equals_ignoring_case(host, domain)) return domain;
  return registrar.domains.empty() ? std::string_view() : std::string_view(registrar.domains.front());
}

SharedValue<Binding> binding_of_sender(const SipMessage& request, const Bindings& registered) {
  if (registered.empty()) return nullptr;
  if (equals_ignoring_case(request.from.uri.address.host, kAnonymousHost)) return registered.front();
  const std::string user = policy::unescaped_user(request.from.uri.user);
  const auto found = std::ranges::find_if(
      registered, [&user](const SharedValue<Binding>& one) { return user_of(one->aor) == user; });
  return found != registered.end() ? *found : nullptr;
}

const RegistrarConfig* terms_of_upstream(const SbcConfig& config, PeerIndex endpoint,
                                         PeerIndex far) noexcept {
  const RegistrarConfig* const registrar = registrar_of(config, endpoint);
  if (registrar == nullptr || registrar->mode != RegistrarMode::PassThrough) return nullptr;
  const std::size_t place = to_position(far);
  const bool is_its = place < config.peers.size() && config.peers[place].name == registrar->upstream;
  return is_its ? registrar : nullptr;
}

}  // namespace sallyport::sip
