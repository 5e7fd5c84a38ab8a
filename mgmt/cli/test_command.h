// test_command.h — `sallyport test route|rules`: what the configuration would do with a call, without doing
// it and without a daemon.
#pragma once

#include <string>
#include <string_view>

#include "mgmt/cli/tested_call.h"
#include "mgmt/log/wall_clock.h"
#include "policy/model/sbc_config.h"
#include "policy/route/week_minute.h"

namespace sallyport::mgmt {

inline constexpr int kExitNoMatch = 65;

struct TestReport {
  std::string text;   // for stdout
  std::string error;  // for stderr
  int status = 0;     // 65: nothing matches, or the question can't be read; 78: a bad configuration
};

// Loads the configuration and the file of the question.
[[nodiscard]] TestReport test_command(const std::string& config_file, const TestQuestion& question,
                                      WallTime now);
// `message`: what the file of the question holds.
[[nodiscard]] TestReport test_report(const SbcConfig& config, const TestQuestion& question,
                                     std::string_view message, policy::WeekMinute now);

}  // namespace sallyport::mgmt
