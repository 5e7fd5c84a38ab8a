// far_address.cpp — addresses as the far leg sees them: RFC 3261 §19.1.1, §19.1.6, §25.1, RFC 3323 §4.1, RFC
// 3966 §3, RFC 4694 §4, RFC 5031 §4.2.
#include <array>

#include "policy/route/dialled.h"
#include "sipalg/dialog/dialog.h"
#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

// A display name that is longer does not cross.
constexpr std::size_t kDisplayNameBytesMax = 512;

enum class ParamValue : std::uint8_t { None, Number, GlobalNumber, Text };
struct TelephoneParam {
  std::string_view name;  // in small letters
  ParamValue value;
};
// Of a phone-context only a number crosses: a domain there names the other side (threats I12).
constexpr std::array kTelephoneParams{
    TelephoneParam{"isub", ParamValue::Text}, TelephoneParam{"ext", ParamValue::Number},
    TelephoneParam{"npdi", ParamValue::None}, TelephoneParam{"phone-context", ParamValue::GlobalNumber},
    TelephoneParam{"rn", ParamValue::Number}, TelephoneParam{"cic", ParamValue::Number},
};

// RFC 3966 §3
bool is_visual_separator(char c) noexcept { return c == '-' || c == '.' || c == '(' || c == ')'; }

bool is_number(std::string_view text) noexcept {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF-.()") == std::string_view::npos;
}

bool is_text(std::string_view text) noexcept {
  for (const char c : text)
    if (!has_class(c, kPlainUser) && c != '%') return false;
  return !text.empty();
}

bool suits(ParamValue kind, std::string_view value, bool has_value) noexcept {
  switch (kind) {
    case ParamValue::None:
      return !has_value;
    case ParamValue::Number:
      return is_number(value);
    case ParamValue::GlobalNumber:
      return value.starts_with('+') && is_number(value);
    case ParamValue::Text:
      return is_text(value);
  }
  return false;
}

// Of ";name=value;name" those that belong to a telephone number. RFC 3261 §19.1.6
void add_telephone_params(std::string& out, std::string_view params) {
  while (!params.empty()) {
    params.remove_prefix(1);  // ';'
    const std::string_view param = params.substr(0, params.find(';'));
    params.remove_prefix(param.size());
    const std::size_t equals = param.find('=');
    const bool has_value = equals != std::string_view::npos;
    const std::string_view value = has_value ? param.substr(equals + 1) : std::string_view{};
    for (const TelephoneParam& known : kTelephoneParams) {
      if (!equals_ignoring_case(param.substr(0, equals), known.name) || !suits(known.value, value, has_value))
        continue;
      out.append(1, ';').append(known.name);
      if (has_value) out += '=';
      if (known.value == ParamValue::Text) {
        out += policy::escaped_user(value);
      } else {
        for (const char c : value)
          if (!is_visual_separator(c)) out += c;  // means nothing, and can look like an address
      }
    }
  }
}

// Behind "sip:": user part and '@'; nothing when there is no user.
void add_user(std::string& out, const Uri& original, std::string_view user) {
  const std::size_t params = user.find(';');
  const std::string_view number = user.substr(0, params);
  if (number.empty()) return;
  Lexer plain(number);
  (void)plain.take_while<kPlainUser>();
  plain.done() ? out += number : out += policy::escaped_user(number);
  if (params != std::string_view::npos) add_telephone_params(out, user.substr(params));
  // What a tel URI says of its number holds only while the rules leave the number as it is.
  if (original.scheme == UriScheme::Tel && user == original.user) add_telephone_params(out, original.params);
  out += '@';
}

bool is_phone(const Uri& uri) noexcept {
  if (uri.scheme == UriScheme::Tel) return true;
  std::string_view value;
  return find_uri_param(uri.params, "user", value) && equals_ignoring_case(value, "phone");
}

// Letters, digits and single spaces: nearly every name.
bool is_plain_name(std::string_view name) noexcept {
  bool after_space = false;
  for (const char c : name) {
    if (!has_class(c, kToken) && (c != ' ' || after_space)) return false;
    after_space = c == ' ';
  }
  return !name.empty();
}

// The text of a display name in new quotes, folding and controls taken out. RFC 3261 §25.1
void add_display_name(std::string& out, std::string_view name) {
  if (name.empty()) return;
  const bool is_quoted = name.size() >= 2 && name.front() == '"';
  if (is_quoted) name = name.substr(1, name.size() - 2);
  const std::size_t start = out.size();
  out += '"';
  if (is_plain_name(name)) {
    out += name;
    name = {};
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_quoted && name[i] == '\\' && i + 1 < name.size()) ++i;
    const char c = name[i];
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (has_class(c, kSpace)) {
      if (out.back() != ' ') out += ' ';
    } else if (octet >= 0x20 && octet != 0x7f) {
      out += c;
    }
  }
  const std::size_t size = out.size() - start - 1;
  if (size == 0 || size > kDisplayNameBytesMax) return out.resize(start);
  out += "\" ";
}

constexpr std::size_t kUriExtraBytes = 24;  // "sips:", '@', ";user=phone"

struct FarUri {
  const Uri& original;
  std::string_view user, host_port;
  bool is_sips;
};
// False, and nothing is added, when it would be too long.
bool add_far_uri(std::string& out, const FarUri& uri) {
  const std::size_t start = out.size();
  if (uri.user.empty() && is_service_urn(uri.original)) {
    out += uri.original.text;
    return true;
  }
  out += uri.is_sips ? "sips:" : "sip:";
  add_user(out, uri.original, uri.user);
  const bool has_user = out.back() == '@';
  out += uri.host_port;
  if (has_user && is_phone(uri.original)) out += ";user=phone";
  if (out.size() - start <= kUriBytesMax) return true;
  out.resize(start);
  return false;
}

}  // namespace

bool is_service_urn(const Uri& uri) noexcept {
  constexpr std::string_view kPrefix = "urn:service:";
  const std::string_view text = uri.text;
  if (uri.scheme != UriScheme::Other || text.size() <= kPrefix.size() || text.size() > 128) return false;
  if (!equals_ignoring_case(text.substr(0, kPrefix.size()), kPrefix)) return false;
  for (const char c : text.substr(kPrefix.size()))
    if (!has_class(c, kHost) || c == '_') return false;
  return true;
}

std::string far_uri(const Uri& original, std::string_view user, std::string_view host_port, bool is_sips) {
  std::string uri;
  uri.reserve(user.size() + host_port.size() + kUriExtraBytes);
  (void)add_far_uri(uri, {original, user, host_port, is_sips});
  return uri;
}

std::string far_address(const AddressParts& parts) {
  std::string address;
  set_far_address(address, parts);
  return address;
}

void set_far_address(std::string& address, const AddressParts& parts) {
  if (parts.anonymous)
    return set_text(address, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");  // RFC 3323 §4.1
  const std::string_view name = parts.original->display_name;
  make_room(address, name.size() + parts.user.size() + parts.host.size() + kUriExtraBytes + 8);
  add_display_name(address, name);
  address += '<';
  if (!add_far_uri(address, {parts.original->uri, parts.user, parts.host, parts.is_sips}))
    return address.clear();
  address += '>';
}

}  // namespace sallyport::sip
