// detection_answers.h — `show detections` and /api/v1/detections, and their answers: one place for socket and
// REST, so that they can't differ.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/detections/detection_log.h"
#include "mgmt/http/router.h"
#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

struct DetectionAnswers {
  const DetectionLog& log;  // outlives them
  std::function<ClockPair()> clocks;
  std::function<std::vector<std::string>()> realms;  // by RealmIndex, as they are now
};

// show detections {limit, cursor, detector, source}; `source`: an address or a prefix
void add_detection_commands(ControlCommands& commands, const DetectionAnswers& answers);
// GET with the same arguments
void add_detection_paths(Router& router, const DetectionAnswers& answers);

}  // namespace sallyport::mgmt
