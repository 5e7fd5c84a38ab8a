// mask_numbers.h — hides telephone numbers and user names in log lines (management.log.mask_numbers).
//
// `last4` hides the last four characters of a number or user and keeps what says where it belongs (country,
// area); `all` hides it whole, its length too. Addresses are never masked.
#pragma once

#include <string>
#include <string_view>

#include "policy/model/management.h"

namespace sallyport::mgmt {

// One number or the user part of a URI, nothing around it.
[[nodiscard]] std::string mask_number(std::string_view number, NumberMask mask);
// Text that may contain sip:, sips: and tel: URIs (RFC 3261 §19.1, RFC 3966) and bare numbers of seven
// digits and more: each user part and number in it is masked, hosts and addresses stay.
[[nodiscard]] std::string mask_text(std::string_view text, NumberMask mask);

}  // namespace sallyport::mgmt
