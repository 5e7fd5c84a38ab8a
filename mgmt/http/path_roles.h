// path_roles.h — which path of REST needs which role: the one table of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "policy/model/management.h"

namespace sallyport::mgmt {

// Who may ask; each may what those before it may.
enum class Needs : std::uint8_t { Nothing, Viewer, Operator, Admin };

struct PathRole {
  std::string_view method, pattern;  // as in the router
  Needs needs = Needs::Admin;
};

[[nodiscard]] std::span<const PathRole> path_roles() noexcept;
// A path that is not in the table needs an admin. `method` HEAD is GET.
[[nodiscard]] Needs needed_role(std::string_view method, std::string_view pattern) noexcept;
[[nodiscard]] bool is_enough(Role role, Needs needs) noexcept;

[[nodiscard]] std::string_view to_string(Needs needs) noexcept;  // viewer, ...; anyone
[[nodiscard]] std::string_view to_string(Role role) noexcept;

}  // namespace sallyport::mgmt
