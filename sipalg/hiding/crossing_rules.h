// crossing_rules.h — which header field may cross from one leg to the other, and in which form: RFC 3261 §20,
// RFC 3326, RFC 5393 §5.3.3, RFC 6086 §3, RFC 6442 §4, RFC 6665 §8.2; threats I12.
//
// The whole list is the table in crossing_rules.cpp; what it does not name is Configured.
#pragma once

#include <cstdint>
#include <string_view>

#include "sipalg/message/header_name.h"

namespace sallyport::sip {

enum class CrossingForm : std::uint8_t {
  Never,  // makes up a message, a dialog or a credential: no configuration lets it cross, no edit writes it
  EditOnly,     // identity: written by edits at the trust border, never crosses by itself
  Configured,   // crosses only where headers.pass names it, as one clean value
  Text,         // one clean value
  Token,        // one token
  Number,       // a decimal number below 2^32
  Ranges,       // a list of tokens or media ranges, of their parameters only q
  Package,      // Event: the package and its id
  State,        // Subscription-State: the state, expires, reason, retry-after
  Cause,        // Reason: protocol and cause, without text
  Disposition,  // Content-Disposition: type and handling
  Delay,        // Retry-After: seconds and duration, without comment
  Version,      // MIME-Version: two numbers
  Location,     // Geolocation: references to parts of the body only
  Answer,       // Geolocation-Routing: yes or no
  Session,      // Session-ID: UUIDs of 32 digits, nothing else
  History,      // History-Info: by configuration, each entry rebuilt
  Diversions,   // Diversion: the same
};

struct CrossingRule {
  CrossingForm form = CrossingForm::Configured;
  bool in_requests = false, in_responses = false;  // without configuration

  [[nodiscard]] bool crosses(bool in_request) const noexcept {
    return in_request ? in_requests : in_responses;
  }
};

// `name` is looked at for Other only.
[[nodiscard]] CrossingRule crossing_rule(HeaderName known, std::string_view name) noexcept;

}  // namespace sallyport::sip
