// security.h — access rules, limits, detectors and signatures as configured.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/shared_value.h"
#include "policy/model/units.h"

namespace sallyport {

namespace policy {
class CallerList;
class SignatureSet;
}  // namespace policy

enum class AccessAction : std::uint8_t { Deny, Untrusted, Trusted };
struct AccessRule {
  Prefix source;
  std::string realm;  // empty: every realm
  AccessAction action = AccessAction::Deny;
};

struct PrefixLimit {
  std::uint8_t ipv4_length = 24, ipv6_length = 64;
  BucketLimit limit{{200, std::chrono::seconds(1)}, 400};
};

struct TcpLimits {
  std::uint32_t connections_per_source = 20;
  Rate handshakes{10, std::chrono::seconds(1)};
  Duration first_message = 10s, idle = 10min;
};

struct SourceLimits {
  BucketLimit source{{50, std::chrono::seconds(1)}, 100};
  PrefixLimit prefix;
  Rate unknown{2000, std::chrono::seconds(1)};
  TcpLimits tcp;
};

enum class DetectorAction : std::uint8_t { Log, Challenge, Reject, Block };
struct Reaction {
  DetectorAction action = DetectorAction::Log;
  Duration block_for = 10min;  // for Block
};

struct DetectorsConfig {
  Reaction invite_flood{DetectorAction::Block, 10min};
  Reaction register_bruteforce{DetectorAction::Block, 1h};
  std::uint32_t register_failures = 5;
  Duration register_within = 60s;
  Reaction scanner{DetectorAction::Block, 1h};
  Reaction forged_request{DetectorAction::Reject, 10min};
  Reaction malformed{DetectorAction::Block, 10min};
  Rate malformed_rate{30, std::chrono::minutes(1)};
  Reaction tdos{DetectorAction::Reject, 10min};
  Rate tdos_calls_per_callee{5, std::chrono::seconds(1)};
  Reaction toll_fraud{DetectorAction::Reject, 10min};
  std::vector<std::string> toll_fraud_prefixes{"+882", "+979"};
  Rate toll_fraud_calls{10, std::chrono::hours(1)};
  std::uint32_t toll_fraud_concurrent = 2;
  // Spans of time in which these hold; outside them, those below. Empty: always.
  std::vector<std::string> toll_fraud_hours;
  Rate toll_fraud_off_hours_calls{2, std::chrono::hours(1)};
  std::uint32_t toll_fraud_off_hours_concurrent = 1;
  Reaction call_spam{DetectorAction::Reject, 10min};
  // What lists and the file said when the configuration was loaded; null: nobody.
  SharedValue<policy::CallerList> denied_callers, allowed_callers;
};

struct SignatureFile {
  std::string file;  // resolved path
  bool apply_to_all = false;
  std::vector<std::uint32_t> dry_run;
};

struct SecurityConfig {
  std::vector<AccessRule> access;  // first match wins
  std::vector<std::string> blocklist_files;
  // What each of them said when the configuration was loaded; null: it was not read.
  std::vector<SharedValue<std::vector<Prefix>>> blocklist_prefixes;
  SourceLimits limits;
  bool promote_by_registration = true, promote_by_call = true;
  Duration promotion_lasts = 1h;
  Duration overload_queue_delay = 50ms;
  std::uint32_t overload_cpu_percent = 85;
  DetectorsConfig detectors;
  std::vector<SignatureFile> signatures;
  // What these files said when the configuration was loaded; null: nothing.
  SharedValue<policy::SignatureSet> signature_set;
};

}  // namespace sallyport
