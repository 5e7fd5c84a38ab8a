// dtmf_info_fuzz.cpp — bodies of INFO of strangers: nothing is read behind the end, a digit is a key, and
// written again it reads the same.
#include <cstdint>
#include <string_view>

#include "sipalg/body/dtmf_info.h"
#include "tests/fuzz/program.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace sallyport;
  const std::string_view body(reinterpret_cast<const char*>(bytes), size);
  for (const auto& digit : {sip::read_dtmf_relay(body), sip::read_dtmf_digit(body)}) {
    if (!digit) continue;
    test::require(digit->event <= media::kFlashEvent);
    std::array<char, sip::kDtmfBodyMax> room;
    test::require(sip::read_dtmf_relay(sip::write_dtmf_relay(room, *digit)) == digit);
  }
  return 0;
}
