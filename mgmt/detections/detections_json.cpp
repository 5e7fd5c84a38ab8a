// detections_json.cpp — writes findings of the detectors.
#include "mgmt/detections/detections_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/log/log_line.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Json detection_json(const Detection& one, const std::vector<std::string>& realms, const ClockPair& clocks) {
  const std::size_t realm = to_position(one.realm);
  return {{"last", iso_8601(clocks.wall_at(one.last))},
          {"first", iso_8601(clocks.wall_at(one.first))},
          {"detector", one.detector},
          {"action", one.action},
          {"source", to_string(one.source.address)},
          {"port", one.source.port},
          {"realm", realm < realms.size() ? Json(realms[realm]) : Json(nullptr)},
          {"call", one.call == 0 ? Json(nullptr) : Json(call_id_text(one.call))},
          {"count", one.count},
          {"confidence", one.confidence},
          {"proved", one.is_proved},
          {"evidence", one.evidence}};
}

Json detections_json(const DetectionLog::Page& page, std::size_t capacity,
                     const std::vector<std::string>& realms, const ClockPair& clocks) {
  Json list = Json::array();
  for (const Detection& one : page.detections) list.push_back(detection_json(one, realms, clocks));
  return {{"detections", std::move(list)},
          {"kept", page.kept},
          {"capacity", capacity},
          {"forgotten", page.forgotten},
          {"next", page.next == 0 ? Json(nullptr) : Json(std::to_string(page.next))}};
}

std::string detection_text(const Detection& one, const ClockPair& clocks) {
  std::string text = fmt::format("{} at {}", one.detector, iso_8601(clocks.wall_at(one.last)));
  if (one.count > 1)
    text += fmt::format(", {} times since {}", one.count, iso_8601(clocks.wall_at(one.first)));
  if (one.call != 0) text += ", in call " + call_id_text(one.call);
  text += fmt::format(": {}; {} per cent sure, {}, what was done: {}",
                      one.evidence.empty() ? "no evidence is kept" : one.evidence, one.confidence,
                      one.is_proved ? "the source is proved" : "the source may be forged", one.action);
  return text;
}

}  // namespace sallyport::mgmt
