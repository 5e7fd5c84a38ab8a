// pattern.cpp — see pattern.h.
#include "policy/route/pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

namespace sallyport::policy {
namespace {

[[nodiscard]] re2::StringPiece piece(std::string_view text) noexcept { return {text.data(), text.size()}; }

// The replacement with its captures filled in; false when `out` would grow beyond `bytes_max`.
[[nodiscard]] bool append_rewritten(std::string_view rewrite, const Pattern::Captures& captures,
                                    std::size_t bytes_max, std::string& out) {
  for (std::size_t i = 0; i < rewrite.size(); ++i) {
    std::string_view part = rewrite.substr(i, 1);
    if (rewrite[i] == '\\' && i + 1 < rewrite.size()) {
      const char next = rewrite[++i];
      part =
          next >= '0' && next <= '9' ? captures[static_cast<std::size_t>(next - '0')] : rewrite.substr(i, 1);
    }
    if (part.size() > bytes_max - out.size()) return false;
    out += part;
  }
  return true;
}

}  // namespace

Pattern::Pattern(std::unique_ptr<re2::RE2> compiled) noexcept : compiled_(std::move(compiled)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern, std::string> Pattern::compile(std::string_view text) {
  if (text.size() > kPatternBytesMax)
    return fail("longer than " + std::to_string(kPatternBytesMax) + " octets");
  re2::RE2::Options settings(re2::RE2::Quiet);
  settings.set_max_mem(kPatternMemoryMax);
  settings.set_encoding(re2::RE2::Options::EncodingLatin1);
  settings.set_dot_nl(true);
  auto compiled = std::make_unique<re2::RE2>(piece(text), settings);
  if (!compiled->ok()) return fail(compiled->error());
  return Pattern(std::move(compiled));
}

bool Pattern::matches(std::string_view text) const noexcept {
  return compiled_->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

bool Pattern::find(std::string_view text, Captures& captures) const noexcept {
  std::array<re2::StringPiece, std::tuple_size_v<Captures>> found;
  const int wanted = std::min(static_cast<int>(found.size()), compiled_->NumberOfCapturingGroups() + 1);
  if (!compiled_->Match(piece(text), 0, text.size(), re2::RE2::UNANCHORED, found.data(), wanted))
    return false;
  captures.fill({});
  for (std::size_t i = 0; i < static_cast<std::size_t>(wanted); ++i)
    captures[i] = {found[i].data(), found[i].size()};
  return true;
}

std::string Pattern::rewrite_problem(std::string_view rewrite) const {
  if (rewrite.size() > kRewriteBytesMax) return "longer than " + std::to_string(kRewriteBytesMax) + " octets";
  std::string problem;
  if (compiled_->CheckRewriteString(piece(rewrite), &problem)) return {};
  return problem.empty() ? "not a replacement" : problem;
}

RewriteResult replace_first(const Pattern& pattern, std::string_view text, std::string_view rewrite,
                            std::size_t bytes_max, std::string& out) {
  Pattern::Captures captures;
  if (!pattern.find(text, captures)) return RewriteResult::NoMatch;
  const auto begin = static_cast<std::size_t>(captures[0].data() - text.data());
  const std::string_view tail = text.substr(begin + captures[0].size());
  if (begin > bytes_max) return RewriteResult::TooLong;
  std::string result(text.substr(0, begin));
  if (!append_rewritten(rewrite, captures, bytes_max, result)) return RewriteResult::TooLong;
  if (tail.size() > bytes_max - result.size()) return RewriteResult::TooLong;
  result += tail;
  out = std::move(result);
  return RewriteResult::Done;
}

}  // namespace sallyport::policy
