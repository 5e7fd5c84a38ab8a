// host_check.cpp — takes the port off and looks at the rest: RFC 9110 §7.2, RFC 3986 §3.2.2.
#include "mgmt/http/host_check.h"

#include <algorithm>

#include "policy/base/ip_address.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ":" and up to five digits; RFC 3986 allows none behind the colon.
[[nodiscard]] bool is_port(std::string_view text) {
  if (text.empty()) return true;
  return text.front() == ':' && text.size() <= 6 && std::ranges::all_of(text.substr(1), is_digit);
}

[[nodiscard]] bool is_localhost(std::string_view text) {
  return std::ranges::equal(text, std::string_view("localhost"), [](char given, char wanted) {
    return (given >= 'A' && given <= 'Z' ? static_cast<char>(given | 0x20) : given) == wanted;
  });
}

}  // namespace

bool is_local_host_name(std::string_view host) noexcept {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || !is_port(host.substr(end + 1))) return false;
    const auto address = IpAddress::parse(host.substr(1, end - 1));
    return address && !address->is_v4();
  }
  const std::size_t colon = std::min(host.find(':'), host.size());
  if (!is_port(host.substr(colon))) return false;
  const std::string_view name = host.substr(0, colon);
  const auto address = IpAddress::parse(name);
  return is_localhost(name) || (address && address->is_v4());
}

}  // namespace sallyport::mgmt
