// trunk_view.h — what an operator sees of a peer: its targets, and our registration there. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/transport.h"

namespace sallyport::sip {

struct TrunkTargetView {
  std::string host;  // as configured, or the address
  Endpoint address;
  Transport transport = Transport::Udp;
  bool is_up = true;
  Timestamp since{};                   // up or down; the default: since the start
  std::optional<Duration> round_trip;  // of the last probe that was answered
  std::uint16_t last_code = 0;         // of the last probe; 408 or 503: ours, no answer came. 0: none yet
  std::uint32_t failures_in_a_row = 0;
};

struct RegistrationView {
  std::string aor;
  std::string state;  // registering, registered, failed, leaving, left
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> next_at;  // refresh or next try
  std::uint16_t last_code = 0;       // 0: none yet
  std::string registrar;             // address of the target that has it; empty: none
};

struct TrunkView {
  std::string peer;
  bool is_probed = false;  // health.ping is not never
  bool is_up = true;
  std::vector<TrunkTargetView> targets;
  std::optional<RegistrationView> registration;
};

}  // namespace sallyport::sip
