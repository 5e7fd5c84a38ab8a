// log_level_command.h — `sallyport log level`: how much is logged, changed while it runs.
#pragma once

#include <optional>
#include <string_view>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/cli/drawn.h"
#include "mgmt/log/event_log.h"

namespace sallyport::mgmt {

[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view word) noexcept;

// log {level}; with none it only says which it is. Answers {"level","before"}. `log` outlives the commands.
void add_log_commands(ControlCommands& commands, EventLog& log);
// The same for people.
[[nodiscard]] Drawn log_level_line(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
