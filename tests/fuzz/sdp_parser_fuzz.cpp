// sdp_parser_fuzz.cpp — session descriptions of strangers: nothing is read beyond the text, what we write of
// them we can read, and writing that again changes nothing.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/base/check.h"
#include "sipalg/sdp/sdp_parser.h"
#include "sipalg/sdp/sdp_writer.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

// All lines live, all formats in their order.
FarDescription whole(const SessionDescription& description) {
  FarDescription far;
  far.shown = IpAddress::v4(0xcb007101);
  for (const MediaDescription& line : description.media) {
    FarMedia media;
    media.is_live = true;
    media.shown = {far.shown, 20000};
    media.direction = line.direction;
    media.rtcp_mux = line.rtcp_mux;
    media.profile = line.profile;
    for (std::size_t i = 0; i < line.formats.size(); ++i)
      media.formats[media.format_count++] = static_cast<std::uint8_t>(i);
    SALLYPORT_CHECK(far.media.push_back(media));
  }
  return far;
}

std::string written(const SessionDescription& description) {
  std::vector<char> room(1u << 18);
  SdpIdentity identity{1, 0, 0};
  const auto text = write_description(room, description, whole(description), identity);
  SALLYPORT_CHECK(text.has_value());
  return std::string(*text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > (1u << 16)) return 0;
  // Of exactly this size, so that a read beyond it is seen.
  const std::vector<char> text(bytes, bytes + size);
  static SessionDescription first, second;
  if (parse_sdp({text.data(), text.size()}, first) != SdpError::None) return 0;
  const std::string once = written(first);
  SALLYPORT_CHECK(parse_sdp(once, second) == SdpError::None);
  SALLYPORT_CHECK(second.media.size() == first.media.size());
  const std::string twice = written(second);
  SALLYPORT_CHECK(once == twice);
  return 0;
}
