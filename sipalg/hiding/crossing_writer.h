// crossing_writer.h — writes the header fields that cross, with their edits: RFC 3261 §7.3.1, §16.6.
#pragma once

#include <string_view>

#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {

// More than so many fields do not cross: with our own they would be more than a message may have.
inline constexpr std::size_t kCrossingFieldsMax = 96;

// What the new message has of its own, so that it is not written twice.
struct OwnFields {
  bool in_request = true;
  bool has_body = false;  // without it nothing crosses that describes one
  bool has_accept = false;
  bool has_retry_after = false;
  bool has_session_id = false;
  std::string_view host{};  // ours, in addresses that are rebuilt; empty: none is
};

void write_crossing(MessageWriter& writer, const CrossingPart& part, const OwnFields& own) noexcept;

}  // namespace sallyport::sip
