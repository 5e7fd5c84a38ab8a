// show_command.h — `sallyport show ...`, `explain`, `hangup`, `drain`, `reload`: asks the daemon and prints.
#pragma once

#include <cstdio>

#include "mgmt/cli/command_line.h"

namespace sallyport::mgmt {

// The exit status. With --watch it goes on until the daemon or the reader goes away.
[[nodiscard]] int show_command(const CommandLine& line, std::FILE* out, std::FILE* error);
// Whether tables on `out` are coloured: only on a terminal, and not when NO_COLOR is set and not empty.
[[nodiscard]] bool wants_colour(std::FILE* out, const char* no_color) noexcept;

}  // namespace sallyport::mgmt
