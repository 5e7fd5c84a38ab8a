// registrations_json.cpp — writes registrations.
#include "mgmt/registrations/registrations_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json time_json(Timestamp at, const ClockPair& clocks) {
  return at == Timestamp{} ? Json(nullptr) : Json(iso_8601(clocks.wall_at(at)));
}

[[nodiscard]] Json endpoint_json(const sip::EndpointView& endpoint, const RegistrationPage& page) {
  const auto left = std::chrono::floor<std::chrono::seconds>(endpoint.expires - page.at).count();
  return {{"aor", endpoint.aor},
          {"registrar", endpoint.registrar},
          {"contact", endpoint.contact},
          {"remote", to_string(endpoint.remote)},
          {"local", to_string(endpoint.local)},
          {"transport", to_string(endpoint.transport)},
          {"nat", endpoint.is_behind_nat},
          {"since", time_json(endpoint.since, page.clocks)},
          {"expires", time_json(endpoint.expires, page.clocks)},
          {"expires_in_s", static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0))},
          {"inside_expires", time_json(endpoint.inside_expires, page.clocks)},
          {"user_agent", endpoint.user_agent.empty() ? Json(nullptr) : Json(endpoint.user_agent)}};
}

}  // namespace

Json registrations_json(const RegistrationPage& page, std::uint64_t active) {
  Json list = Json::array();
  for (const sip::EndpointView& endpoint : page.endpoints) list.push_back(endpoint_json(endpoint, page));
  return {{"registrations", std::move(list)},
          {"active", active},
          {"next", page.next ? Json(to_string(*page.next)) : Json(nullptr)}};
}

}  // namespace sallyport::mgmt
