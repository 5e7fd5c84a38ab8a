// contact_uri.cpp — comparison of URIs: RFC 3261 §19.1.4.
#include "sipalg/registrar/contact_uri.h"

#include <array>

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
// These count though only one of the two has them.
constexpr std::array<std::string_view, 5> kAlwaysCompared{"user", "ttl", "method", "maddr", "transport"};

char folded(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

unsigned hex_value(char c) noexcept {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(folded(c) - 'a') + 10;
}

// The next character with its escape taken off; the text has whole escapes only.
char next_character(std::string_view& text) noexcept {
  char c = text.front();
  std::size_t used = 1;
  if (c == '%' && text.size() >= 3) {
    c = static_cast<char>(hex_value(text[1]) << 4 | hex_value(text[2]));
    used = 3;
  }
  text.remove_prefix(used);
  return c;
}

bool is_same_text(std::string_view a, std::string_view b, bool ignores_case) noexcept {
  while (!a.empty() && !b.empty()) {
    const char one = next_character(a), other = next_character(b);
    if (ignores_case ? folded(one) != folded(other) : one != other) return false;
  }
  return a.empty() && b.empty();
}

struct Param {
  std::string_view name, value;
};

// Takes the first one off ";name=value;name".
bool take_param(std::string_view& params, Param& out) noexcept {
  if (params.empty()) return false;
  params.remove_prefix(1);  // ';'
  const std::string_view whole = params.substr(0, params.find(';'));
  params.remove_prefix(whole.size());
  const std::size_t equals = whole.find('=');
  out = {whole.substr(0, equals),
         equals == std::string_view::npos ? std::string_view{} : whole.substr(equals + 1)};
  return true;
}

bool find_param(std::string_view params, std::string_view name, Param& out) noexcept {
  while (take_param(params, out))
    if (is_same_text(out.name, name, true)) return true;
  return false;
}

bool counts_always(std::string_view name) noexcept {
  for (const std::string_view known : kAlwaysCompared)
    if (equals_ignoring_case(name, known)) return true;
  return false;
}

// Each of `a` that `b` has too has the same value there, and `b` has those that always count.
bool params_agree(std::string_view a, std::string_view b) noexcept {
  Param one, other;
  while (take_param(a, one)) {
    if (find_param(b, one.name, other)) {
      if (!is_same_text(one.value, other.value, true)) return false;
    } else if (counts_always(one.name)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_same_uri(const Uri& a, const Uri& b) noexcept {
  if (a.text == b.text) return true;
  const bool is_sip = a.scheme == UriScheme::Sip || a.scheme == UriScheme::Sips;
  if (a.scheme != b.scheme || !is_sip) return false;  // SIP and SIPS are never equivalent
  return is_same_text(a.user, b.user, false) && is_same_text(a.password, b.password, false) &&
         is_same_text(a.address.host, b.address.host, true) && a.address.port == b.address.port &&
         params_agree(a.params, b.params) && params_agree(b.params, a.params) && a.headers == b.headers;
}

bool is_same_uri(std::string_view a, std::string_view b) noexcept {
  if (a == b) return true;
  Uri one, other;
  Lexer first(a), second(b);
  return parse_uri(first, kForgiving, one) && parse_uri(second, kForgiving, other) && is_same_uri(one, other);
}

}  // namespace sallyport::sip
