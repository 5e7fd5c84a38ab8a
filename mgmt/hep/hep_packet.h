// hep_packet.h — a SIP message as a packet of the Homer Encapsulation Protocol, version 3: HEP3 network
// protocol specification, rev. 32, §2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mgmt/capture/captured_message.h"

namespace sallyport::mgmt {

struct HepSource {
  std::uint32_t capture_id = 0;
  std::string node;
};

// The correlation id is the id of the call, the same on both legs. `utc`: when the message passed.
[[nodiscard]] std::string hep_packet(const HepSource& source, const CapturedMessage& message, Duration utc);

}  // namespace sallyport::mgmt
