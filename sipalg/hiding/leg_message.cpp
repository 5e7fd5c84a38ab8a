// leg_message.cpp — requests and responses of one leg: RFC 3261 §7, §8.1.1, §8.2.6, §12.2.1, §18.1.1, RFC
// 3581.
#include "sipalg/hiding/leg_message.h"

#include <array>
#include <charconv>

#include "sipalg/hiding/crossing_value.h"
#include "sipalg/hiding/crossing_writer.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

class Decimal {
 public:
  explicit Decimal(std::uint32_t value) noexcept
      : end_(std::to_chars(digits_.data(), digits_.data() + digits_.size(), value).ptr) {}
  Decimal(const Decimal&) = delete;
  Decimal& operator=(const Decimal&) = delete;
  [[nodiscard]] std::string_view text() const noexcept {
    return {digits_.data(), static_cast<std::size_t>(end_ - digits_.data())};
  }

 private:
  std::array<char, 10> digits_;
  const char* end_;
};

void write_if(MessageWriter& writer, HeaderName name, std::string_view value) noexcept {
  if (!value.empty()) writer.header(name, value);
}

// Content-Type and the end. A head that is longer than we ourselves would take is not sent.
std::optional<std::string_view> finish(MessageWriter& writer, const BodyPart& body) noexcept {
  if (!body.bytes.empty() && !body.content_type.empty()) {
    ValueBuffer buffer;
    const auto type = content_type_value(body.content_type, buffer);
    if (!type) return std::nullopt;
    writer.header(HeaderName::ContentType, *type);
  }
  const auto message = writer.finish(body.bytes);
  if (!message || message->size() - body.bytes.size() > kHeadBytesMax) return std::nullopt;
  return message;
}

}  // namespace

std::optional<std::string_view> write_request(std::span<char> buffer, const RequestParts& parts) noexcept {
  if (parts.method.empty() || parts.request_uri.empty() || parts.from.empty() || parts.to.empty() ||
      parts.call_id.empty())
    return std::nullopt;
  MessageWriter writer(buffer);
  const OwnNames& own = *parts.own;
  writer.request_line(parts.method, parts.request_uri);
  // rport: the answer comes back through whatever NAT we are behind. RFC 3581 §3
  writer.header(HeaderName::Via, {own.via_start, parts.branch, ";rport"});
  writer.header(HeaderName::MaxForwards, Decimal(parts.max_forwards).text());
  for (const std::string& route : parts.routes) writer.header(HeaderName::Route, route);
  writer.header(HeaderName::From, parts.from);
  writer.header(HeaderName::To, parts.to);
  writer.header(HeaderName::CallId, parts.call_id);
  writer.header(HeaderName::CSeq, {Decimal(parts.cseq).text(), " ", parts.method});
  writer.lines(parts.own_lines);
  write_if(writer, HeaderName::Contact, parts.contact);
  write_if(writer, HeaderName::Allow, parts.allow);
  if (parts.wants_supported) writer.header(HeaderName::Supported, parts.supported);  // RFC 3261 §20.37
  writer.lines(parts.extension_lines);
  writer.lines(parts.session_id);
  write_crossing(writer, parts.crossing,
                 {.in_request = true,
                  .has_body = !parts.body.bytes.empty(),
                  .has_session_id = !parts.session_id.empty(),
                  .host = own.uri_host});
  return finish(writer, parts.body);
}

std::optional<std::string_view> write_response(std::span<char> buffer, const ResponseParts& parts) noexcept {
  MessageWriter writer(buffer);
  const ResponseHead& head = *parts.head;
  writer.status_line(parts.code);
  writer.lines(head.up_to_to());
  if (!head.to_has_tag() && !parts.to_tag.empty()) {  // RFC 3261 §8.2.6.2
    writer.lines(";tag=");
    writer.lines(parts.to_tag);
  }
  writer.lines(head.after_to());
  if (parts.makes_dialog) writer.lines(head.record_routes());  // RFC 3261 §12.1.1
  write_if(writer, HeaderName::Contact, parts.contact);
  write_if(writer, HeaderName::Contact, parts.redirect_contact);
  write_if(writer, HeaderName::Allow, parts.allow);
  const bool is_success = parts.code / 100 == 2;
  // With Allow goes what is supported. RFC 3261 §11.2, §13.3.1.4, §20.37
  if (is_success && !parts.allow.empty()) writer.header(HeaderName::Supported, parts.supported);
  write_if(writer, HeaderName::Accept, parts.accept);
  write_if(writer, HeaderName::Warning, parts.warning);
  writer.lines(parts.own_lines);
  writer.lines(parts.session_id);
  if (parts.retry_after != 0) writer.header(HeaderName::RetryAfter, Decimal(parts.retry_after).text());
  write_crossing(writer, parts.crossing,
                 {.in_request = false,
                  .has_body = !parts.body.bytes.empty(),
                  .has_accept = !parts.accept.empty(),
                  .has_retry_after = parts.retry_after != 0,
                  .has_session_id = !parts.session_id.empty(),
                  .host = parts.own_host});
  return finish(writer, parts.body);
}

}  // namespace sallyport::sip
