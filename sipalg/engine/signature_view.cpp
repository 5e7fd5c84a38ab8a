// signature_view.cpp — see signature_view.h.
#include "sipalg/engine/signature_view.h"

#include <algorithm>
#include <array>

namespace sallyport::sip {
namespace {

using policy::SipBuffer;

// By HeaderName; Message where no rule can ask for the field.
constexpr std::array<SipBuffer, kHeaderNameCount> kBuffers = [] {
  std::array<SipBuffer, kHeaderNameCount> out{};
  const auto set = [&out](HeaderName name, SipBuffer buffer) {
    out[static_cast<std::size_t>(name)] = buffer;
  };
  set(HeaderName::From, SipBuffer::From);
  set(HeaderName::To, SipBuffer::To);
  set(HeaderName::Via, SipBuffer::Via);
  set(HeaderName::UserAgent, SipBuffer::UserAgent);
  set(HeaderName::Contact, SipBuffer::Contact);
  set(HeaderName::ContentType, SipBuffer::ContentType);
  set(HeaderName::ContentLength, SipBuffer::ContentLength);
  set(HeaderName::CallId, SipBuffer::CallId);
  set(HeaderName::CSeq, SipBuffer::CSeq);
  set(HeaderName::Server, SipBuffer::Server);
  set(HeaderName::Subject, SipBuffer::Subject);
  set(HeaderName::Route, SipBuffer::Route);
  set(HeaderName::Authorization, SipBuffer::Authorization);
  set(HeaderName::ProxyAuthorization, SipBuffer::Authorization);
  return out;
}();

// What stands between `from` and the next blank; `from` is left behind that.
[[nodiscard]] std::string_view next_word(std::string_view line, std::size_t& from) noexcept {
  const std::size_t end = std::min(line.find(' ', from), line.size());
  const std::string_view word = line.substr(from, end - from);
  from = std::min(end + 1, line.size());
  return word;
}

// Empty lines may stand before it; it ends in CRLF, or in LF where that is forgiven. RFC 3261 §7, §7.5
[[nodiscard]] std::string_view start_line_of(std::string_view bytes) noexcept {
  while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n')) bytes.remove_prefix(1);
  bytes = bytes.substr(0, bytes.find('\n'));
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  return bytes;
}

}  // namespace

void SignatureView::add(SipBuffer buffer, std::string_view text) noexcept {
  (void)texts_.push_back({buffer, text});  // there is room for all that a message can have
}

void SignatureView::add_start_line(const SipMessage& message) noexcept {
  const std::string_view line = start_line_of(message.bytes);
  std::size_t at = 0;
  if (message.is_request()) {
    add(SipBuffer::RequestLine, line);
    add(SipBuffer::Method, message.start.method_text);
    add(SipBuffer::Uri, message.start.request_uri.text);
    const std::size_t last = line.rfind(' ');
    if (last != std::string_view::npos) add(SipBuffer::Protocol, line.substr(last + 1));
    return;
  }
  add(SipBuffer::ResponseLine, line);
  add(SipBuffer::Protocol, next_word(line, at));
  add(SipBuffer::StatCode, next_word(line, at));
  add(SipBuffer::StatMsg, message.start.reason);
}

policy::ScannedMessage SignatureView::look_at(const MessageInput& input, const SipMessage& message) noexcept {
  texts_.clear();
  add_start_line(message);
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const HeaderField& field = message.headers[i];
    const SipBuffer buffer = kBuffers[static_cast<std::size_t>(field.name)];
    if (buffer != SipBuffer::Message) add(buffer, message.value_of(field));
  }
  if (!message.body.empty()) add(SipBuffer::Body, message.body);
  policy::ScannedMessage view;
  view.source = input.remote;
  view.destination = input.local;
  view.transport = input.transport;
  view.is_stranger = input.trust < TrustClass::Trusted;
  view.is_request = message.is_request();
  view.bytes = message.bytes;
  // Of a request within a dialog this is the Contact of the one who is to get it.
  const Uri& uri = message.start.request_uri;
  view.callee = !view.is_request ? std::string_view() : uri.user.empty() ? uri.text : uri.user;
  view.texts = {texts_.begin(), texts_.size()};
  return view;
}

}  // namespace sallyport::sip
