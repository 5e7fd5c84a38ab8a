// multipart.h — finds the SDP in a multipart body without touching the rest: RFC 2046 §5.1, RFC 3261 §7.4.1,
// RFC 5621 §3; threats P10.
//
// Where two readers could see different parts (a boundary that only begins like ours, an encoded SDP, a head
// that can't be read, no closing delimiter) the answer is "not readable", never a guess.
#pragma once

#include <cstddef>
#include <string_view>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr unsigned kMultipartDepthMax = 2;  // a multipart in a multipart
inline constexpr std::size_t kPartsMax = 16;       // of all levels together
inline constexpr std::size_t kBoundaryBytesMax = 70;

// Views point into the body.
struct MultipartView {
  bool is_readable = false;
  std::size_t sdp_parts = 0;
  std::string_view whole;     // from the first delimiter to the end of the last: no preamble, no epilogue
  std::string_view sdp_head;  // of the first SDP part, with the empty line behind it
  std::string_view sdp;
};

// `content_type`: the value of the header field. Linear in the body.
[[nodiscard]] MultipartView view_multipart(std::string_view content_type, std::string_view body) noexcept;

// type "/" subtype [;boundary=...] of a Content-Type value.
struct ContentType {
  bool is_readable = false;
  MediaType media;
  std::string_view boundary;  // without quotes; empty: none, or not a usable one
};
[[nodiscard]] ContentType read_content_type(std::string_view value) noexcept;
[[nodiscard]] bool is_sdp(const MediaType& media) noexcept;

}  // namespace sallyport::sip
