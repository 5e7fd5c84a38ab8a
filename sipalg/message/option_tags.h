// option_tags.h — the extensions that we know by their option tags, and what messages say of them: RFC 3261
// §8.2.2.3, §19.2, §20.32, §20.37; RFC 3262, RFC 3891, RFC 4028, RFC 4488.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

enum class OptionTag : std::uint8_t { Rel100, Timer, Replaces, NoReferSub, kCount };
[[nodiscard]] std::string_view to_string(OptionTag tag) noexcept;

class OptionTags {
 public:
  constexpr OptionTags() noexcept = default;
  constexpr OptionTags(std::initializer_list<OptionTag> tags) noexcept {
    for (const OptionTag tag : tags) add(tag);
  }
  constexpr void add(OptionTag tag) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | bit(tag)); }
  constexpr void remove(OptionTag tag) noexcept { bits_ = static_cast<std::uint8_t>(bits_ & ~bit(tag)); }
  [[nodiscard]] constexpr bool has(OptionTag tag) const noexcept { return (bits_ & bit(tag)) != 0; }
  friend constexpr bool operator==(const OptionTags&, const OptionTags&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(bits_);
  }

 private:
  [[nodiscard]] static constexpr unsigned bit(OptionTag tag) noexcept {
    return 1u << static_cast<unsigned>(tag);
  }
  std::uint8_t bits_ = 0;
};

// Of all lines of that name; tags that we don't know are left out.
[[nodiscard]] OptionTags option_tags_in(const SipMessage& message, HeaderName name) noexcept;
// Require or Proxy-Require names one that is not in `known`, or can't be read. RFC 3261 §8.2.2.3
[[nodiscard]] bool requires_more_than(const SipMessage& request, OptionTags known) noexcept;
// Without regard to case.
[[nodiscard]] bool is_among(std::string_view tag, OptionTags tags) noexcept;
// As a value of Supported: "100rel, timer".
[[nodiscard]] std::string list_of(OptionTags tags);

// A set of methods; empty where nothing was said. RFC 3261 §20.5
class MethodSet {
 public:
  constexpr void add(Method method) noexcept { bits_ = static_cast<std::uint16_t>(bits_ | bit(method)); }
  [[nodiscard]] constexpr bool has(Method method) const noexcept { return (bits_ & bit(method)) != 0; }
  [[nodiscard]] constexpr bool is_empty() const noexcept { return bits_ == 0; }
  template <class Archive>
  void archive(Archive& a) {
    a(bits_);
  }

 private:
  [[nodiscard]] static constexpr unsigned bit(Method method) noexcept {
    return 1u << static_cast<unsigned>(method);
  }
  std::uint16_t bits_ = 0;
};
// Of Allow.
[[nodiscard]] MethodSet allowed_methods(const SipMessage& message) noexcept;

}  // namespace sallyport::sip
