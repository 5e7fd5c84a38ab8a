// json_schema.h — the table of keys (schema.h) as a JSON Schema (draft 07, which editors read): completion,
// types, ranges and meanings while a configuration is written.
#pragma once

#include <string>

namespace sallyport::mgmt {

// What it refuses `check` refuses too, but for numbers in quotes; what hangs on more than one key is
// `check`'s alone.
[[nodiscard]] std::string json_schema();

}  // namespace sallyport::mgmt
