// costly_prefixes.cpp — see costly_prefixes.h.
#include "policy/detect/costly_prefixes.h"

#include <algorithm>
#include <array>

namespace sallyport::policy {
namespace {

// Longer than any number; what lies behind it says nothing about the beginning.
constexpr std::size_t kSymbolsMax = 40;
constexpr std::size_t kPlusDigitsMin = 1, kDigitsMin = 9, kBareDigitsMin = 12;
constexpr std::array<std::string_view, 3> kAccessCodes{"0011", "011", "00"};
constexpr std::string_view kSeparators = "-.() ";

// The symbols of a number without what is only there to be read. Escapes of such ("%2B", "%2D") are undone.
struct Symbols {
  std::array<char, kSymbolsMax> text{};
  std::size_t size = 0;
  explicit Symbols(std::string_view number) noexcept {
    for (std::size_t i = 0; i < number.size() && size < kSymbolsMax; ++i) {
      char symbol = number[i];
      if (symbol == ';' || symbol == '@') break;
      if (symbol == '%' && i + 2 < number.size()) {
        symbol = unescaped(number[i + 1], number[i + 2]);
        i += 2;
      }
      if (kSeparators.find(symbol) != std::string_view::npos) continue;
      text[size++] = symbol;
    }
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text.data(), size}; }

 private:
  [[nodiscard]] static int value_of(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
  }
  [[nodiscard]] static char unescaped(char high, char low) noexcept {
    const int value = value_of(high) * 16 + value_of(low);
    return value_of(high) < 0 || value_of(low) < 0 ? '%' : static_cast<char>(value);
  }
};

[[nodiscard]] std::size_t digits_at_front(std::string_view text) noexcept {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

}  // namespace

CostlyPrefixes::CostlyPrefixes(const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    const Symbols symbols(prefix);
    const std::string_view plain = symbols.view();
    if (plain.find_first_not_of('+') == std::string_view::npos) continue;  // it would be every number
    if (plain.starts_with('+'))
      abroad_.emplace_back(plain.substr(1));
    else
      as_dialled_.emplace_back(plain);
  }
}

bool CostlyPrefixes::is_abroad(std::string_view digits) const noexcept {
  return std::ranges::any_of(abroad_, [&](const std::string& prefix) { return digits.starts_with(prefix); });
}

bool CostlyPrefixes::has(std::string_view called) const noexcept {
  if (abroad_.empty() && as_dialled_.empty()) return false;
  const Symbols symbols(called);
  std::string_view number = symbols.view();
  for (const std::string& prefix : as_dialled_)
    if (number.starts_with(prefix)) return true;
  const bool has_plus = number.starts_with('+');
  if (has_plus) number.remove_prefix(1);
  if (digits_at_front(number) >= (has_plus ? kPlusDigitsMin : kBareDigitsMin) && is_abroad(number))
    return true;
  for (const std::size_t outside : {std::size_t{0}, std::size_t{1}}) {
    if (outside == 1 && !number.starts_with('9') && !number.starts_with('0')) break;
    for (const std::string_view code : kAccessCodes) {
      if (!number.substr(std::min(outside, number.size())).starts_with(code)) continue;
      const std::string_view rest = number.substr(outside + code.size());
      if (digits_at_front(rest) >= kDigitsMin && is_abroad(rest)) return true;
    }
  }
  return false;
}

}  // namespace sallyport::policy
