// doctor_command.cpp — see doctor_command.h.
#include "mgmt/doctor/doctor_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "mgmt/cli/check_command.h"
#include "mgmt/cli/control_protocol.h"
#include "mgmt/config/load_config.h"
#include "mgmt/doctor/look_at_machine.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

constexpr std::array<std::string_view, 3> kNames{"good", "advice", "fault"};
constexpr std::array<std::string_view, 3> kTints{"\x1b[32m", "\x1b[33m", "\x1b[31m"};

[[nodiscard]] std::string line_of(const Finding& finding, bool colour) {
  const auto health = static_cast<std::size_t>(finding.health);
  std::string out = fmt::format("{}{:<6}{} {}: {}\n", colour ? kTints[health] : "", kNames[health],
                                colour ? "\x1b[0m" : "", escaped(finding.about), escaped(finding.seen));
  if (!finding.do_this.empty()) out += fmt::format("       {}\n", escaped(finding.do_this));
  return out;
}

}  // namespace

DoctorReport doctor_report(const std::vector<Finding>& findings, bool json, bool colour) {
  DoctorReport report;
  const auto count = [&findings](Health health) {
    return std::ranges::count(findings, health, &Finding::health);
  };
  report.status = count(Health::Fault) == 0 ? kExitOk : kExitCannotHave;
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding& one : findings) {
      nlohmann::ordered_json found;
      found["health"] = kNames[static_cast<std::size_t>(one.health)];
      found["about"] = escaped(one.about);
      found["seen"] = escaped(one.seen);
      found["do"] = nullptr;
      if (!one.do_this.empty()) found["do"] = escaped(one.do_this);
      list.push_back(std::move(found));
    }
    report.text = nlohmann::ordered_json{{"findings", std::move(list)}}.dump(2) + '\n';
    return report;
  }
  for (const Finding& one : findings) report.text += line_of(one, colour);
  report.text += fmt::format("{} good, {} to be considered, {} in the way of a start\n", count(Health::Good),
                             count(Health::Advice), count(Health::Fault));
  return report;
}

DoctorReport doctor_command(const std::string& config_file, bool json, bool colour) {
  LoadedConfig loaded;
  if (!config_file.empty()) {
    loaded = load_config(config_file);
    if (loaded.has_errors()) {
      DoctorReport refused;
      for (const ConfigProblem& problem : loaded.problems)
        if (problem.is_error()) refused.text += escaped(check_line(problem)) + '\n';
      refused.error = fmt::format("sallyport: {} has errors\n", escaped(config_file));
      refused.status = kExitBadConfiguration;
      return refused;
    }
  }
  return doctor_report(examine(look_at_machine(loaded.config), wants_of(loaded)), json, colour);
}

}  // namespace sallyport::mgmt
