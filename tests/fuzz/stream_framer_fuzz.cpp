// stream_framer_fuzz.cpp — any octets in any pieces into the framer: the same frames as in one piece, and
// each message is what the parser takes for one. RFC 3261 §7.5, §18.3; threats P1, P14, P15.
//
// The first octet of the input says how the rest is cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sipalg/message/stream_framer.h"

namespace {

using namespace sallyport::sip;
using Kind = StreamFramer::Kind;

void demand(bool condition) {
  if (!condition) std::abort();
}

using Frames = std::vector<std::pair<Kind, std::string>>;

Frames frames_of(std::string_view bytes, std::size_t piece) {
  StreamFramer framer;
  Frames frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    framer.take(std::string(bytes.substr(at, piece)));
    while (true) {
      const StreamFramer::Frame frame = framer.next();
      if (frame.kind == Kind::NeedMore) break;
      demand(frame.bytes.size() <= kHeadBytesMax + kBodyBytesMax);
      frames.emplace_back(frame.kind, frame.bytes);
      if (frame.kind != Kind::Message && frame.kind != Kind::KeepAlive) return frames;
    }
    demand(framer.buffered() <= kHeadBytesMax + kBodyBytesMax + piece);
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static SipMessage message;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Frames whole = frames_of(bytes, bytes.size() + 1);
  demand(frames_of(bytes, 1 + data[0] % 97) == whole);
  for (const auto& [kind, frame] : whole) {
    if (kind != Kind::Message) continue;
    const ParseStatus status = parse_message(frame, {{}, Framing::Stream}, message);
    demand(status != ParseStatus::Incomplete);
    demand(status != ParseStatus::Complete || message.consumed == frame.size());
    demand(!message.error.framing_lost);
  }
  return 0;
}
