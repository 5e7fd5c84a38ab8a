// derived_request.cpp — RFC 3261 §17.1.1.3, §9.1.
#include "sipalg/transaction/derived_request.h"

#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

std::optional<std::string_view> build(std::span<char> buffer, const SipMessage& invite, Method method,
                                      const NameAddr& to) noexcept {
  const std::string_view name = kMethodNames[static_cast<std::size_t>(method)];
  MessageWriter writer(buffer);
  writer.request_line(name, invite.start.request_uri.text);
  writer.via(invite.top_via, nullptr);  // only the top one, with its branch. RFC 3261 §9.1, §17.1.1.3
  writer.header(HeaderName::MaxForwards, "70");
  for (std::size_t i = 0; i < invite.header_count; ++i)
    if (invite.headers[i].name == HeaderName::Route)
      writer.header(HeaderName::Route, invite.value_of(invite.headers[i]));  // RFC 3261 §9.1, §17.1.1.3
  writer.address(HeaderName::From, invite.from, {});
  writer.address(HeaderName::To, to, {});
  writer.header(HeaderName::CallId, invite.call_id);
  CSeqHeader cseq = invite.cseq;
  cseq.method = name;
  writer.cseq(cseq);
  return writer.finish({});
}

}  // namespace

std::optional<std::string_view> build_ack(std::span<char> buffer, const SipMessage& invite,
                                          const NameAddr& to) noexcept {
  return build(buffer, invite, Method::Ack, to);
}

std::optional<std::string_view> build_cancel(std::span<char> buffer, const SipMessage& invite) noexcept {
  return build(buffer, invite, Method::Cancel, invite.to);
}

}  // namespace sallyport::sip
