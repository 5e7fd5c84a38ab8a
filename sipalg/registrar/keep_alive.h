// keep_alive.h — how the answers to keep-alives are known: RFC 4787 REQ-6, RFC 5626 §4.4.
#pragma once

#include <cstdint>

namespace sallyport::sip {

// `part` of the branch of an OPTIONS that keeps a NAT's mapping: no transaction waits for its answer.
inline constexpr std::uint16_t kKeepAlivePart = 1;

}  // namespace sallyport::sip
