// short_answer.h — what is done so that an answer is no larger than its request (arrival.h).
#pragma once

#include <cstddef>
#include <span>

namespace sallyport::sip {

// The same response over UDP with fewer octets, in place: compact names of header fields, no space behind
// their colon, no Content-Length for a body of nothing. As a writer of ours made it: one line a field,
// without a body. Says how many octets are left. RFC 3261 §7.3.3, §18.3, §20.14
[[nodiscard]] std::size_t shorten_response(std::span<char> bytes) noexcept;

}  // namespace sallyport::sip
