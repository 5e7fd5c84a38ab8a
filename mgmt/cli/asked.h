// asked.h — the named arguments of a question, as the control socket and a query of REST have them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "mgmt/cli/control_protocol.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

// Empty when it was not given.
[[nodiscard]] inline std::string value_of(const ControlArguments& given, const char* name) {
  const auto found = given.find(name);
  return found == given.end() ? std::string() : found->second;
}

// Nothing when it is there and is no number.
[[nodiscard]] inline std::optional<std::uint64_t> number_or(const std::string& text,
                                                            std::uint64_t otherwise) {
  if (text.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

// A page of a list: `limit` of it at most, behind `cursor`.
inline constexpr std::uint64_t kPageUsual = 100, kPageMax = 1000;
[[nodiscard]] inline ControlFailure bad_cursor() {
  return {kExitUsage, "cursor is what `next` was in the page before"};
}
[[nodiscard]] inline Result<std::size_t, ControlFailure> limit_asked(const ControlArguments& given) {
  const auto limit = number_or(value_of(given, "limit"), kPageUsual);
  if (!limit || *limit == 0 || *limit > kPageMax)
    return fail(ControlFailure{kExitUsage, "limit is a number from 1 to 1000"});
  return static_cast<std::size_t>(*limit);
}

struct PageAsked {
  std::size_t limit = 0;
  std::uint64_t cursor = 0;
};
// Where the cursor is a number.
[[nodiscard]] inline Result<PageAsked, ControlFailure> page_asked(const ControlArguments& given) {
  const auto limit = limit_asked(given);
  if (!limit) return fail(limit.error());
  const auto cursor = number_or(value_of(given, "cursor"), 0);
  if (!cursor) return fail(bad_cursor());
  return PageAsked{*limit, *cursor};
}

}  // namespace sallyport::mgmt
