// path_roles.cpp — the table. Anyone: what load balancers, scrapers, browsers and readers of the description
// ask first, none of which shows a call, a number or an address. Operators do what passes: a block, a call.
// What the node is, its configuration and whether it takes calls, is an admin's.
#include "mgmt/http/path_roles.h"

#include <algorithm>
#include <array>

namespace sallyport::mgmt {
namespace {

constexpr std::array kRoles{
    PathRole{"GET", "/", Needs::Nothing},
    PathRole{"GET", "/page/{file}", Needs::Nothing},
    PathRole{"GET", "/healthz", Needs::Nothing},
    PathRole{"GET", "/readyz", Needs::Nothing},
    PathRole{"GET", "/metrics", Needs::Nothing},
    PathRole{"GET", "/api/v1/openapi.json", Needs::Nothing},
    PathRole{"GET", "/api/v1/alarms", Needs::Viewer},
    PathRole{"GET", "/api/v1/blocked", Needs::Viewer},
    PathRole{"GET", "/api/v1/calls", Needs::Viewer},
    PathRole{"GET", "/api/v1/calls/{id}", Needs::Viewer},
    PathRole{"GET", "/api/v1/calls/{id}/messages", Needs::Viewer},
    PathRole{"GET", "/api/v1/capture", Needs::Operator},
    PathRole{"GET", "/api/v1/config", Needs::Viewer},
    PathRole{"GET", "/api/v1/detections", Needs::Viewer},
    PathRole{"GET", "/api/v1/events", Needs::Viewer},
    PathRole{"GET", "/api/v1/explain", Needs::Viewer},
    PathRole{"GET", "/api/v1/me", Needs::Viewer},
    PathRole{"GET", "/api/v1/peers", Needs::Viewer},
    PathRole{"GET", "/api/v1/ports", Needs::Viewer},
    PathRole{"GET", "/api/v1/registrations", Needs::Viewer},
    PathRole{"GET", "/api/v1/stats", Needs::Viewer},
    PathRole{"POST", "/api/v1/blocked", Needs::Operator},
    PathRole{"DELETE", "/api/v1/blocked", Needs::Operator},
    PathRole{"DELETE", "/api/v1/calls/{id}", Needs::Operator},
    PathRole{"POST", "/api/v1/confirm", Needs::Admin},
    PathRole{"POST", "/api/v1/drain", Needs::Admin},
    PathRole{"POST", "/api/v1/reload", Needs::Admin},
    PathRole{"POST", "/api/v1/rollback", Needs::Admin},
};

constexpr std::array<std::string_view, 4> kNames{"anyone", "viewer", "operator", "admin"};

}  // namespace

std::span<const PathRole> path_roles() noexcept { return kRoles; }

Needs needed_role(std::string_view method, std::string_view pattern) noexcept {
  if (method == "HEAD") method = "GET";
  const auto* const found = std::ranges::find_if(
      kRoles, [&](const PathRole& one) { return one.method == method && one.pattern == pattern; });
  return found == kRoles.end() ? Needs::Admin : found->needs;
}

bool is_enough(Role role, Needs needs) noexcept {
  return static_cast<unsigned>(role) + 1 >= static_cast<unsigned>(needs);
}

std::string_view to_string(Needs needs) noexcept { return kNames[static_cast<std::size_t>(needs)]; }
std::string_view to_string(Role role) noexcept { return kNames[static_cast<std::size_t>(role) + 1]; }

}  // namespace sallyport::mgmt
