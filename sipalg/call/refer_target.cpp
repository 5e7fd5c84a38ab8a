// refer_target.cpp — Refer-To and Replaces, read strictly: RFC 3515 §2.1, RFC 3261 §19.1.1, RFC 3891 §6.1,
// RFC 4488 §4.
#include "sipalg/call/refer_target.h"

#include "policy/route/dialled.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr std::uint16_t kBad = 400, kForbidden = 403, kWrongScheme = 416;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Nothing when an escape is cut, or stands for what no header field may hold.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

bool is_token(std::string_view text) noexcept {
  for (const char c : text)
    if (!has_class(c, kToken)) return false;
  return !text.empty();
}

// word ["@" word]
bool is_call_id(std::string_view text) noexcept {
  unsigned ats = 0;
  for (const char c : text) {
    if (c == '@') ++ats;
    if (c != '@' && !has_class(c, kWord)) return false;
  }
  return !text.empty() && ats <= 1 && text.front() != '@' && text.back() != '@';
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpaces = " \t\r\n";  // folding too
  while (!text.empty() && kSpaces.find(text.front()) != kSpaces.npos) text.remove_prefix(1);
  while (!text.empty() && kSpaces.find(text.back()) != kSpaces.npos) text.remove_suffix(1);
  return text;
}

std::string_view cut(std::string_view& text, char at) noexcept {
  const std::size_t end = text.find(at);
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

// Once at most.
bool take(std::string& place, std::string_view value) {
  if (!place.empty() || !is_token(value)) return false;
  place = value;
  return true;
}

// The header fields of a URI. False: Replaces is there and can't be read, or twice.
bool read_headers(std::string_view headers, std::optional<Replaces>& replaces) {
  while (!headers.empty()) {
    std::string_view header = cut(headers, '&');
    if (!equals_ignoring_case(cut(header, '='), "replaces")) continue;
    const auto value = header.size() <= 3 * kReplacesBytesMax ? unescaped(header) : std::nullopt;
    if (replaces || !value) return false;
    replaces = parse_replaces(*value);
    if (!replaces) return false;
  }
  return true;
}

std::string plain_uri(const Uri& uri) {
  if (is_service_urn(uri)) return std::string(uri.text);
  if (uri.scheme == UriScheme::Tel) return std::string("tel:").append(uri.user);
  std::string out = uri.scheme == UriScheme::Sips ? "sips:" : "sip:";
  out += uri.user;
  out += '@';
  if (uri.address.is_ipv6) out += '[';
  out += uri.address.host;
  if (uri.address.is_ipv6) out += ']';
  return out;
}

}  // namespace

std::optional<Replaces> parse_replaces(std::string_view value) {
  if (value.size() > kReplacesBytesMax) return std::nullopt;
  Replaces out;
  out.call_id = trimmed(cut(value, ';'));
  if (!is_call_id(out.call_id)) return std::nullopt;
  while (!value.empty()) {
    std::string_view param = cut(value, ';');
    const bool has_value = param.find('=') != std::string_view::npos;
    const std::string_view name = trimmed(cut(param, '=')), text = trimmed(param);
    if (equals_ignoring_case(name, "to-tag")) {
      if (!take(out.to_tag, text)) return std::nullopt;
    } else if (equals_ignoring_case(name, "from-tag")) {
      if (!take(out.from_tag, text)) return std::nullopt;
    } else if (equals_ignoring_case(name, "early-only")) {
      if (has_value || out.early_only) return std::nullopt;
      out.early_only = true;
    } else if (!is_token(name)) {
      return std::nullopt;
    }
  }
  if (out.to_tag.empty() || out.from_tag.empty()) return std::nullopt;  // RFC 3891 §6.1
  return out;
}

Result<ReferTarget, std::uint16_t> refer_target(const SipMessage& refer, const StrictnessPolicy& strictness) {
  const HeaderField* field = nullptr;
  for (std::size_t i = 0; i < refer.header_count; ++i) {
    if (refer.headers[i].name != HeaderName::ReferTo) continue;
    if (field != nullptr) return fail(kBad);  // RFC 3515 §2.4.2
    field = &refer.headers[i];
  }
  if (field == nullptr) return fail(kBad);
  Lexer lexer(refer.value_of(*field));
  NameAddr address;
  if (!parse_name_addr(lexer, strictness, address)) return fail(kBad);
  lexer.skip_space();
  if (!lexer.done()) return fail(kBad);
  ReferTarget out;
  out.uri = address.uri;
  const bool is_sip = out.uri.scheme == UriScheme::Sip || out.uri.scheme == UriScheme::Sips;
  if (!is_sip && out.uri.scheme != UriScheme::Tel && !is_service_urn(out.uri)) return fail(kWrongScheme);
  std::string_view method;
  if (find_uri_param(out.uri.params, "method", method) && method != "INVITE") return fail(kForbidden);
  if (!read_headers(out.uri.headers, out.replaces)) return fail(kBad);
  if (!is_service_urn(out.uri) && (out.uri.user.empty() || out.uri.user.size() > policy::kNumberBytesMax))
    return fail(kBad);
  out.request_uri = plain_uri(out.uri);
  return out;
}

bool declines_subscription(const SipMessage& refer) noexcept {
  for (std::size_t i = 0; i < refer.header_count; ++i) {
    const HeaderField& field = refer.headers[i];
    if (field.name != HeaderName::Other || !equals_ignoring_case(refer.name_of(field), "refer-sub")) continue;
    std::string_view value = refer.value_of(field);
    return equals_ignoring_case(trimmed(cut(value, ';')), "false");
  }
  return false;
}

}  // namespace sallyport::sip
