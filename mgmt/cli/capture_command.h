// capture_command.h — `sallyport capture`: writes what the daemon captures into a file, until SIGINT or
// SIGTERM, until its time or its room is over, or until the call ends.
#pragma once

#include <cstdio>

#include "mgmt/cli/command_line.h"

namespace sallyport::mgmt {

// The exit status. The file is only for its owner (mode 0600): it has what people said to each other.
[[nodiscard]] int capture_command(const CommandLine& line, std::FILE* out, std::FILE* error);

}  // namespace sallyport::mgmt
