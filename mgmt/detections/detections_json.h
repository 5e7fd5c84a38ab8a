// detections_json.h — findings of the detectors as JSON: what the control socket and REST answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mgmt/detections/detection_log.h"
#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

// {"last","first","detector","action","source","port","realm","call","count","confidence","proved","evidence"}
// `realm` and `call` may be null; `confidence` in per cent; the last four are of the last time.
[[nodiscard]] nlohmann::ordered_json detection_json(const Detection& detection,
                                                    const std::vector<std::string>& realms,
                                                    const ClockPair& clocks);
// {"detections":[...],"kept":N,"capacity":N,"forgotten":N,"next":"cursor" or null}
[[nodiscard]] nlohmann::ordered_json detections_json(const DetectionLog::Page& page, std::size_t capacity,
                                                     const std::vector<std::string>& realms,
                                                     const ClockPair& clocks);

// A sentence of `explain`.
[[nodiscard]] std::string detection_text(const Detection& detection, const ClockPair& clocks);

}  // namespace sallyport::mgmt
