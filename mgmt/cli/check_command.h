// check_command.h — `sallyport check`, and the judgement by which `run` refuses a configuration.
#pragma once

#include <string>
#include <vector>

#include "mgmt/config/load_config.h"

namespace sallyport::mgmt {

struct CheckReport {
  std::string text;  // a line for each problem, then a summary
  int status = 0;    // 0, or 78 when the configuration is refused
};

[[nodiscard]] CheckReport check_report(const std::string& path, const LoadedConfig& loaded, bool strict);
// FILE:LINE: KEY: what is wrong; what would be right
[[nodiscard]] std::string check_line(const ConfigProblem& problem);
// An error, or a warning where silence would weaken security: `run` does not start with it.
[[nodiscard]] bool stops_run(const ConfigProblem& problem) noexcept;

}  // namespace sallyport::mgmt
