// endpoint_terms.h — what holds for endpoints that register here when they send and get requests that are no
// calls: under which names they speak, under which they are known, and where their credentials may go. RFC
// 3261 §10, §22; threats I3, I4.
#pragma once

#include <string>
#include <string_view>

#include "policy/model/sbc_config.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/registrar/binding_board.h"

namespace sallyport::sip {

// The domain of the registrar that the host names; the first one when it names none of them.
[[nodiscard]] std::string_view domain_of_registrar(const RegistrarConfig& registrar,
                                                   std::string_view host) noexcept;
// Of what is registered where the request came from, the one under whose name it speaks; null: none. The
// first one for a caller that does not say its name.
[[nodiscard]] SharedValue<Binding> binding_of_sender(const SipMessage& request, const Bindings& registered);
// The registrar whose endpoint speaks to its own upstream; null: it is not so.
[[nodiscard]] const RegistrarConfig* terms_of_upstream(const SbcConfig& config, PeerIndex endpoint,
                                                       PeerIndex far) noexcept;

}  // namespace sallyport::sip
