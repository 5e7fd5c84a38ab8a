// doctor_command.h — `sallyport doctor`: looks at the machine and says what to do.
#pragma once

#include <string>
#include <vector>

#include "mgmt/doctor/machine_checks.h"

namespace sallyport::mgmt {

struct DoctorReport {
  std::string text, error;
  int status = 0;  // 0: `run` can start, whatever else is advised; 71: it can't; 78: the configuration is bad
};

// A line for each finding and one for what is to be done, or {"findings":[{"health","about","seen","do"}]}.
[[nodiscard]] DoctorReport doctor_report(const std::vector<Finding>& findings, bool json, bool colour);
[[nodiscard]] DoctorReport doctor_command(const std::string& config_file, bool json, bool colour);

}  // namespace sallyport::mgmt
