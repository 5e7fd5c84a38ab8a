// clean_evidence.h — what an attacker wrote, fit to be shown: no control reaches a terminal, no line is
// broken, numbers are hidden as the log hides them (threats R12).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "policy/model/management.h"

namespace sallyport::mgmt {

// Printable UTF-8 of at most `bytes_max` bytes: all else is written \xNN, and what is longer is cut between
// two characters.
[[nodiscard]] std::string clean_evidence(std::string_view evidence, NumberMask mask, std::size_t bytes_max);

}  // namespace sallyport::mgmt
