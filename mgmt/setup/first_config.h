// first_config.h — the first configuration of a node: a few questions, and the file that the answers make.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::mgmt {

struct SetupQuestion {
  std::string_view flag;      // --FLAG of `init`, and the name of the answer
  std::string_view words;     // as asked
  std::string_view fallback;  // the answer when nothing is said; empty: there must be one
};

// In the order in which they are asked.
[[nodiscard]] std::span<const SetupQuestion> setup_questions();

// By flag. "state" and "socket" may stand among them without being asked.
using SetupAnswers = std::map<std::string, std::string, std::less<>>;

// The answer as the file is to say it: eth1 becomes af_packet:eth1, an address of a neighbour gets its port.
// The error says what is wrong with it and what would be right.
[[nodiscard]] Result<std::string, std::string> read_answer(const SetupQuestion& question,
                                                           std::string_view said);

// Answers as read_answer() gave them, one for each question.
[[nodiscard]] std::string first_config(const SetupAnswers& answers);

}  // namespace sallyport::mgmt
