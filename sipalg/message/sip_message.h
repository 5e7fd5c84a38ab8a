// sip_message.h — one parsed SIP message: RFC 3261 §7, §8.1.1, §18.3, §20.
//
// Exact for the header fields that Sallyport acts on; all others stay byte-exact in a table of views. Nothing
// is allocated: tables are fixed arrays, and every view points into the bytes that were parsed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipalg/message/cseq_header.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/name_addr.h"
#include "sipalg/message/parse_error.h"
#include "sipalg/message/start_line.h"
#include "sipalg/message/strictness_policy.h"
#include "sipalg/message/via_header.h"

namespace sallyport::sip {

// Limits, each checked before anything is stored (threats P8, P9).
inline constexpr std::size_t kHeadBytesMax = 16384;   // start line and header fields together; beyond: 513
inline constexpr std::size_t kHeaderBytesMax = 4096;  // one header field value
inline constexpr std::size_t kHeaderNameBytesMax = 128;
inline constexpr std::size_t kHeadersMax = 128;    // header field lines
inline constexpr std::size_t kSameHeaderMax = 40;  // lines of one known name
inline constexpr std::size_t kViasMax = 70;        // a request crosses at most so many hops by default
inline constexpr std::size_t kContactsMax = 32;
inline constexpr std::size_t kCallIdBytesMax = 512;
inline constexpr std::uint32_t kBodyBytesMax = 65536;  // on a stream; beyond: 513

// Where in the bytes one header field stands.
struct HeaderField {
  std::uint16_t name_offset;
  std::uint16_t value_offset;
  std::uint16_t value_size;  // white space around it cut off; folding inside kept
  std::uint8_t name_size;
  HeaderName name;
};

struct MediaType {
  std::string_view type, subtype;  // empty: the message has none
};

struct SipMessage {
  std::string_view bytes;  // what was parsed; all views below point into it
  StartLine start;
  ViaHeader top_via;  // look at top_via.answerable
  NameAddr from, to;
  NameAddr contact;  // the first one
  // Those behind the first are checked here one after the other; whoever needs them parses them again.
  ViaHeader last_via;
  NameAddr last_contact;
  CSeqHeader cseq;
  std::string_view call_id;
  MediaType content_type;
  std::string_view body;
  std::uint32_t content_length = 0;
  std::uint32_t expires = 0;
  std::uint16_t via_count = 0;
  std::uint16_t contact_count = 0;
  std::uint16_t header_count = 0;
  std::uint8_t max_forwards = 0;
  bool has_max_forwards = false;
  bool has_content_length = false;
  bool has_expires = false;
  bool contact_is_star = false;
  // From, To, Call-ID and CSeq were read whole, so an answer may repeat them.
  bool has_from = false, has_to = false, has_call_id = false, has_cseq = false;
  // A datagram ended before the body that Content-Length promised (RFC 3261 §18.3: answer 400).
  bool body_is_short = false;
  std::size_t consumed = 0;                             // start of the next message on a stream
  ParseError error;                                     // of the first rule that was broken
  std::array<HeaderField, kHeadersMax> headers;         // only the first header_count are set
  std::array<std::uint8_t, kHeaderNameCount> lines_of;  // how many lines each known name has

  [[nodiscard]] bool is_request() const noexcept { return start.kind == StartLineKind::Request; }
  [[nodiscard]] bool is_response() const noexcept { return start.kind == StartLineKind::Response; }
  [[nodiscard]] bool has(HeaderName name) const noexcept {
    return lines_of[static_cast<std::size_t>(name)] != 0;
  }
  [[nodiscard]] std::string_view name_of(const HeaderField& field) const noexcept {
    return bytes.substr(field.name_offset, field.name_size);
  }
  [[nodiscard]] std::string_view value_of(const HeaderField& field) const noexcept {
    return bytes.substr(field.value_offset, field.value_size);
  }
};

// On a datagram the message is all there is, and octets behind the body are ignored; on a stream
// Content-Length is a must and says where the next message begins. RFC 3261 §18.3
enum class Framing : std::uint8_t { Datagram, Stream };

struct ParseOptions {
  StrictnessPolicy strictness = StrictnessPolicy::of(Strictness::Normal);
  Framing framing = Framing::Datagram;
};

enum class ParseStatus : std::uint8_t {
  Complete,
  Incomplete,  // Stream only: good so far, more bytes are needed
  Malformed,   // `error` says why; what could be read is set, so that an answer can be made
};

// Pure and linear. `message` may be used again and again; nothing of the last use remains.
[[nodiscard]] ParseStatus parse_message(std::string_view bytes, const ParseOptions& options,
                                        SipMessage& message) noexcept;

}  // namespace sallyport::sip
