// cseq_header.h — CSeq header field: RFC 3261 §20.16, §8.1.1.5, grammar §25.1.
#pragma once

#include <cstdint>
#include <string_view>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {

inline constexpr std::size_t kMethodBytesMax = 64;

// Views point into the message buffer that was parsed.
struct CSeqHeader {
  std::uint32_t number = 0;
  std::string_view digits;  // as written; set even when the number is out of range, for the 400 that says so
  std::string_view method;
};

[[nodiscard]] bool parse_cseq(Lexer& lexer, const StrictnessPolicy& strictness, CSeqHeader& out) noexcept;

}  // namespace sallyport::sip
