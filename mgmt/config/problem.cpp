// problem.cpp — the printed form and the order of configuration problems.
#include "mgmt/config/problem.h"

#include <algorithm>
#include <tuple>

#include "mgmt/config/quoted.h"

namespace sallyport::mgmt {

std::string to_string(const ConfigProblem& problem) {
  // What a file says may hold control bytes; a terminal must never see them raw.
  return printable(problem.file) + ":" + std::to_string(problem.line) + ": " + printable(problem.key) + ": " +
         printable(problem.what) + "; " + printable(problem.instead);
}

void sort_problems(std::vector<ConfigProblem>& problems, const std::vector<std::string>& files) {
  const auto place = [&files](const ConfigProblem& problem) {
    const auto file = std::find(files.begin(), files.end(), problem.file) - files.begin();
    return std::tuple(file, problem.line);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&place](const auto& left, const auto& right) { return place(left) < place(right); });
}

}  // namespace sallyport::mgmt
