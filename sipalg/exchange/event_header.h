// event_header.h — which event package a request is about, and how long a subscription still lasts: Event,
// Subscription-State and Allow-Events. RFC 6665 §8.2, §8.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/model/profile.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Those that say what they are about in Event.
[[nodiscard]] constexpr bool has_package(Method method) noexcept {
  return method == Method::Subscribe || method == Method::Notify || method == Method::Publish;
}
// Empty: the request has no Event. Nothing: it has several, or one that can't be read. RFC 6665 §8.2.1
[[nodiscard]] std::optional<std::string_view> event_package(const SipMessage& request) noexcept;

struct SubscriptionState {
  bool is_terminated = false;
  std::optional<std::uint32_t> expires;  // seconds
};
// Of a NOTIFY; nothing: it has none, several, or one that can't be read. RFC 6665 §8.4
[[nodiscard]] std::optional<SubscriptionState> subscription_state(const SipMessage& notify) noexcept;

// Compared octet by octet. RFC 6665 §8.2.1
[[nodiscard]] bool lists_event(const ProfileConfig& profile, std::string_view package) noexcept;
// The packages of the profile as a header field value. RFC 6665 §8.2.2
[[nodiscard]] std::string allow_events(const ProfileConfig& profile);

}  // namespace sallyport::sip
