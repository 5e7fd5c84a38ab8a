// line_scanner.h — splits a message head into lines, folding understood: RFC 3261 §7.3.1, grammar §25.1.
//
// One pass, 64 bytes at a time: only CR, LF and other control octets are looked at one by one. That is
// also where a bare CR, a bare LF and a NUL are found (threats P3), whichever header they stand in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

struct ScannedLine {
  const char* begin = nullptr;
  const char* end = nullptr;       // without the line end
  bool has_controls = false;       // octets below 0x20 other than HT: allowed in a quoted-pair only
  const char* bare_end = nullptr;  // first bare CR or bare LF in it
};

class LineScanner {
 public:
  // With `bare_lf_ends_line` an LF without CR counts as a line end.
  LineScanner(std::string_view bytes, bool bare_lf_ends_line) noexcept;

  // The next line with its continuation lines. False when the bytes end before it is known where the line
  // does; position() stays at its beginning.
  [[nodiscard]] bool next_line(ScannedLine& line) noexcept;
  // Behind the end of the last line.
  [[nodiscard]] const char* position() const noexcept { return next_; }

 private:
  bool next_plain_line(ScannedLine& line) noexcept;
  // The next octet below 0x20 other than HT, or end_.
  const char* next_control() noexcept;

  const char* end_;
  const char* next_;            // where the next line begins
  const char* block_;           // the block of 64 under examination
  std::uint64_t controls_ = 0;  // bits of the control octets in it that are still to be looked at
  bool bare_lf_ends_line_;
};

}  // namespace sallyport::sip
