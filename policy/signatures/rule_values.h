// rule_values.h — what stands behind the colon of an option, read by itself.
#pragma once

#include <string>
#include <string_view>

#include "policy/signatures/rule_text.h"
#include "policy/signatures/signature.h"

namespace sallyport::policy {

// to_server and from_client: a request; to_client and from_server: a response. established and stateless ask
// for nothing: a message is looked at by itself.
[[nodiscard]] Result<SignatureFlow, RuleFault> parse_flow(std::string_view value);
// threshold has a type, detection_filter none.
[[nodiscard]] Result<SignatureThreshold, RuleFault> parse_threshold(std::string_view value, bool has_type);
[[nodiscard]] Result<PcreMatch, RuleFault> parse_pcre(std::string_view value);
[[nodiscard]] Result<ReachMatch, RuleFault> parse_reach(std::string_view value);
// 10, <10, >10, <=10, >=10, 10<>20 (without the ends).
[[nodiscard]] Result<SizeRange, RuleFault> parse_size(std::string_view value, std::string_view name);
// What to write in place of an option that is not taken.
[[nodiscard]] std::string instead_of_option(std::string_view name);

}  // namespace sallyport::policy
