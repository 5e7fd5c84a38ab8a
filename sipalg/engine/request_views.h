// request_views.h — what routes, rules and targets look at in a message, taken out of it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "policy/route/route_request.h"
#include "policy/route/rule_set.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/name_addr.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Every header field under its long name; the views live as long as the message.
void list_headers(const SipMessage& message, std::vector<policy::HeaderView>& views);
// The number in the first address of that header field, unescaped; empty: there is none.
[[nodiscard]] std::string number_of(const SipMessage& message, HeaderName name);
// What rules and routes go by; `called` is the number that is called, unescaped. With `headers` every header
// field too, as views that lie there.
[[nodiscard]] policy::RuleSubject subject_of(const SipMessage& request, std::string called,
                                             std::vector<policy::HeaderView>* headers);
// The first value of Contact that `is_it` says yes to; false: there is none, or the field can't be read so
// far. RFC 3261 §10.2.4
template <class IsIt>
[[nodiscard]] bool find_contact(const SipMessage& response, IsIt is_it, NameAddr& out) noexcept {
  for (std::size_t i = 0; i < response.header_count; ++i) {
    if (response.headers[i].name != HeaderName::Contact) continue;
    Lexer lexer(response.value_of(response.headers[i]));
    do {
      lexer.skip_space();
      if (lexer.done() || !parse_name_addr(lexer, StrictnessPolicy::of(Strictness::Lenient), out)) break;
      if (is_it(out)) return true;
      lexer.skip_space();
    } while (lexer.take(','));
  }
  return false;
}
// Seconds of Retry-After, whatever comment or parameters stand behind them; a day at the most.
// RFC 3261 §20.33
[[nodiscard]] std::optional<std::chrono::seconds> retry_after_of(const SipMessage& response) noexcept;

}  // namespace sallyport::sip
