// capture_streams.h — captures over REST: pcapng that goes on until the call is over, the time is up, or
// whoever asked leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mgmt/capture/capture_sessions.h"
#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// Used by the management thread alone.
class CaptureStreams {
 public:
  static constexpr std::size_t kBytesMax = 100'000'000;  // of one capture
  static constexpr Duration kLongest = 1h, kUsual = 10min;

  // `sessions` must outlive it; they bound how many captures run, and what waits for a slow reader.
  explicit CaptureStreams(CaptureSessions& sessions) : sessions_(sessions) {}

  // ?call=ID, ?peer=P or ?address=A; &for=30s, &media=none.
  [[nodiscard]] HttpResponse open(const PathArguments& given);
  // Some times a second.
  void tick();

 private:
  struct Stream {
    std::shared_ptr<BodyStream> body;
    std::function<bool()> holds;  // null: always
    std::uint64_t capture = 0;
    std::size_t bytes = 0;
  };
  // False: it is over.
  [[nodiscard]] bool feed(Stream& stream);

  CaptureSessions& sessions_;
  std::vector<Stream> streams_;
};

// GET /api/v1/capture
void add_capture_paths(Router& router, CaptureStreams& streams);

}  // namespace sallyport::mgmt
