// rule_text.h — the text of a signature file cut into rules, a rule into its head and its options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/result.h"

namespace sallyport::policy {

// Limits; what is beyond them is named and not taken.
inline constexpr std::size_t kRuleFileBytesMax = 4 << 20;
inline constexpr std::size_t kRuleBytesMax = 8192;
inline constexpr std::size_t kRuleOptionsMax = 128;
inline constexpr std::size_t kContentBytesMax = 255;

// Why a part of a rule can't be taken, and what would be right.
struct RuleFault {
  std::string what, instead;
};

// Rules of a file, one after the other: comments and blank lines are passed over, a line that ends in a
// backslash goes on in the next one.
class RuleLines {
 public:
  explicit RuleLines(std::string_view text) noexcept : rest_(text) {}
  // False at the end. `rule` holds until the next call.
  [[nodiscard]] bool next(std::string_view& rule, std::uint32_t& line);

 private:
  [[nodiscard]] std::string_view take_line() noexcept;
  std::string_view rest_;
  std::string joined_;
  std::uint32_t line_ = 0;  // of the last line taken
};

struct RuleOption {
  std::string_view name, value;  // white space around them cut off
  bool has_value = false;
};

struct RuleParts {
  std::string_view head;
  std::vector<RuleOption> options;
};

[[nodiscard]] Result<RuleParts, RuleFault> cut_rule(std::string_view rule);

[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
// "text" without its quotes, and whether ! stands in front.
struct QuotedText {
  std::string_view text;
  bool is_negated = false;
};
[[nodiscard]] Result<QuotedText, RuleFault> quoted_text(std::string_view value);
// With \" \; \\ \: as what they stand for; any other backslash stays.
[[nodiscard]] std::string unescaped_text(std::string_view text);
// What content:"..." means: the same escapes, and octets in hexadecimal digits between bars.
[[nodiscard]] Result<std::string, RuleFault> content_bytes(std::string_view text);
// Decimal, all of the text.
[[nodiscard]] bool read_number(std::string_view text, std::uint32_t& number) noexcept;
[[nodiscard]] bool read_number(std::string_view text, std::int32_t& number) noexcept;
// Text of a rule as it may stand in a report: no control octets, cut after 60.
[[nodiscard]] std::string shown(std::string_view text);
// At each comma; white space around the pieces cut off.
[[nodiscard]] std::vector<std::string_view> cut_at_commas(std::string_view text);

}  // namespace sallyport::policy
