// strictness_policy.h — how much deviation from the grammar of RFC 3261 §25.1 a neighbour is forgiven.
//
// Strictness is a value, not a build option: a Profile names one of three, and every parser is handed the
// same small set of switches, so what is forgiven can be read here and nowhere else.
#pragma once

#include "policy/model/profile.h"

namespace sallyport::sip {

struct StrictnessPolicy {
  bool extra_space_in_start_line =
      false;                           // more than one SP, or SP at the end (RFC 4475 §3.1.2.9, §3.1.2.10)
  bool bare_lf_ends_line = false;      // LF without CR
  bool empty_parameters = false;       // ";;" and a ';' at the end
  bool raw_utf8_display_name = false;  // octets above 127 outside quotes
  bool three_colons_in_ipv6 = false;   // RFC 5118 §4.10
  bool underscore_in_host = false;     // common in private DNS
  bool blank_line_may_be_missing = false;    // a datagram that ends with its last header
  bool cseq_above_31_bits = false;           // RFC 3261 §8.1.1.5 allows less than 2^31
  bool rfc2543_form = false;                 // no From tag, INVITE without Contact (RFC 4475 §3.4.1)
  bool max_forwards_may_be_missing = false;  // RFC 3261 §16.3 lets an element pass such a request

  [[nodiscard]] static constexpr StrictnessPolicy of(Strictness strictness) noexcept {
    StrictnessPolicy policy;
    if (strictness == Strictness::Strict) return policy;
    policy.three_colons_in_ipv6 = true;
    policy.underscore_in_host = true;
    policy.max_forwards_may_be_missing = true;
    if (strictness == Strictness::Normal) return policy;
    policy.extra_space_in_start_line = true;
    policy.bare_lf_ends_line = true;
    policy.empty_parameters = true;
    policy.raw_utf8_display_name = true;
    policy.blank_line_may_be_missing = true;
    policy.cseq_above_31_bits = true;
    policy.rfc2543_form = true;
    return policy;
  }
};

}  // namespace sallyport::sip
