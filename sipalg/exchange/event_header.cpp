// event_header.cpp — RFC 6665 §8.2.1, §8.2.2, §8.4.
#include "sipalg/exchange/event_header.h"

#include <algorithm>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);

// The value of the only line of that name; nothing when there are several.
std::optional<std::string_view> only_value(const SipMessage& message, HeaderName name) noexcept {
  if (!message.has(name)) return std::string_view{};
  std::optional<std::string_view> found;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    if (message.headers[i].name != name) continue;
    if (found) return std::nullopt;
    found = message.value_of(message.headers[i]);
  }
  return found;
}

}  // namespace

std::optional<std::string_view> event_package(const SipMessage& request) noexcept {
  const auto value = only_value(request, HeaderName::Event);
  if (!value) return std::nullopt;
  if (!request.has(HeaderName::Event)) return std::string_view{};
  Lexer lexer(*value);
  const std::string_view package = lexer.take_while<kToken>();
  lexer.skip_space();
  GenericParam param;
  while (lexer.next_is(';'))
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
  if (package.empty() || !lexer.done()) return std::nullopt;
  return package;
}

std::optional<SubscriptionState> subscription_state(const SipMessage& notify) noexcept {
  const auto value = only_value(notify, HeaderName::SubscriptionState);
  if (!value || value->empty()) return std::nullopt;
  Lexer lexer(*value);
  const std::string_view word = lexer.take_while<kToken>();
  lexer.skip_space();
  SubscriptionState state;
  state.is_terminated = equals_ignoring_case(word, "terminated");
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
    if (equals_ignoring_case(param.name, "expires") && !state.expires)
      state.expires = parse_decimal(param.value, 0xffffffffu);
  }
  if (word.empty() || !lexer.done()) return std::nullopt;
  return state;
}

bool lists_event(const ProfileConfig& profile, std::string_view package) noexcept {
  return std::ranges::any_of(profile.events, [package](const std::string& one) { return one == package; });
}

std::string allow_events(const ProfileConfig& profile) {
  std::string list;
  for (const std::string& package : profile.events) {
    if (!list.empty()) list += ", ";
    list += package;
  }
  return list;
}

}  // namespace sallyport::sip
