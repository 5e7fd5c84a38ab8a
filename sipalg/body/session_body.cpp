// session_body.cpp — which bodies pass, and descriptions among parts: RFC 3261 §7.4, §20.11, §20.15; threats
// P10.
#include "sipalg/body/session_body.h"

#include "sipalg/body/multipart.h"
#include "sipalg/body/text_output.h"

namespace sallyport::sip {
namespace {

std::string_view value_of(const SipMessage& message, HeaderName name) noexcept {
  if (!message.has(name)) return {};
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name) return message.value_of(message.headers[i]);
  return {};
}

bool is_multipart(const SipMessage& message) noexcept {
  return equals_ignoring_case(message.content_type.type, "multipart");
}

// What is compressed can't be looked into. RFC 3261 §20.12
bool is_encoded(const SipMessage& message) noexcept {
  const std::string_view encoding = value_of(message, HeaderName::ContentEncoding);
  return !encoding.empty() && !equals_ignoring_case(encoding, "identity");
}

bool holds_sdp(Method method) noexcept {
  return method == Method::Invite || method == Method::Ack || method == Method::Prack ||
         method == Method::Update;
}

// The head of the SDP part without Content-Length, which would be wrong of the new SDP, and which the
// boundary makes needless.
void add_sdp_head(TextOutput& out, std::string_view head) noexcept {
  bool is_left_out = false;
  while (!head.empty()) {
    const std::size_t end = head.find('\n');
    const std::string_view line = head.substr(0, end == std::string_view::npos ? end : end + 1);
    head.remove_prefix(line.size());
    const bool continues = line.front() == ' ' || line.front() == '\t';
    if (!continues) {
      const std::string_view name = line.substr(0, line.find_first_of(": \t"));
      is_left_out = equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "l");
    }
    if (!is_left_out) out.add(line);
  }
}

std::string_view between(const char* from, const char* to) noexcept {
  return {from, static_cast<std::size_t>(to - from)};
}

}  // namespace

BodyKind body_kind(const SipMessage& message) noexcept {
  if (message.body.empty()) return BodyKind::None;
  if (is_encoded(message)) return BodyKind::Opaque;
  if (is_sdp(message.content_type)) return BodyKind::Sdp;
  if (!is_multipart(message)) return BodyKind::Opaque;
  const MultipartView view = view_multipart(value_of(message, HeaderName::ContentType), message.body);
  if (!view.is_readable || view.sdp_parts > 1) return BodyKind::Ambiguous;
  return view.sdp_parts == 1 ? BodyKind::MultipartWithSdp : BodyKind::Opaque;
}

std::uint16_t body_verdict(Method method, BodyKind kind) noexcept {
  if (!holds_sdp(method)) return 0;
  if (kind == BodyKind::Ambiguous) return 400;
  return kind == BodyKind::Opaque ? 415 : 0;  // RFC 3261 §8.2.3
}

std::string_view far_content_type(const SipMessage& message) noexcept {
  if (message.body.empty()) return {};
  return is_sdp(message.content_type) ? "application/sdp" : value_of(message, HeaderName::ContentType);
}

std::string_view session_sdp(const SipMessage& message) noexcept {
  if (message.body.empty() || is_encoded(message)) return {};
  if (is_sdp(message.content_type)) return message.body;
  if (!is_multipart(message)) return {};
  const MultipartView view = view_multipart(value_of(message, HeaderName::ContentType), message.body);
  return view.is_readable && view.sdp_parts == 1 ? view.sdp : std::string_view{};
}

std::optional<std::string_view> with_session_sdp(std::span<char> buffer, const SipMessage& message,
                                                 std::string_view sdp) noexcept {
  if (message.body.empty() || is_encoded(message)) return std::nullopt;
  if (is_sdp(message.content_type)) return sdp;
  if (!is_multipart(message)) return std::nullopt;
  const MultipartView view = view_multipart(value_of(message, HeaderName::ContentType), message.body);
  if (!view.is_readable || view.sdp_parts != 1) return std::nullopt;
  TextOutput out(buffer);
  out.add(between(view.whole.data(), view.sdp_head.data()));
  add_sdp_head(out, view.sdp_head);
  out.add(sdp);
  out.add(between(view.sdp.data() + view.sdp.size(), view.whole.data() + view.whole.size()));
  if (!out.fits()) return std::nullopt;
  return out.text();
}

}  // namespace sallyport::sip
