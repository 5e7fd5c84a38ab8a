// rules_command.h — `sallyport rules check FILE`: compiles a signature file and names the rules that can't be
// taken, and why. `sallyport rules print`: the signatures that come with the program.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::mgmt {

inline constexpr int kExitBadRules = 65;

struct RulesReport {
  std::string text;   // for stdout: a line for each rule that can't be taken, then a summary
  std::string error;  // for stderr
  int status = 0;     // 65 when something can't be taken
};

// Reads the file.
[[nodiscard]] RulesReport check_rules(const std::string& file);
// `rules`: what the file holds.
[[nodiscard]] RulesReport check_rules(const std::string& file, std::string_view rules);

}  // namespace sallyport::mgmt
