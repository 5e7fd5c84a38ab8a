// name_view.h — what an operator sees of a peer's target that is a name: RFC 3263.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/time.h"
#include "policy/model/index.h"
#include "sipalg/location/locator.h"

namespace sallyport::sip {

struct NameView {
  PeerIndex peer = PeerIndex::kNone;
  std::uint16_t configured = 0;        // position in PeerConfig::targets
  std::string name;                    // the domain, ":port" behind it when one is configured
  std::string_view state;              // of static storage: "found", or why not
  std::vector<LocatedTarget> targets;  // in the order of priority
  std::optional<Duration> ttl_left;    // until something is asked again at the latest
  bool is_stale = false;               // still serves though its time is over: no server answers
};

}  // namespace sallyport::sip
