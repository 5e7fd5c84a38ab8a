// rule_file.cpp — see rule_file.h.
#include "policy/signatures/rule_file.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "policy/signatures/rule_head.h"
#include "policy/signatures/rule_options.h"
#include "policy/signatures/rule_text.h"

namespace sallyport::policy {
namespace {

// Of a rule that can't be taken, as far as it can be read.
[[nodiscard]] std::uint32_t sid_of(const RuleParts& parts) noexcept {
  for (const RuleOption& option : parts.options) {
    std::uint32_t sid = 0;
    if (option.name == "sid" && read_number(option.value, sid)) return sid;
  }
  return 0;
}

class FileReader {
 public:
  void read(std::string_view rule, std::uint32_t line) {
    const auto parts = cut_rule(rule);
    if (!parts) return say(line, 0, parts.error());
    auto signature = parse_rule_head(parts->head);
    if (!signature) return say(line, sid_of(*parts), signature.error());
    signature->line = line;
    if (const auto done = RuleOptionReader(*signature).read(parts->options); !done)
      return say(line, sid_of(*parts), done.error());
    const std::uint64_t number = std::uint64_t{signature->gid} << 32 | signature->sid;
    if (const auto [first, is_new] = lines_.emplace(number, line); !is_new)
      return say(
          line, signature->sid,
          {"the rule of line " + std::to_string(first->second) + " has this sid", "give it another one"});
    file_.signatures.push_back(std::move(*signature));
  }
  void say(std::uint32_t line, std::uint32_t sid, RuleFault fault) {
    if (++wrong_ <= kRuleProblemsMax)
      file_.problems.push_back({line, sid, std::move(fault.what), std::move(fault.instead)});
  }
  [[nodiscard]] RuleFile take(std::uint32_t line) {
    if (wrong_ > kRuleProblemsMax)
      file_.problems.push_back({line, 0,
                                std::to_string(wrong_ - kRuleProblemsMax) + " further rules can't be taken",
                                "see those above"});
    return std::move(file_);
  }
  [[nodiscard]] std::size_t count() noexcept { return ++file_.rules; }

 private:
  RuleFile file_;
  std::unordered_map<std::uint64_t, std::uint32_t> lines_;  // by gid and sid
  std::size_t wrong_ = 0;
};

}  // namespace

RuleFile parse_rule_file(std::string_view text) {
  FileReader reader;
  std::string_view rule;
  std::uint32_t line = 0;
  if (text.size() > kRuleFileBytesMax) {
    reader.say(0, 0,
               {"the file has " + std::to_string(text.size()) + " octets",
                "at most " + std::to_string(kRuleFileBytesMax)});
    return reader.take(0);
  }
  RuleLines lines(text);
  while (lines.next(rule, line)) {
    if (reader.count() > kRulesMax) {
      reader.say(line, 0, {"more than " + std::to_string(kRulesMax) + " rules", "split the file"});
      break;
    }
    reader.read(rule, line);
  }
  return reader.take(line);
}

}  // namespace sallyport::policy
