// stun_message_fuzz.cpp — any octets as a STUN message: nothing is read behind the end; what is answered is a
// sound message of its own, never much longer than what was asked, and the same question has the same answer.
#include <array>
#include <cstdint>
#include <vector>

#include "media-relay/wire/stun_message.h"
#include "tests/fuzz/program.h"

using namespace sallyport;
using namespace sallyport::media;
using sallyport::test::require;

namespace {

constexpr std::size_t kFingerprintBytes = 8;

// Attributes fill it to the end; a fingerprint is right and the last.
void require_sound(std::span<const std::uint8_t> answer, const StunRequest& request) {
  require(is_stun(answer) && answer.size() % 4 == 0);
  require(read_u16(answer.data() + 2) == answer.size() - kStunHeaderBytes);
  require(std::equal(request.transaction.begin(), request.transaction.end(), answer.begin() + 8));
  std::size_t at = kStunHeaderBytes;
  bool has_fingerprint = false;
  while (at < answer.size()) {
    require(!has_fingerprint && answer.size() - at >= 4);
    const std::size_t length = (read_u16(answer.data() + at + 2) + std::size_t{3}) & ~std::size_t{3};
    has_fingerprint = read_u16(answer.data() + at) == 0x8028;
    if (has_fingerprint) require(read_u32(answer.data() + at + 4) == stun_fingerprint(answer.first(at)));
    at += 4 + length;
  }
  require(at == answer.size() && has_fingerprint == request.has_fingerprint);
}

void answer(const StunRequest& request, const Endpoint& source, std::size_t asked) {
  std::array<std::uint8_t, kStunAnswerMax> out{}, again{};
  const std::size_t size = write_binding_answer(request, source, out);
  require(size <= out.size() && size == write_binding_answer(request, source, again) && out == again);
  const std::size_t marked = request.has_fingerprint ? kFingerprintBytes : 0;
  const std::size_t address = source.address.is_v4() ? 12 : 24;
  require(size <= std::max(asked + 16, kStunHeaderBytes + address + marked));
  require_sound({out.data(), size}, request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> message(bytes, bytes + size);  // its end is the end of a heap block
  (void)parse_binding_request(message);
  if (size < kStunHeaderBytes) return 0;
  // The rare hits of chance are made here: cookie, type and length; and the fingerprint, where one stands.
  write_u16(message.data(), 1);
  write_u16(message.data() + 2, static_cast<std::uint16_t>(size - kStunHeaderBytes));
  write_u32(message.data() + 4, kStunCookie);
  if (size >= kStunHeaderBytes + kFingerprintBytes && read_u32(message.data() + size - 8) == 0x80280004)
    write_u32(message.data() + size - 4, stun_fingerprint({message.data(), size - kFingerprintBytes}));
  const auto request = parse_binding_request(message);
  if (!request) return 0;
  answer(*request, {IpAddress::v4(0xc0000201), 32853}, size);
  answer(*request, {*IpAddress::parse("2001:db8::1"), 32853}, size);
  return 0;
}
