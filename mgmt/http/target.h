// target.h — the target of a request line taken apart: path segments and query, with their percent-encoding
// undone. RFC 9112 §3.2, RFC 3986 §2.1, §3.3, §3.4.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::mgmt {

using Arguments = std::map<std::string, std::string, std::less<>>;

struct Target {
  // Of "/api/v1/calls": api, v1, calls. Split before decoding, so "%2F" is part of its segment.
  std::vector<std::string> segments;
  Arguments query;  // of "a=1&b": {a: 1}, {b: }. '+' is itself: telephone numbers and Call-IDs hold it
};

inline constexpr std::size_t kSegmentsMax = 16;
inline constexpr std::size_t kQueryArgumentsMax = 16;

// Nothing when it is not in origin or absolute form, has an encoding that is none, names an argument twice,
// or has more parts than anything of ours.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace sallyport::mgmt
