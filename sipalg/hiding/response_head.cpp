// response_head.cpp — what every response repeats of its request: RFC 3261 §8.2.6, §12.1.1, §18.2.1; RFC 3581
// §4.
#include <array>
#include <utility>

#include "sipalg/dialog/dialog.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

// Our additions to a head at its limit.
constexpr std::size_t kBytesMax = kHeadBytesMax + 4096;
using HeadBuffer = std::array<char, kBytesMax>;
static_assert(kBytesMax <= 0xffff);  // places in it are 16 bits

// Calls visit(value) for each line of that name; stops when it says false, and says so.
template <class Visit>
bool for_each_line(const SipMessage& message, HeaderName name, Visit visit) {
  if (!message.has(name)) return true;
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name && !visit(message.value_of(message.headers[i]))) return false;
  return true;
}

// The whole message may be loaded, whichever piece is looked at.
Lexer lexer_of(const SipMessage& message, std::string_view value) noexcept {
  return Lexer(value, message.bytes.data() + message.bytes.size());
}

// Every Via in its order, each from its pieces, on a line of its own. RFC 3261 §8.2.6.2
bool write_vias(MessageWriter& writer, const SipMessage& request, const StrictnessPolicy& strictness,
                const Endpoint& source) {
  if (request.via_count == 1 && request.error.rule == GrammarRule::None) {  // read already
    writer.via(request.top_via, &source);
    return true;
  }
  bool is_top = true;
  return for_each_line(request, HeaderName::Via, [&](std::string_view value) {
    Lexer lexer = lexer_of(request, value);
    while (!lexer.done()) {
      ViaHeader via;
      if (!parse_via_parm(lexer, strictness, via)) return false;
      writer.via(via, is_top ? &source : nullptr);
      is_top = false;
    }
    return true;
  });
}

bool write_record_routes(MessageWriter& writer, const SipMessage& request,
                         const StrictnessPolicy& strictness) {
  std::size_t count = 0;
  return for_each_line(request, HeaderName::RecordRoute, [&](std::string_view value) {
    Lexer lexer = lexer_of(request, value);
    do {
      NameAddr route;
      if (!parse_name_addr(lexer, strictness, route) || ++count > kRoutesMax) return false;
      writer.address(HeaderName::RecordRoute, route, {});
    } while (lexer.take(','));
    return true;
  });
}

// Digits, a point and spaces: Timestamp comes back in a 100. RFC 3261 §8.2.6.1
void write_timestamp(MessageWriter& writer, const SipMessage& request) {
  (void)for_each_line(request, HeaderName::Timestamp, [&](std::string_view value) {
    if (!value.empty() && value.size() <= 32 &&
        value.find_first_not_of("0123456789. ") == std::string_view::npos)
      writer.header(HeaderName::Timestamp, value);
    return false;  // one is enough
  });
}

}  // namespace

std::optional<ResponseHead> response_head(const SipMessage& request, const StrictnessPolicy& strictness,
                                          const Endpoint& source) {
  std::optional<ResponseHead> head(std::in_place);
  if (!set_response_head(*head, request, strictness, source)) head.reset();
  return head;
}

bool set_response_head(ResponseHead& head, const SipMessage& request, const StrictnessPolicy& strictness,
                       const Endpoint& source) {
  if (!request.has_from || !request.has_to || !request.has_call_id || !request.has_cseq) return false;
  HeadBuffer buffer;
  MessageWriter writer(buffer);
  const auto place = [&writer] { return writer.written().value_or(std::string_view{}).size(); };
  if (!write_vias(writer, request, strictness, source)) return false;
  writer.address(HeaderName::From, request.from, {});

  constexpr std::string_view kName = "To: ", kEnd = "\r\n";
  const std::size_t to = place() + kName.size();
  writer.address(HeaderName::To, request.to, {});
  const std::size_t to_end = place() - kEnd.size();
  const bool to_has_tag = !request.to.tag.empty();

  writer.header(HeaderName::CallId, request.call_id);
  writer.cseq(request.cseq);
  write_timestamp(writer, request);
  const std::size_t routes = place();
  // In a dialog its route set is known. RFC 3261 §12.2
  if (!to_has_tag && !write_record_routes(writer, request, strictness)) return false;
  if (!writer.written()) return false;
  set_text(head.lines_, *writer.written());
  head.to_ = static_cast<std::uint16_t>(to);
  head.to_end_ = static_cast<std::uint16_t>(to_end);
  head.routes_ = static_cast<std::uint16_t>(routes);
  head.to_has_tag_ = to_has_tag;
  return true;
}

}  // namespace sallyport::sip
