// sdes_fuzz.cpp — any octets as the lines of an m-line: what is usable is written again and read back the
// same; a tag stands for one line only, a key is as long as its suite's, and a line with a fault leaves no
// key behind.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sipalg/body/text_output.h"
#include "sipalg/sdp/sdes_attribute.h"

using namespace sallyport;
using namespace sallyport::sip;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const media::SrtpKey& a, const media::SrtpKey& b) {
  return a.suite == b.suite && a.key == b.key && a.salt == b.salt && a.mki == b.mki &&
         a.mki_bytes == b.mki_bytes && a.packets_max == b.packets_max;
}

void require_repeatable(const SdesAttribute& attribute) {
  std::array<char, kSdesTextMax> room;
  TextOutput out(room);
  write_sdes(attribute.tag, *attribute.key, out);
  require(out.fits() && out.text().starts_with("a=crypto:") && out.text().ends_with("\r\n"));
  SdesAttribute again;
  require(parse_sdes(out.text().substr(9, out.text().size() - 11), again) == SdesFault::None);
  require(again.tag == attribute.tag && same(*again.key, *attribute.key));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(octets), size);
  SdesLines lines;
  read_sdes(text, lines);
  require(lines.any() == (!lines.usable.empty() || lines.unusable != 0));
  for (const SdesAttribute& attribute : lines.usable) {
    require_repeatable(attribute);
    require(std::count_if(lines.usable.begin(), lines.usable.end(),
                          [&](const SdesAttribute& other) { return other.tag == attribute.tag; }) == 1);
    require(match_sdes(lines, {&attribute, 1}) == nullptr || lines.usable.size() == 1);
    require(choose_sdes(lines, {&attribute.key->suite, 1}) != nullptr);
  }
  SdesAttribute attribute;
  if (parse_sdes(text, attribute) == SdesFault::None) {
    require_repeatable(attribute);
  } else {
    require(std::ranges::all_of(attribute.key->key, [](std::uint8_t octet) { return octet == 0; }));
    require(std::ranges::all_of(attribute.key->salt, [](std::uint8_t octet) { return octet == 0; }));
  }
  return 0;
}
