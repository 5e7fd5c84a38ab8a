// detections_table.h — findings of the detectors for people. It takes the daemon's JSON: what is missing
// shows as "-".
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

[[nodiscard]] Drawn detections_table(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
