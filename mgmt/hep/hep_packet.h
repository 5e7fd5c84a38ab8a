// hep_packet.h — a SIP message, or how good a direction of media was, as a packet of the Homer Encapsulation
// Protocol, version 3: HEP3 network protocol specification, rev. 32, §2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/capture/captured_message.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {

// Who sends.
struct HepSource {
  std::uint32_t capture_id = 0;
  std::string node{};
  std::vector<std::string> realms{};  // by name: sides whose media is told of; empty: all
  Duration utc_at_zero{};             // of the core's clock
};

// The correlation id is the id of the call, the same on both legs. `utc`: when the message passed.
[[nodiscard]] std::string hep_packet(const HepSource& source, const CapturedMessage& message, Duration utc);

// What the relay has measured of one direction, when its call is over: a report in JSON (payload type 34, the
// members that Homer reads of an RTP agent), from where its packets came to where they came to us. `end`: the
// record that `media` is of.
[[nodiscard]] std::string hep_quality_packet(const HepSource& source, const CallRecord& end,
                                             const MediaRecord& media, Duration utc);

}  // namespace sallyport::mgmt
