// reload_lines.h — what `sallyport reload` prints of a reload that was done.
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

// A line for each key that changed, with + - ~ in front, then files that say something else, then warnings.
// It takes the daemon's JSON (daemon/reload_answer.h).
[[nodiscard]] Drawn reload_lines(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
