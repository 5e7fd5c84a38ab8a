// problem.h — one thing that is wrong with a configuration, in the words that `check` prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sallyport::mgmt {

struct ConfigProblem {
  enum class Severity : std::uint8_t { Error, Warning };

  std::string file;     // as it was named to us
  int line = 0;         // 1 is the first; 0: the file as a whole
  std::string key;      // ports[outside].device; list members by name, or by position where they have none
  std::string what;     // what is wrong
  std::string instead;  // what would be right
  Severity severity = Severity::Error;
  bool weakens_security = false;  // a warning with which `run` refuses to start all the same

  [[nodiscard]] bool is_error() const noexcept { return severity == Severity::Error; }
};

// FILE:LINE: KEY: what is wrong; what would be right
[[nodiscard]] std::string to_string(const ConfigProblem& problem);

// By file in the order in which files were read, then by line.
void sort_problems(std::vector<ConfigProblem>& problems, const std::vector<std::string>& files);

}  // namespace sallyport::mgmt
