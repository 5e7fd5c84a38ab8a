// option_tags.cpp — lists of option tags and methods: RFC 3261 §20.5, §20.32, §20.37.
#include "sipalg/message/option_tags.h"

#include <array>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(OptionTag::kCount)> kNames{
    "100rel", "timer", "replaces", "norefersub"};

// False: a list can't be read.
template <class Visit>
bool for_each_member(const SipMessage& message, HeaderName name, Visit visit) noexcept {
  if (!message.has(name)) return true;
  bool good = true;
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name)
      good = for_each_token(message.value_of(message.headers[i]), visit) && good;
  return good;
}

}  // namespace

std::string_view to_string(OptionTag tag) noexcept { return kNames[static_cast<std::size_t>(tag)]; }

OptionTags option_tags_in(const SipMessage& message, HeaderName name) noexcept {
  OptionTags tags;
  (void)for_each_member(message, name, [&tags](std::string_view token) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
      if (equals_ignoring_case(token, kNames[i])) tags.add(static_cast<OptionTag>(i));
  });
  return tags;
}

bool is_among(std::string_view tag, OptionTags tags) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (tags.has(static_cast<OptionTag>(i)) && equals_ignoring_case(tag, kNames[i])) return true;
  return false;
}

bool requires_more_than(const SipMessage& request, OptionTags known) noexcept {
  bool is_more = false;
  const auto visit = [&](std::string_view token) { is_more = is_more || !is_among(token, known); };
  const bool is_readable = for_each_member(request, HeaderName::Require, visit) &&
                           for_each_member(request, HeaderName::ProxyRequire, visit);
  return is_more || !is_readable;
}

std::string list_of(OptionTags tags) {
  constexpr std::size_t kUsualBytes = 48;
  std::string list;
  list.reserve(kUsualBytes);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!tags.has(static_cast<OptionTag>(i))) continue;
    if (!list.empty()) list += ", ";
    list += kNames[i];
  }
  return list;
}

MethodSet allowed_methods(const SipMessage& message) noexcept {
  MethodSet methods;
  (void)for_each_member(message, HeaderName::Allow,
                        [&methods](std::string_view token) { methods.add(method_of(token)); });
  return methods;
}

}  // namespace sallyport::sip
