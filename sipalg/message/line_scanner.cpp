// line_scanner.cpp — line ends and control octets, 64 bytes at a time (SSE2): RFC 3261 §7.3.1.
#include "sipalg/message/line_scanner.h"

#include <emmintrin.h>

#include <bit>
#include <cstring>

namespace sallyport::sip {
namespace {

constexpr std::ptrdiff_t kBlock = 64;

std::uint64_t controls_of(const char* at) noexcept {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i limit = _mm_set1_epi8(0x1f);
  const __m128i below = _mm_cmpeq_epi8(_mm_min_epu8(bytes, limit), bytes);  // byte <= 0x1f
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  return static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_andnot_si128(tab, below)));
}

std::uint64_t controls_of_block(const char* at) noexcept {
  return controls_of(at) | controls_of(at + 16) << 16 | controls_of(at + 32) << 32 |
         controls_of(at + 48) << 48;
}

std::uint64_t controls_at(const char* at, const char* end) noexcept {
  if (end - at >= kBlock) return controls_of_block(at);
  char padded[kBlock];
  std::memset(padded, 'x', sizeof padded);
  std::memcpy(padded, at, static_cast<std::size_t>(end - at));
  return controls_of_block(padded);
}

}  // namespace

LineScanner::LineScanner(std::string_view bytes, bool bare_lf_ends_line) noexcept
    : end_(bytes.data() + bytes.size()),
      next_(bytes.data()),
      block_(bytes.data()),
      bare_lf_ends_line_(bare_lf_ends_line) {
  if (!bytes.empty()) controls_ = controls_at(block_, end_);
}

const char* LineScanner::next_control() noexcept {
  while (controls_ == 0) {
    if (end_ - block_ <= kBlock) return end_;
    block_ += kBlock;
    controls_ = controls_at(block_, end_);
  }
  const char* found = block_ + std::countr_zero(controls_);
  controls_ &= controls_ - 1;
  return found;
}

// Nearly every line: ends with the CRLF that is the next control octet, no folding behind it, and all of that
// within the block.
bool LineScanner::next_plain_line(ScannedLine& line) noexcept {
  if (controls_ == 0) {
    if (end_ - block_ <= kBlock) return false;
    block_ += kBlock;
    controls_ = controls_at(block_, end_);
    if (controls_ == 0) return false;
  }
  const char* at = block_ + std::countr_zero(controls_);
  const std::uint64_t behind = controls_ & (controls_ - 1);
  if (end_ - at < 3 || behind == 0 || at[0] != '\r' || at[1] != '\n') return false;
  if ((at[2] == ' ' || at[2] == '\t') && at != next_) return false;
  line = {next_, at, false, nullptr};
  controls_ = behind & (behind - 1);
  next_ = at + 2;
  return true;
}

bool LineScanner::next_line(ScannedLine& line) noexcept {
  if (next_plain_line(line)) return true;
  line = {next_, nullptr, false, nullptr};
  while (true) {
    const char* at = next_control();
    if (at == end_) return false;
    const bool crlf = *at == '\r' && end_ - at > 1 && at[1] == '\n';
    if (!crlf && *at != '\r' && *at != '\n') {
      line.has_controls = true;
      continue;
    }
    if (crlf && controls_ != 0) {  // the LF, nearly always in the same block
      controls_ &= controls_ - 1;
    } else if (crlf) {
      (void)next_control();
    }
    if (!crlf && !(*at == '\n' && bare_lf_ends_line_)) {
      if (line.bare_end == nullptr) line.bare_end = at;
      continue;
    }
    const char* behind = at + (crlf ? 2 : 1);
    // White space after a line that is not empty continues it, so its end is known one octet later.
    // RFC 3261 §7.3.1
    if (at != line.begin && behind == end_) return false;
    if (at != line.begin && (*behind == ' ' || *behind == '\t')) continue;
    line.end = at;
    next_ = behind;
    return true;
  }
}

}  // namespace sallyport::sip
