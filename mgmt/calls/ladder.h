// ladder.h — the messages of a call as a picture for a terminal: a line for the caller, one for Sallyport,
// one for each callee's side, and an arrow for each message. Drawn from the JSON of calls_json.h, so that
// client and daemon need not be of one version.
#pragma once

#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kLadderColumnsMin = 44;
inline constexpr std::size_t kLadderColumnsMax = 120;

struct LadderStyle {
  std::size_t columns = kLadderColumnsMax;  // of the terminal; less than the least is the least
  bool colour = false;
};

// The error says why `trace` can't be drawn.
[[nodiscard]] Result<std::string, std::string> draw_ladder(std::string_view trace, const LadderStyle& style);

}  // namespace sallyport::mgmt
