// route.h — routes, header rules and prefix tables as configured.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/base/time.h"

namespace sallyport {

// Members of a list are joined by OR, the keys by AND; an empty list matches all.
struct RouteMatch {
  std::vector<std::string> peers, realms, registrars, methods, hosts, times;
  std::vector<std::string> called, caller;                   // RE2 patterns
  std::vector<std::pair<std::string, std::string>> headers;  // name, RE2 pattern
};

struct RouteToPeer {
  std::string name;
};
struct RouteToRegistrar {
  std::string name;
};
struct RouteToTable {
  std::string name;
};
struct RouteRedirect {
  std::string uri;
};
struct RouteReject {
  std::uint16_t code = 403;
};
using RouteTarget = std::variant<RouteToPeer, RouteToRegistrar, RouteToTable, RouteRedirect, RouteReject>;

struct RouteConfig {
  std::string name;
  RouteMatch match;
  std::vector<std::string> rules;  // header_rules by name
  std::vector<RouteTarget> to;
  std::vector<std::uint16_t> retry_on{408, 500, 502, 503, 504};
};

namespace policy {
class PrefixTable;
}

struct TableConfig {
  std::string name;
  std::string file;  // resolved path
  // What the file said when the configuration was loaded; null: it was not read.
  SharedValue<policy::PrefixTable> content;
  std::vector<std::string> peers;  // those that it names; its lines count in this list
};

enum class RuleAction : std::uint8_t { Replace, Set, Remove };
struct RuleStep {
  std::string field;  // called | caller | identity | diversion | header:NAME | sdp:ATTRIBUTE
  RuleAction action = RuleAction::Set;
  std::string pattern;  // Replace: RE2
  std::string value;    // Replace: with; Set: value; Remove: "all" or "first"
};
struct HeaderRuleConfig {
  std::string name;
  std::vector<std::string> when_methods;
  std::vector<RuleStep> steps;
};

struct EmergencyConfig {
  std::vector<std::string> numbers{"112", "911"};
  std::vector<std::string> urns{"urn:service:sos"};
  std::vector<RouteTarget> to;
  Duration callback = 30min;  // so long after it calls to its caller pass the detectors and limits
};

}  // namespace sallyport
