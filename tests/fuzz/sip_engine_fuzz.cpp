// sip_engine_fuzz.cpp — any bytes from a peer into a whole SipEngine: what comes out is well formed and goes
// to the source (RFC 3261 §8.2, §18.2.2). Seeds: tests/fixtures/rfc4475 and rfc5118.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sipalg/message/sip_message.h"
#include "tests/support/engine_fixture.h"

namespace {

using namespace sallyport;

void demand(bool condition) {
  if (!condition) std::abort();
}

// Each line of the head is printable, and an answer to a well-formed request is itself well formed.
void check_answer(std::string_view request, const tests::Answer& answer) {
  static sip::SipMessage message;
  const bool was_good = sip::parse_message(request, {}, message) == sip::ParseStatus::Complete;
  const std::string_view head = std::string_view(answer.bytes).substr(0, answer.bytes.find("\r\n\r\n"));
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto octet = static_cast<unsigned char>(head[i]);
    demand(octet >= 0x20 || octet == '\t' || (octet == '\r' && head[i + 1] == '\n') ||
           (octet == '\n' && head[i - 1] == '\r'));
    demand(octet != '\n' || (head[i + 1] != ' ' && head[i + 1] != '\t'));
  }
  const sip::ParseStatus status = sip::parse_message(answer.bytes, {}, message);
  demand(message.is_response() && message.top_via.answerable);
  demand(!was_good || status == sip::ParseStatus::Complete);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tests::EngineFixture fixture;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  fixture.now += 50ms;
  if (const auto answer = fixture.receive(bytes)) {
    demand(answer->to.address == fixture.input.remote.address);
    check_answer(bytes, *answer);
  }
  sip::EngineOutput out;
  if (const auto deadline = fixture.engine().next_deadline(); deadline && *deadline <= fixture.now)
    fixture.engine().on_deadline(fixture.now, out);
  (void)sip::shard_of_datagram({1, 2}, bytes);
  return 0;
}
