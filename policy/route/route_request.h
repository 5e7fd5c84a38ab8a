// route_request.h — what a request says of itself to the routes, as views that live as long as the request.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "policy/model/index.h"
#include "policy/route/week_minute.h"

namespace sallyport::policy {

// One header field. Names in their long form: "From", never "f"; they are compared without regard to case.
struct HeaderView {
  std::string_view name, value;
};

struct RouteRequest {
  PeerIndex peer = PeerIndex::kNone;  // of an endpoint: the place of its registrar. kNone: a stranger
  RealmIndex realm = RealmIndex::kNone;
  std::string_view method;
  std::string_view called;  // user part of the Request-URI, or tel number; behind the rules of the profile
  std::string_view caller;  // user part of From, or tel number; the same
  std::string_view host;    // of the Request-URI
  std::string_view request_uri;  // all of it, as received
  std::span<const HeaderView> headers;
  WeekMinute time;
  bool is_emergency = false;  // known already, from the number before the rules
  // Chooses among the lines of a table by their weights; 0: the heaviest first. A new one for each call.
  std::uint64_t random = 0;
};

}  // namespace sallyport::policy
