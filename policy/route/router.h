// router.h — where a request goes: the configured routes, first match wins, and emergency calls before them
// (RFC 5031 service URNs).
//
// Compiled once from the configuration and then only read, so one Router serves all shards.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/fixed_vector.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/route/route_request.h"

namespace sallyport::policy {

inline constexpr std::size_t kTargetsMax = 16;
inline constexpr std::uint16_t kNoRoute = 0xffff;         // RouteDecision::route: none matched
inline constexpr std::uint16_t kEmergencyRoute = 0xfffe;  // emergency.to alone

inline constexpr std::uint16_t kNoTable = 0xffff;
// Where a target of a route comes from.
struct TargetOrigin {
  std::uint16_t table = kNoTable;  // position in config.tables; kNoTable: the route names the peer itself
  std::uint32_t line = 0;          // of the table's file
};

// Views and spans point into the Router.
struct RouteDecision {
  enum class Outcome : std::uint8_t {
    NoMatch,   // 404 to a peer, silence to a stranger
    Targets,   // try `targets` in order
    Redirect,  // 302 to `redirect_uri`
    Reject,    // answer `reject_code`
  };
  Outcome outcome = Outcome::NoMatch;
  bool is_emergency = false;
  std::uint16_t route = kNoRoute;  // position in config.routes
  FixedVector<PeerIndex, kTargetsMax> targets;
  FixedVector<TargetOrigin, kTargetsMax> origins;  // one for each target
  // So many of the first targets come from emergency.to: the route's rules are not for them.
  std::uint8_t emergency_targets = 0;
  // With Targets: what to say when all have failed, because the list ends in a reject or a redirect; 0 and
  // empty: the best answer that came.
  std::uint16_t reject_code = 0;
  std::string_view redirect_uri;
  std::span<const std::uint16_t> rules;                  // positions in config.header_rules, in order
  const std::vector<std::uint16_t>* retry_on = nullptr;  // never null after route()

  [[nodiscard]] bool retries_on(std::uint16_t code) const noexcept;
};

class Router {
 public:
  // What the configuration's check refuses (a bad pattern, a name that is not there) matches nothing.
  explicit Router(const SbcConfig& config);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  ~Router();

  [[nodiscard]] RouteDecision route(const RouteRequest& request) const noexcept;
  // By number (escapes, visual separators and parameters do not count) or by service URN with what is below
  // it, as in urn:service:sos.fire. Either may be empty. RFC 5031 §4.1
  [[nodiscard]] bool is_emergency(std::string_view number, std::string_view request_uri) const noexcept;
  // Name in the configuration; "emergency" for kEmergencyRoute, empty for none.
  [[nodiscard]] std::string_view name_of(std::uint16_t route) const noexcept;

 private:
  struct Route;
  struct TargetList;
  static void add_targets(const TargetList& from, const RouteRequest& request, std::string_view called,
                          RouteDecision& decision) noexcept;
  [[nodiscard]] const Route* first_match(const RouteRequest& request, std::string_view called,
                                         std::string_view caller) const noexcept;
  [[nodiscard]] std::vector<Route> compiled_routes(const SbcConfig& config) const;

  std::vector<Route> routes_;
  std::unique_ptr<TargetList> emergency_to_;
  std::vector<std::string> emergency_numbers_, emergency_urns_;
  std::vector<std::uint16_t> retry_default_;
};

}  // namespace sallyport::policy
