// response_head.cpp — what every response repeats of its request: RFC 3261 §8.2.6, §12.1.1, §18.2.1; RFC 3581
// §4.
#include <array>

#include "sipalg/dialog/dialog.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

// Our additions to a head at its limit.
constexpr std::size_t kBytesMax = kHeadBytesMax + 4096;
using HeadBuffer = std::array<char, kBytesMax>;

// Calls visit(value) for each line of that name; stops when it says false, and says so.
template <class Visit>
bool for_each_line(const SipMessage& message, HeaderName name, Visit visit) {
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name && !visit(message.value_of(message.headers[i]))) return false;
  return true;
}

// Every Via in its order, each from its pieces, on a line of its own. RFC 3261 §8.2.6.2
bool write_vias(MessageWriter& writer, const SipMessage& request, const StrictnessPolicy& strictness,
                const Endpoint& source) {
  bool is_top = true;
  return for_each_line(request, HeaderName::Via, [&](std::string_view value) {
    Lexer lexer(value);
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
    Lexer lexer(value);
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
  if (!request.has_from || !request.has_to || !request.has_call_id || !request.has_cseq) return std::nullopt;
  HeadBuffer buffer;
  ResponseHead head;

  MessageWriter before(buffer);
  if (!write_vias(before, request, strictness, source)) return std::nullopt;
  before.address(HeaderName::From, request.from, {});
  if (!before.written()) return std::nullopt;
  head.before_to = *before.written();

  MessageWriter to(buffer);
  to.address(HeaderName::To, request.to, {});
  if (!to.written()) return std::nullopt;
  constexpr std::string_view kName = "To: ", kEnd = "\r\n";
  const std::string_view line = *to.written();
  head.to = line.substr(kName.size(), line.size() - kName.size() - kEnd.size());
  head.to_has_tag = !request.to.tag.empty();

  MessageWriter after(buffer);
  after.header(HeaderName::CallId, request.call_id);
  after.cseq(request.cseq);
  write_timestamp(after, request);
  if (!after.written()) return std::nullopt;
  head.after_to = *after.written();

  if (head.to_has_tag) return head;  // the dialog has its route set. RFC 3261 §12.2
  MessageWriter routes(buffer);
  if (!write_record_routes(routes, request, strictness) || !routes.written()) return std::nullopt;
  head.record_routes = *routes.written();
  return head;
}

}  // namespace sallyport::sip
