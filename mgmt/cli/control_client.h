// control_client.h — asks the daemon over its UNIX socket; used by the command line, so it may wait.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "mgmt/cli/control_protocol.h"

namespace sallyport::mgmt {

// Sends one request line and gives the result of the answer as JSON text. Status 69: no daemon answers.
[[nodiscard]] Result<std::string, ControlFailure> ask_daemon(
    const std::string& socket_path, std::string_view request,
    std::chrono::seconds wait_max = std::chrono::seconds(12));

}  // namespace sallyport::mgmt
