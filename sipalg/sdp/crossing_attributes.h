// crossing_attributes.h — which attributes of an m-line cross from leg to leg, and in which form: RFC 8866 §6
// and the registry of SDP attributes. What is not in the table does not cross.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::sip {

enum class AttributeForm : std::uint8_t {
  Never,         // or written by us: direction, rtcp, rtcp-mux
  FormatMap,     // rtpmap: rebuilt from what was read
  FormatText,    // PT and clean text; only of a format that crosses
  FeedbackText,  // as FormatText, or "*" for all
  Number,        // digits and a point
  Tokens,        // tokens and spaces
  Flag,          // no value, or a token
  Extension,     // extmap of the registered kind
};
[[nodiscard]] AttributeForm form_of_attribute(std::string_view name) noexcept;

// Is this value fit to cross in this form? The payload type in front of FormatText has been taken off.
[[nodiscard]] bool may_cross(AttributeForm form, std::string_view value) noexcept;

// An IPv4 address in dotted form, or what looks like an IPv6 address, anywhere in the text.
[[nodiscard]] bool holds_address(std::string_view text) noexcept;

}  // namespace sallyport::sip
