// peer_views.h — peers as an operator sees them at one moment: what is configured, where they are reached,
// who is up, how many calls they have, and whether we are registered there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/metrics/observation.h"
#include "mgmt/records/cdr_json.h"
#include "policy/route/target_board.h"
#include "sipalg/trunk/trunk_view.h"

namespace sallyport::mgmt {

// What the engine that watches over peers said.
struct SeenTrunks {
  std::vector<sip::TrunkView> trunks;
  Timestamp at{};  // when it was asked
  ClockPair clocks;
};

struct PeerTargetView {
  std::string name;                 // as configured: a domain, or an address
  std::optional<Endpoint> address;  // nothing: the name was not resolved
  Transport transport = Transport::Udp;
  std::string state;  // up, down, unknown (never asked), set_aside (said Retry-After), unresolved,
                      // retired (of a peer that a reload took out)
  std::optional<WallTime> since;
  std::optional<Duration> round_trip;
  std::uint16_t last_code = 0;  // of the last probe; 0: none
  std::uint32_t calls = 0;      // to it
  std::uint32_t weight = 1;
};

struct PeerRegistrationView {
  sip::RegistrationView seen;
  std::optional<WallTime> expires, next;
};

struct PeerView {
  std::string name, realm, profile;
  Transport transport = Transport::Udp;
  Balance balance = Balance::Failover;
  bool is_up = false, is_probed = false, is_retired = false;
  std::array<std::uint32_t, 2> active{}, limit{};  // calls; in, out
  std::vector<PeerTargetView> targets;
  std::optional<PeerRegistrationView> registration;
};

// In the order of the configuration, without the places of registrars; retired peers only while they have
// calls.
[[nodiscard]] std::vector<PeerView> peer_views(const SbcConfig& config,
                                               const dataplane::DataPlaneSnapshot& plane,
                                               const policy::TargetBoard& board, const SeenTrunks& seen);

[[nodiscard]] std::string_view to_string(Balance balance) noexcept;

}  // namespace sallyport::mgmt
