// call_record.cpp — the printed form of a call's number.
#include "policy/record/call_record.h"

#include <charconv>

namespace sallyport {
namespace {

constexpr std::size_t kHalf = 8;

}  // namespace

std::string call_id_text(std::uint64_t call) {
  std::string text(2 * kHalf + 1, '-');
  for (std::size_t i = 0; i < 2 * kHalf; ++i) {
    const auto digit = static_cast<std::size_t>(call >> (60 - 4 * i)) & 15;
    text[i < kHalf ? i : i + 1] = "0123456789abcdef"[digit];
  }
  return text;
}

std::optional<std::uint64_t> parse_call_id_text(std::string_view text) noexcept {
  if (text.size() != 2 * kHalf + 1 || text[kHalf] != '-') return std::nullopt;
  std::uint64_t halves[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    const char* const first = text.data() + i * (kHalf + 1);
    const auto [end, error] = std::from_chars(first, first + kHalf, halves[i], 16);
    if (error != std::errc{} || end != first + kHalf) return std::nullopt;
  }
  return halves[0] << 32 | halves[1];
}

}  // namespace sallyport
