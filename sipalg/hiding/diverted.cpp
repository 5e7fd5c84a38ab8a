// diverted.cpp — entries of History-Info and Diversion, one after the other: RFC 7044 §5, §10.1.2; RFC 5806
// §4; RFC 3326 §2, RFC 4458 §2.
#include "sipalg/hiding/diverted.h"

#include <array>
#include <string>

#include "policy/route/dialled.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/message/name_addr.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr std::size_t kIndexBytesMax = 64;
constexpr std::size_t kReasonBytesMax = 32;
constexpr std::string_view kAnonymous = "<sip:anonymous@anonymous.invalid>";

using IsGood = bool (*)(std::string_view value) noexcept;

// 1*DIGIT *("." 1*DIGIT), RFC 7044 §5
bool is_index(std::string_view text) noexcept {
  if (text.empty() || text.size() > kIndexBytesMax) return false;
  bool after_digit = false;
  for (const char c : text) {
    if (c == '.' ? !after_digit : !has_class(c, kDigit)) return false;
    after_digit = c != '.';
  }
  return after_digit;
}

bool is_small_number(std::string_view text) noexcept { return parse_decimal(text, 999).has_value(); }

// RFC 5806 §4, and whatever word a switch has made up since.
bool is_reason(std::string_view text) noexcept {
  if (text.empty() || text.size() > kReasonBytesMax) return false;
  for (const char c : text)
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-' && !has_class(c, kDigit)) return false;
  return true;
}

template <std::size_t kWords>
bool is_one_of(std::string_view text, const std::array<std::string_view, kWords>& words) noexcept {
  for (const std::string_view word : words)
    if (equals_ignoring_case(text, word)) return true;
  return false;
}
bool is_yes_or_no(std::string_view text) noexcept {
  return is_one_of(text, std::array<std::string_view, 2>{"yes", "no"});
}
bool is_privacy(std::string_view text) noexcept {
  return is_one_of(text, std::array<std::string_view, 4>{"full", "name", "uri", "off"});
}

struct KeptParam {
  std::string_view name;  // in small letters
  IsGood is_good;
};
constexpr std::array kHistoryParams{KeptParam{"index", is_index}, KeptParam{"rc", is_index},
                                    KeptParam{"mp", is_index}, KeptParam{"np", is_index}};
constexpr std::array kDiversionParams{KeptParam{"reason", is_reason}, KeptParam{"counter", is_small_number},
                                      KeptParam{"limit", is_small_number}, KeptParam{"screen", is_yes_or_no},
                                      KeptParam{"privacy", is_privacy}};

std::string_view unquoted(std::string_view value) noexcept {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

// Of each kept name the first one that is good.
template <std::size_t kNames>
class Params {
 public:
  Params(std::string_view params, const std::array<KeptParam, kNames>& kept) noexcept : kept_(kept) {
    Lexer lexer(params);
    GenericParam param;
    while (lexer.next_is(';') && parse_generic_param(lexer, kForgiving, param))
      for (std::size_t i = 0; i < kNames; ++i) {
        const std::string_view value = unquoted(param.value);
        if (values_[i].empty() && equals_ignoring_case(param.name, kept[i].name) && kept[i].is_good(value))
          values_[i] = value;
      }
  }
  [[nodiscard]] std::string_view value(std::size_t i) const noexcept { return values_[i]; }
  void add_to(std::string& out) const {
    for (std::size_t i = 0; i < kNames; ++i)
      if (!values_[i].empty()) out.append(";").append(kept_[i].name).append("=").append(values_[i]);
  }

 private:
  const std::array<KeptParam, kNames>& kept_;
  std::array<std::string_view, kNames> values_{};
};

// The value of a header in a URI, without escapes; empty too when it would be long. RFC 3261 §19.1.1
std::string header_in(std::string_view headers, std::string_view name) {
  constexpr std::size_t kBytesMax = 256;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  while (!headers.empty()) {
    const std::string_view one = headers.substr(0, headers.find('&'));
    headers.remove_prefix(std::min(one.size() + 1, headers.size()));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || !equals_ignoring_case(one.substr(0, equals), name)) continue;
    const std::string_view escaped = one.substr(equals + 1);
    if (escaped.size() > kBytesMax || !escapes_are_whole(escaped)) return {};
    std::string value;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
      if (escaped[i] != '%') {
        value += escaped[i];
        continue;
      }
      value += static_cast<char>(digit(escaped[i + 1]) << 4 | digit(escaped[i + 2]));
      i += 2;
    }
    return value;
  }
  return {};
}

// "SIP;cause=302" of the URI's Reason, with the escapes that it needs there. RFC 7044 §5
std::string escaped_reason(std::string_view headers) {
  const std::string reason = header_in(headers, "reason");
  ValueBuffer room;
  const auto cause = crossing_value(CrossingForm::Cause, reason, false, room);
  if (!cause || cause->find(',') != std::string_view::npos) return {};
  std::string escaped;
  for (const char c : *cause) {
    if (c == ';')
      escaped += "%3B";
    else if (c == '=')
      escaped += "%3D";
    else
      escaped += c;
  }
  return escaped;
}

// The URI of the far address in front of its closing bracket, with what may stand behind the host.
void add_to_uri(std::string& address, const Uri& uri, bool keeps_privacy) {
  std::string behind;
  std::string_view cause;
  if (find_uri_param(uri.params, "cause", cause) && is_small_number(cause))
    behind.append(";cause=").append(cause);  // RFC 4458 §2
  const std::string reason = escaped_reason(uri.headers);
  const bool is_private = !keeps_privacy && !header_in(uri.headers, "privacy").empty();
  if (!reason.empty()) behind.append("?Reason=").append(reason);
  if (is_private) behind.append(reason.empty() ? "?" : "&").append("Privacy=history");
  address.insert(address.size() - 1, behind);
}

// "none" is no wish to be hidden. RFC 3323 §4.2
bool asks_for_privacy(const Uri& uri) {
  const std::string privacy = header_in(uri.headers, "privacy");
  return !privacy.empty() && !equals_ignoring_case(privacy, "none");
}

std::string rebuilt(const NameAddr& entry, DivertedTerms& terms) {
  std::string_view user = entry.uri.user;
  if (terms.first_number) {
    user = *terms.first_number;
    terms.first_number.reset();
    if (user.empty()) return {};
  }
  return far_address(
      {.original = &entry, .user = user, .host = terms.host, .is_sips = entry.uri.scheme == UriScheme::Sips});
}

std::string history_entry(const NameAddr& entry, DivertedTerms& terms) {
  const Params params(entry.params, kHistoryParams);
  std::string text;
  if (terms.keeps_privacy && asks_for_privacy(entry.uri)) {
    text = kAnonymous;  // RFC 7044 §10.1.2
  } else {
    text = rebuilt(entry, terms);
    if (text.empty()) return {};
    if (entry.uri.scheme != UriScheme::Other) add_to_uri(text, entry.uri, terms.keeps_privacy);
  }
  params.add_to(text);
  return text;
}

std::string diversion_entry(const NameAddr& entry, DivertedTerms& terms) {
  constexpr std::size_t kPrivacy = 4;
  const Params params(entry.params, kDiversionParams);
  std::string text = rebuilt(entry, terms);
  const std::string_view privacy = params.value(kPrivacy);
  const bool is_private = !privacy.empty() && !equals_ignoring_case(privacy, "off");
  // Without a number it says nothing but where it was.
  if (text.empty() || entry.uri.user.empty() || (terms.keeps_privacy && is_private)) return {};
  params.add_to(text);
  return text;
}

std::optional<std::string_view> list(const ReadableValue& value, DivertedTerms& terms, ValueBuffer& buffer,
                                     std::string (*entry)(const NameAddr&, DivertedTerms&)) {
  buffer.clear();
  Lexer lexer(value.text, value.readable_end);
  while (true) {
    NameAddr address;
    if (!parse_name_addr(lexer, kForgiving, address)) return std::nullopt;
    if (terms.entries_left != 0) {
      --terms.entries_left;
      const std::string text = entry(address, terms);
      if (!text.empty() && !buffer.empty()) buffer.add(", ");
      buffer.add(text);
    }
    lexer.skip_space();
    if (lexer.done()) return buffer.value();
    if (!lexer.take(',')) return std::nullopt;
  }
}

}  // namespace

std::optional<std::string_view> history_value(const ReadableValue& value, DivertedTerms& terms,
                                              ValueBuffer& buffer) {
  return list(value, terms, buffer, history_entry);
}

std::optional<std::string_view> diversion_value(const ReadableValue& value, DivertedTerms& terms,
                                                ValueBuffer& buffer) {
  return list(value, terms, buffer, diversion_entry);
}

}  // namespace sallyport::sip
