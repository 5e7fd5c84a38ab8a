// sip_message_fuzz.cpp — any bytes into the SIP parser, in every strictness and framing: RFC 3261 §7, §25.1.
// Seeds: tests/fixtures/rfc4475 and rfc5118.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sipalg/message/sip_message.h"

namespace {

using namespace sallyport::sip;
using sallyport::Strictness;

void demand(bool condition) {
  if (!condition) std::abort();
}

void check(std::string_view bytes, Strictness strictness, Framing framing, SipMessage& message) {
  const ParseStatus status = parse_message(bytes, {StrictnessPolicy::of(strictness), framing}, message);
  demand((status == ParseStatus::Malformed) == (message.error.rule != GrammarRule::None) ||
         status == ParseStatus::Incomplete);
  demand(message.error.offset <= bytes.size());
  demand(message.consumed <= bytes.size());
  demand(framing == Framing::Stream || status != ParseStatus::Incomplete);
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const HeaderField& field = message.headers[i];
    demand(field.value_offset + field.value_size <= bytes.size());
    demand(header_name_of(message.name_of(field)) == field.name);
  }
  if (status != ParseStatus::Complete) return;
  demand(message.is_request() || message.is_response());
  demand(message.top_via.answerable && message.has_from && message.has_to);
  demand(message.cseq.number <= 0x7fffffffu || strictness == Strictness::Lenient);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static SipMessage message;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes, Strictness::Normal, Framing::Datagram, message);
  // The rarer modes take turns, so that a run stays short.
  switch (size % 4) {
    case 0:
      check(bytes, Strictness::Strict, Framing::Datagram, message);
      break;
    case 1:
      check(bytes, Strictness::Lenient, Framing::Datagram, message);
      break;
    case 2:
      check(bytes, Strictness::Normal, Framing::Stream, message);
      break;
    default:
      check(bytes, Strictness::Lenient, Framing::Stream, message);
      break;
  }
  return 0;
}
