// calls_json.h — calls and their messages as JSON: what the control socket and REST answer.
//
// A call has the fields of a CDR (interfaces.md) without those that are of the record alone, and:
//   "state": trying, ringing, answered, ending, ended    "reasons": [{"at","text"}]
//   in each "media" row "stream", "from" (caller, callee: who sent it), "lost_ratio" (0 to 1),
//   "round_trip_ms"
// What is not known yet is null.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "mgmt/calls/call_desk.h"

namespace sallyport::mgmt {

struct CallNames {
  std::string node;
  std::vector<std::string> realms;  // by RealmIndex
};

// {"calls":[...without reasons],"active":N,"next":"cursor" or null}: as to_text() would write it, without a
// tree of it, for a page has a thousand.
[[nodiscard]] std::string calls_text(const CallPage& page, std::uint64_t active);
[[nodiscard]] nlohmann::ordered_json call_json(const sip::CallView& call, Timestamp at,
                                               const ClockPair& clocks);
// {"call":{...},"parties":[{"name","realm","remote"}],"messages":[{"at","after_ms","from","to","local","remote",
//   "method","status","reason","cseq","sdp","again","bytes","text"}],"cut":false}
// `from` and `to` are positions in `parties`: 0 is the caller, 1 Sallyport, the others are the callee's
// sides.
[[nodiscard]] nlohmann::ordered_json trace_json(const CallTrace& trace, const CallNames& names);
// As text, ASCII alone: octets that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& json);

}  // namespace sallyport::mgmt
