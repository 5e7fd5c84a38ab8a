// cdr_parse.h — a `start` line of a CDR file back as the record that it was: for calls of which nothing but
// that line is left, because the journal could not be written while they began.
#pragma once

#include <optional>
#include <string_view>

#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

// Nothing when it is no line of ours, or of another type. What an `end` does not say again is left out.
[[nodiscard]] std::optional<Cdr> parse_start_line(std::string_view line);

// Of "2026-11-21T10:47:55.123Z".
[[nodiscard]] std::optional<WallTime> parse_line_time(std::string_view text);

}  // namespace sallyport::mgmt
