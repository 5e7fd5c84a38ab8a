// response_builder.cpp — responses and where they go: RFC 3261 §8.2.6, §18.2.2; RFC 3581 §4.
#include "sipalg/engine/response_builder.h"

#include <array>
#include <string>

#include "sipalg/call/session_timer.h"
#include "sipalg/engine/sip_engine.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/token/token.h"
#include "sipalg/transaction/field_hash.h"

namespace sallyport::sip {
namespace {

constexpr std::uint16_t kDefaultPort = 5060;
constexpr std::size_t kTagDigits = 32;          // 128 bits in hexadecimal
constexpr std::uint16_t kNobodysPart = 0x7ffb;  // of no call

std::string to_tag(const SipMessage& request, const Endpoint& source, const HashKey& key) noexcept {
  FieldHash fields(key);
  const auto& address = source.address.bytes();
  fields.add({reinterpret_cast<const char*>(address.data()), address.size()});
  fields.add(request.call_id);
  fields.add(request.from.tag);
  fields.add(request.top_via.branch);
  fields.add_number(request.cseq.number);
  fields.add(request.start.method_text);
  const Hash128 hash = fields.finish();
  std::string tag(kTagDigits, '0');
  // Where the INVITE came to its ACK must come as well. RFC 3891
  if (request.start.method == Method::Invite && request.has(HeaderName::Replaces))
    return std::string(view(
        write_token(key, TokenKind::Tag,
                    {.shard = shard_of_request(key, request), .part = kNobodysPart, .number = hash.high})));
  for (std::size_t i = 0; i < kTagDigits; ++i) {
    const std::uint64_t half = i < kTagDigits / 2 ? hash.high : hash.low;
    tag[i] = "0123456789abcdef"[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return tag;
}

// Every Via in its order, each from its pieces, on a line of its own. RFC 3261 §8.2.6.2
void copy_vias(MessageWriter& writer, const SipMessage& request, const StrictnessPolicy& strictness,
               const Endpoint& source) noexcept {
  bool is_top = true;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != HeaderName::Via) continue;
    Lexer lexer(request.value_of(field));
    bool good = true;
    while (good && !lexer.done()) {
      ViaHeader via;
      good = parse_via_parm(lexer, strictness, via);
      if (via.answerable) writer.via(via, is_top ? &source : nullptr);
      is_top = false;
    }
    if (!good) return;
  }
}

void list_unsupported(MessageWriter& writer, const SipMessage& request, OptionTags known) noexcept {
  writer.begin_list(HeaderName::Unsupported);
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != HeaderName::Require && field.name != HeaderName::ProxyRequire) continue;
    (void)for_each_token(request.value_of(field), [&](std::string_view tag) {
      if (!is_among(tag, known)) writer.list_member(tag);
    });
  }
  writer.end_list();
}

bool holds_tag_param(std::string_view value) noexcept {
  constexpr std::string_view kTagParam = "tag=";
  for (; value.size() >= kTagParam.size(); value.remove_prefix(1))
    if (equals_ignoring_case(value.substr(0, kTagParam.size()), kTagParam)) return true;
  return false;
}

// The first From or To, which could not be read. RFC 3261 §8.2.6.2
void echo_address(MessageWriter& writer, const SipMessage& request, HeaderName name,
                  std::string_view tag) noexcept {
  for (std::size_t i = 0; i < request.header_count; ++i) {
    const HeaderField& field = request.headers[i];
    if (field.name != name) continue;
    const std::string_view value = request.value_of(field);
    if (value.empty() || value.size() > kEchoBytesMax) return;
    writer.echo(name, value, holds_tag_param(value) ? std::string_view{} : tag);
    return;
  }
}

// What a status code promises to carry.
void add_headers_of_code(MessageWriter& writer, const SipMessage& request, std::uint16_t code,
                         const Neighbour& neighbour) noexcept {
  switch (code) {
    case 200:  // RFC 3261 §11.2; an empty Supported says that there is no extension, §20.37
      writer.header(HeaderName::Allow, neighbour.allow);
      writer.header(HeaderName::Accept, "application/sdp");
      writer.header(HeaderName::Supported, neighbour.supported);
      return;
    case 405:
      return writer.header(HeaderName::Allow, neighbour.allow);  // RFC 3261 §21.4.6
    case 415:
      return writer.header(HeaderName::Accept, "application/sdp");  // RFC 3261 §21.4.13
    case 422:
      return writer.header(HeaderName::MinSe, std::to_string(kMinSessionSeconds));  // RFC 4028 §5
    case 420:
      return list_unsupported(writer, request, neighbour.options);  // RFC 3261 §21.4.15
    default:
      return;
  }
}

bool may_be_sent_to(const Endpoint& destination) noexcept {
  const IpAddress& address = destination.address;
  return destination.port != 0 && !address.is_multicast() && !address.is_limited_broadcast() &&
         !address.is_unspecified();
}

}  // namespace

std::optional<std::string_view> build_response(std::span<char> buffer, const SipMessage& request,
                                               const ResponseTerms& terms) noexcept {
  MessageWriter writer(buffer);
  terms.phrase.empty() ? writer.status_line(terms.code) : writer.status_line(terms.code, terms.phrase);
  copy_vias(writer, request, terms.neighbour.strictness, terms.source);
  const std::string tag = to_tag(request, terms.source, terms.token_key);
  request.has_from ? writer.address(HeaderName::From, request.from, {})
                   : echo_address(writer, request, HeaderName::From, {});
  request.has_to ? writer.address(HeaderName::To, request.to, tag)
                 : echo_address(writer, request, HeaderName::To, tag);
  if (request.has_call_id) writer.header(HeaderName::CallId, request.call_id);
  if (request.has_cseq) writer.cseq(request.cseq);
  add_headers_of_code(writer, request, terms.code, terms.neighbour);
  if (terms.retry_after != 0)  // RFC 3261 §20.33
    writer.header(HeaderName::RetryAfter, std::to_string(terms.retry_after));
  return writer.finish({});
}

std::optional<Endpoint> response_destination(const ViaHeader& via, const Endpoint& source,
                                             ResponsesTo responses_to, bool nat_auto) noexcept {
  Endpoint destination = source;
  // Deviates: a name in sent-by counts as another address, because it can't be compared without DNS, and what
  // sends from a port nearly always listens on it. RFC 3261 §18.2.2
  const auto differs = [&] { return literal_address(via.sent_by.host) != source.address; };
  const bool to_source =
      via.rport_requested || responses_to == ResponsesTo::Source || (nat_auto && differs());
  if (!to_source) destination.port = via.sent_by.port != 0 ? via.sent_by.port : kDefaultPort;
  return may_be_sent_to(destination) ? std::optional(destination) : std::nullopt;
}

std::optional<Endpoint> stream_response_destination(const ViaHeader& via, const Endpoint& source,
                                                    Transport transport) noexcept {
  const Endpoint destination{source.address,
                             via.sent_by.port != 0 ? via.sent_by.port : default_port(transport)};
  return may_be_sent_to(destination) ? std::optional(destination) : std::nullopt;
}

}  // namespace sallyport::sip
