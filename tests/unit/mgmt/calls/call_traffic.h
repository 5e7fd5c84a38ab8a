// call_traffic.h — a trace of one call with a target that failed, for JSON and ladder.
#pragma once

#include <string>

#include "mgmt/calls/calls_json.h"
#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {

inline std::string sip_message(const std::string& start, const std::string& cseq, const std::string& call_id,
                               const std::string& body = "") {
  std::string out = start + "\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
                    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: " + call_id + "\r\nCSeq: " + cseq +
                    "\r\n";
  if (!body.empty()) out += "Content-Type: application/sdp\r\n";
  return out + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Step {
  std::int64_t at;
  bool is_in;
  const char* remote;
  std::string bytes;
};

inline CallTrace call_trace() {
  const std::string a = "abc@198.18.1.2", b = "token1", sdp = "v=0\r\n";
  const char *const caller = "198.18.1.2:5060", *const dead = "198.18.2.3:5060",
                    *const pbx = "198.18.2.2:5060";
  const std::string invite = sip_message("INVITE sip:200@198.18.1.1 SIP/2.0", "1 INVITE", a, sdp);
  CallTrace out;
  out.call = answered_call(1);
  out.at = moment(10'000);
  out.clocks = {moment(10'000), fake_wall_time()};
  for (const Step& step : std::initializer_list<Step>{
           {1000, true, caller, invite},
           {1001, false, caller, sip_message("SIP/2.0 100 Trying", "1 INVITE", a)},
           {1002, false, dead, sip_message("INVITE sip:0200@198.18.2.3 SIP/2.0", "1 INVITE", b, sdp)},
           {1100, true, dead, sip_message("SIP/2.0 503 Service Unavailable", "1 INVITE", b)},
           {1101, false, pbx, sip_message("INVITE sip:0200@198.18.2.2 SIP/2.0", "2 INVITE", b, sdp)},
           {1500, true, caller, invite},
           {3000, true, pbx, sip_message("SIP/2.0 200 OK", "2 INVITE", b, sdp)},
           {3001, false, caller, sip_message("SIP/2.0 200 OK", "1 INVITE", a, sdp)},
           {3100, true, caller, sip_message("ACK sip:200@198.18.1.1 SIP/2.0", "1 ACK", a)},
           {3200, true, caller, "\x1b[31mno SIP at all\xff"}}) {
    CallMessage message;
    message.at = moment(step.at);
    message.direction = step.is_in ? sip::Direction::In : sip::Direction::Out;
    const bool outside = std::string(step.remote) == caller;
    message.path = {RealmIndex(outside ? 0 : 1),
                    *parse_endpoint(outside ? "198.18.1.1:5060" : "198.18.2.1:5060", 0),
                    *parse_endpoint(step.remote, 0)};
    message.bytes = step.bytes;
    out.messages.push_back(std::move(message));
  }
  return out;
}

inline CallNames call_names() { return {"edge-1", {"outside", "inside"}}; }

}  // namespace sallyport::mgmt
