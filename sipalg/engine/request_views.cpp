// request_views.cpp — see request_views.h.
#include "sipalg/engine/request_views.h"

#include <utility>

#include "policy/route/dialled.h"
#include "sipalg/call/caller_identity.h"

namespace sallyport::sip {

void list_headers(const SipMessage& message, std::vector<policy::HeaderView>& views) {
  views.clear();
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const HeaderField& field = message.headers[i];
    const std::string_view known = to_string(field.name);
    views.push_back({known.empty() ? message.name_of(field) : known, message.value_of(field)});
  }
}

std::string number_of(const SipMessage& message, HeaderName name) {
  NameAddr address;
  return first_address(message, name, address) ? policy::unescaped_user(address.uri.user) : std::string();
}

policy::RuleSubject subject_of(const SipMessage& request, std::string called,
                               std::vector<policy::HeaderView>* headers) {
  policy::RuleSubject subject;
  subject.called = std::move(called);
  subject.caller = policy::unescaped_user(request.from.uri.user);
  if (request.has(HeaderName::PAssertedIdentity))
    subject.identity = number_of(request, HeaderName::PAssertedIdentity);
  if (request.has(HeaderName::Diversion)) subject.diversion = number_of(request, HeaderName::Diversion);
  subject.method = request.start.method_text;
  if (headers != nullptr) {
    list_headers(request, *headers);
    subject.headers = *headers;
  }
  return subject;
}

std::optional<std::chrono::seconds> retry_after_of(const SipMessage& response) noexcept {
  constexpr std::uint32_t kLongest = 86'400;
  for (std::size_t i = 0; i < response.header_count; ++i) {
    if (response.headers[i].name != HeaderName::RetryAfter) continue;
    const std::string_view value = response.value_of(response.headers[i]);
    const auto seconds = parse_decimal(value.substr(0, value.find_first_not_of("0123456789")), kLongest);
    return seconds ? std::optional(std::chrono::seconds(*seconds)) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sallyport::sip
