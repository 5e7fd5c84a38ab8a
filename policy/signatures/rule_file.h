// rule_file.h — a signature file: every rule that can be taken, and the name of every one that can't.
#pragma once

#include <string_view>
#include <vector>

#include "policy/signatures/signature.h"

namespace sallyport::policy {

inline constexpr std::size_t kRulesMax = 20'000;        // of one file
inline constexpr std::size_t kRuleProblemsMax = 1'000;  // what is wrong beyond them is counted

struct RuleFile {
  std::vector<Signature> signatures;
  std::vector<RuleProblem> problems;
  std::size_t rules = 0;  // that were read, good or bad
};

// Pure; time and memory linear in the text.
[[nodiscard]] RuleFile parse_rule_file(std::string_view text);

}  // namespace sallyport::policy
