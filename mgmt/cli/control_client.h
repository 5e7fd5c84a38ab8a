// control_client.h — asks the daemon over its UNIX socket; used by the command line, so it may wait.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "mgmt/cli/control_protocol.h"

namespace sallyport::mgmt {

inline constexpr std::chrono::seconds kAnswerWaitMax{12};
// Tables of millions of lines may have to be read and compiled.
inline constexpr std::chrono::seconds kReloadWaitMax{120};

// Sends one request line and gives the result of the answer as JSON text. Status 69: no daemon answers.
[[nodiscard]] Result<std::string, ControlFailure> ask_daemon(const std::string& socket_path,
                                                             std::string_view request,
                                                             std::chrono::seconds wait_max = kAnswerWaitMax);

}  // namespace sallyport::mgmt
