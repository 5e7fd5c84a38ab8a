// capture_streams.cpp — see capture_streams.h.
#include "mgmt/capture/capture_streams.h"

#include <fmt/format.h>

#include "mgmt/config/option_value.h"
#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {
namespace {

// What a session holds at most, and the piece that is on its way.
constexpr std::size_t kWaitingBytesMax = CaptureSessions::kHeldBytesMax + 1'000'000;

[[nodiscard]] HttpResponse mistake(std::string_view what) { return problem(400, "Bad Request", what); }

}  // namespace

HttpResponse CaptureStreams::open(const PathArguments& given) {
  ControlArguments wanted;
  for (const auto& [name, value] : given.query) {
    if (name != "call" && name != "peer" && name != "address" && name != "for" && name != "media")
      return mistake("capture takes call, peer or address, and for and media");
    wanted.emplace(name, value);
  }
  if (const auto media = wanted.find("media"); media != wanted.end() && media->second != "none")
    return mistake("media is none, or left out: then a call's media headers are captured, too");
  Duration longest = kUsual;
  if (const auto asked = wanted.find("for"); asked != wanted.end()) {
    const auto parsed = parse_duration(asked->second);
    if (!parsed || *parsed < Duration(1s) || *parsed > kLongest)
      return mistake("for is a time from 1s to 1h, as 30s");
    longest = *parsed;
  }
  wanted["for_ms"] = std::to_string(std::chrono::ceil<std::chrono::milliseconds>(longest).count());
  wanted["by"] = given.caller;
  const auto capture = sessions_.begin(wanted);
  if (!capture) return http_answer(fail(capture.error()));
  HttpResponse out;
  out.content_type = "application/x-pcapng";
  out.disposition = fmt::format("attachment; filename=\"sallyport-{}.pcapng\"", *capture);
  out.stream = std::make_shared<BodyStream>(kWaitingBytesMax);
  streams_.push_back({out.stream, given.is_still_admitted, *capture});
  if (!feed(streams_.back())) streams_.pop_back();
  return out;
}

// What a slow reader has not taken stays with the session, which counts what finds no room.
bool CaptureStreams::feed(Stream& stream) {
  const bool is_unwanted =
      stream.body->is_over() || stream.bytes >= kBytesMax || (stream.holds && !stream.holds());
  if (!is_unwanted && stream.body->waiting() != 0) return true;
  const auto blocks = sessions_.next(stream.capture, is_unwanted);
  if (!blocks) {
    stream.body->end();
    return false;
  }
  stream.bytes += blocks->bytes.size();
  if (!blocks->bytes.empty()) static_cast<void>(stream.body->push(blocks->bytes));
  if (blocks->has_ended) stream.body->end();
  return !blocks->has_ended;
}

void CaptureStreams::tick() {
  std::erase_if(streams_, [this](Stream& one) { return !feed(one); });
}

void add_capture_paths(Router& router, CaptureStreams& streams) {
  router.on("GET", "/api/v1/capture", [&streams](const PathArguments& given) { return streams.open(given); });
}

}  // namespace sallyport::mgmt
