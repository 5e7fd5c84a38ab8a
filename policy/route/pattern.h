// pattern.h — a regular expression of linear time (RE2), compiled once, matched against what strangers send.
//
// Octets are matched as octets (no UTF-8), and "." takes every one of them: no octet of a stranger can make a
// pattern that should have matched miss its text. Not anchored: write ^ and $.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace re2 {
class RE2;
}

namespace sallyport::policy {

// Program and look-up memory of one pattern; what does not fit is refused when it is loaded.
inline constexpr int kPatternMemoryMax = 1 << 18;
inline constexpr std::size_t kPatternBytesMax = 1024;
inline constexpr std::size_t kRewriteBytesMax = 4096;

class Pattern {
 public:
  // What was matched: 0 is all of it, 1 to 9 are the captures.
  using Captures = std::array<std::string_view, 10>;

  // The error is a sentence without the pattern itself.
  [[nodiscard]] static Result<Pattern, std::string> compile(std::string_view text);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Linear in the text. Safe from several threads.
  [[nodiscard]] bool matches(std::string_view text) const noexcept;
  // The first match; captures that took no part are empty.
  [[nodiscard]] bool find(std::string_view text, Captures& captures) const noexcept;
  // What is wrong with \0 to \9 in the text that replaces a match; empty: nothing.
  [[nodiscard]] std::string rewrite_problem(std::string_view rewrite) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> compiled) noexcept;
  std::unique_ptr<re2::RE2> compiled_;
};

// `text` with its first match replaced, \0 to \9 in `rewrite` standing for what was captured and "\\" for a
// backslash. False, and `out` is not touched, when nothing matches or the result is longer than `bytes_max`.
enum class RewriteResult : std::uint8_t { Done, NoMatch, TooLong };
[[nodiscard]] RewriteResult replace_first(const Pattern& pattern, std::string_view text,
                                          std::string_view rewrite, std::size_t bytes_max, std::string& out);

}  // namespace sallyport::policy
