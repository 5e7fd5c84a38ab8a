// target.cpp — splits and decodes request targets. RFC 3986, RFC 9112 §3.2.
#include "mgmt/http/target.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The text before `separator`, which is taken off `rest`, too; all of it when there is none.
[[nodiscard]] std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

// A '/' at the end is an empty last segment: "/calls/" is not "/calls".
[[nodiscard]] bool read_path(std::string_view path, std::vector<std::string>& segments) {
  while (true) {
    if (segments.size() == kSegmentsMax) return false;
    const std::size_t end = path.find('/');
    auto segment = percent_decoded(path.substr(0, end));
    if (!segment) return false;
    segments.push_back(std::move(*segment));
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

[[nodiscard]] bool read_query(std::string_view query, Arguments& arguments) {
  while (!query.empty()) {
    std::string_view pair = next_part(query, '&');
    if (pair.empty()) continue;
    if (arguments.size() == kQueryArgumentsMax) return false;
    auto name = percent_decoded(next_part(pair, '='));
    auto value = percent_decoded(pair);
    if (!name || !value || !arguments.emplace(std::move(*name), std::move(*value)).second) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::optional<Target> parse_target(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {  // RFC 9112 §3.2.2
    target.remove_prefix(kScheme.size());
    const std::size_t slash = target.find('/');
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) return std::nullopt;
  target.remove_prefix(1);
  const std::string_view path = next_part(target, '?');
  Target out;
  if (!read_path(path, out.segments) || !read_query(target, out.query)) return std::nullopt;
  return out;
}

}  // namespace sallyport::mgmt
