// The agents' own parser and writer of SIP.
#include "tests/sim/sip_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace sallyport::sim {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string long_name(std::string_view name) {
  // RFC 3261 §20: compact forms of what agents look at.
  constexpr std::array<std::pair<char, std::string_view>, 10> kCompact{{{'v', "Via"},
                                                                        {'f', "From"},
                                                                        {'t', "To"},
                                                                        {'i', "Call-ID"},
                                                                        {'m', "Contact"},
                                                                        {'l', "Content-Length"},
                                                                        {'c', "Content-Type"},
                                                                        {'k', "Supported"},
                                                                        {'s', "Subject"},
                                                                        {'e', "Content-Encoding"}}};
  if (name.size() == 1)
    for (const auto& [letter, full] : kCompact)
      if (std::tolower(static_cast<unsigned char>(name[0])) == letter) return std::string(full);
  return std::string(name);
}

bool is_list(std::string_view name) {
  return same_name(name, "Via") || same_name(name, "Route") || same_name(name, "Record-Route") ||
         same_name(name, "Contact");
}

// Commas outside of quotes and angle brackets part the values of a list.
std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> parts;
  std::string part;
  bool quoted = false, bracketed = false;
  for (const char c : value) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '<') bracketed = true;
    if (!quoted && c == '>') bracketed = false;
    if (c == ',' && !quoted && !bracketed) {
      parts.emplace_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  parts.emplace_back(trimmed(part));
  return parts;
}

std::string parse_start_line(std::string_view line, SipText& message) {
  if (line.starts_with("SIP/2.0 ")) {
    if (line.size() < 12 || line[11] != ' ') return "status line without a code";
    const auto [end, error] = std::from_chars(line.data() + 8, line.data() + 11, message.code);
    if (error != std::errc{} || end != line.data() + 11 || message.code < 100 || message.code > 699)
      return "status code is none";
    message.phrase = std::string(line.substr(12));
    return {};
  }
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || line.substr(last) != " SIP/2.0")
    return "request line is none";
  message.method = std::string(line.substr(0, first));
  message.uri = std::string(line.substr(first + 1, last - first - 1));
  if (message.uri.empty() || message.uri.find(' ') != std::string::npos) return "Request-URI is none";
  return {};
}

std::string parse_field(std::string_view line, SipText& message) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return fmt::format("header line '{}'", line);
  for (const char c : line)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return "control octet in a header";
  const std::string name = long_name(trimmed(line.substr(0, colon)));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_list(name)) {
    message.add(name, std::string(value));
    return {};
  }
  for (std::string& part : split_list(value)) {
    if (part.empty()) return fmt::format("empty value in {}", name);
    message.add(name, std::move(part));
  }
  return {};
}

// What every message must have, once. RFC 3261 §8.1.1, §20
std::string missing_part(const SipText& message, std::string_view bytes) {
  for (const std::string_view name : {"From", "To", "Call-ID", "CSeq"})
    if (message.count(name) != 1) return fmt::format("{} {} times", name, message.count(name));
  if (message.count("Via") == 0) return "no Via";
  if (message.count("Content-Length") > 1) return "Content-Length twice";
  if (message.cseq_method().empty()) return "CSeq without a method";
  if (message.is_request() && message.cseq_method() != message.method) return "CSeq of another method";
  if (message.is_request() && message.count("Max-Forwards") != 1) return "no Max-Forwards";
  if (message.from_tag().empty()) return "From without a tag";
  if (!message.branch().starts_with("z9hG4bK")) return "branch without the cookie";
  if (message.count("Content-Length") == 1 &&
      message.value("Content-Length") != fmt::format("{}", message.body.size()))
    return fmt::format("Content-Length {} but {} octets of body in {} octets",
                       message.value("Content-Length"), message.body.size(), bytes.size());
  if (!message.body.empty() && message.count("Content-Type") != 1) return "body without a Content-Type";
  return {};
}

}  // namespace

ParsedSipText parse_sip_text(std::string_view bytes) {
  ParsedSipText parsed;
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    parsed.complaint = "head without an end";
    return parsed;
  }
  std::string_view head = bytes.substr(0, head_end + 2);
  parsed.message.body = std::string(bytes.substr(head_end + 4));
  bool is_first = true;
  while (!head.empty() && parsed.complaint.empty()) {
    const auto end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    parsed.complaint = is_first ? parse_start_line(line, parsed.message) : parse_field(line, parsed.message);
    is_first = false;
  }
  if (parsed.complaint.empty()) parsed.complaint = missing_part(parsed.message, bytes);
  return parsed;
}

const std::string& SipText::value(std::string_view name) const noexcept {
  static const std::string kNothing;
  for (const auto& [key, field] : fields)
    if (same_name(key, name)) return field;
  return kNothing;
}

std::vector<std::string> SipText::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [key, field] : fields)
    if (same_name(key, name)) found.push_back(field);
  return found;
}

std::size_t SipText::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields, [&](const auto& field) { return same_name(field.first, name); }));
}

bool SipText::names(std::string_view name, std::string_view token) const {
  for (const std::string& field : values(name))
    for (const std::string& part : split_list(field))
      if (same_name(part, token)) return true;
  return false;
}

SipText& SipText::add(std::string name, std::string field) {
  fields.emplace_back(std::move(name), std::move(field));
  return *this;
}

std::string SipText::text() const {
  std::string out = is_request() ? fmt::format("{} {} SIP/2.0\r\n", method, uri)
                                 : fmt::format("SIP/2.0 {} {}\r\n", code, phrase);
  for (const auto& [name, field] : fields)
    if (!same_name(name, "Content-Length")) out += fmt::format("{}: {}\r\n", name, field);
  return out + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
}

std::string SipText::from_tag() const { return param_of(value("From"), "tag"); }
std::string SipText::to_tag() const { return param_of(value("To"), "tag"); }
std::string SipText::branch() const { return param_of(value("Via"), "branch"); }

std::uint32_t SipText::cseq() const {
  const std::string& text = value("CSeq");
  std::uint32_t number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string SipText::cseq_method() const {
  const std::string& text = value("CSeq");
  const auto space = text.find_last_of(" \t");
  return space == std::string::npos ? std::string() : text.substr(space + 1);
}

std::string SipText::summary() const {
  return fmt::format("{} (CSeq {}, Call-ID {})",
                     is_request() ? fmt::format("{} {}", method, uri) : fmt::format("{} {}", code, phrase),
                     value("CSeq"), call_id());
}

std::string param_of(std::string_view value, std::string_view name) {
  const auto bracket = value.rfind('>');
  std::string_view rest = bracket == std::string_view::npos ? value : value.substr(bracket);
  for (auto at = rest.find(';'); at != std::string_view::npos; at = rest.find(';')) {
    rest.remove_prefix(at + 1);
    const std::string_view one = trimmed(rest.substr(0, rest.find(';')));
    const auto equal = one.find('=');
    if (same_name(trimmed(one.substr(0, equal)), name))
      return equal == std::string_view::npos ? std::string() : std::string(trimmed(one.substr(equal + 1)));
  }
  return {};
}

std::string uri_of(std::string_view value) {
  const auto open = value.find('<');
  if (open != std::string_view::npos)
    return std::string(value.substr(open + 1, value.find('>', open) - open - 1));
  return std::string(trimmed(value.substr(0, value.find(';'))));
}

std::string user_of(std::string_view uri) {
  const auto at = uri.find('@'), colon = uri.find(':');
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) return {};
  return std::string(uri.substr(colon + 1, at - colon - 1));
}

std::string host_port_of(std::string_view uri) {
  const auto at = uri.find('@');
  std::string_view rest = uri.substr(at == std::string_view::npos ? uri.find(':') + 1 : at + 1);
  return std::string(rest.substr(0, rest.find_first_of(";?>")));
}

Endpoint endpoint_of(std::string_view host_port) {
  return parse_endpoint(host_port, 5060).value_or(Endpoint{});
}

SipText response_to(const SipText& request, int code, std::string_view to_tag) {
  SipText response;
  response.code = code;
  response.phrase = "Whatever";
  for (const auto& [name, field] : request.fields) {
    const bool routes = same_name(name, "Record-Route") && request.method == "INVITE" && code > 100;
    if (same_name(name, "To")) {
      const bool tagged = code > 100 && request.to_tag().empty() && !to_tag.empty();
      response.add("To", tagged ? fmt::format("{};tag={}", field, to_tag) : field);
    } else if (routes || same_name(name, "Via") || same_name(name, "From") || same_name(name, "Call-ID") ||
               same_name(name, "CSeq")) {
      response.add(name, field);
    }
  }
  return response;
}

}  // namespace sallyport::sim
