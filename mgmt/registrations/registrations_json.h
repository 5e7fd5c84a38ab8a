// registrations_json.h — registered endpoints as JSON: what the control socket and REST answer.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mgmt/registrations/registration_pages.h"

namespace sallyport::mgmt {

// {"registrations":[{"aor","registrar","contact","remote","local","transport","nat","since","expires",
//   "expires_in_s","inside_expires","user_agent"}],"active":N,"next":"cursor" or null}
// What is not known is null. `expires` is towards the endpoint, `inside_expires` at the upstream.
[[nodiscard]] nlohmann::ordered_json registrations_json(const RegistrationPage& page, std::uint64_t active);

}  // namespace sallyport::mgmt
