// json_layout.h — JSON text with a line for each member, for whoever reads it in a terminal. No tree is made:
// a page of calls is megabytes.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::mgmt {

// `json` is valid (RFC 8259). Two spaces for each depth; what is empty stays on its line; ASCII alone.
[[nodiscard]] std::string laid_out(std::string_view json);

}  // namespace sallyport::mgmt
