// check_scalar.cpp — see check_scalar.h.
#include "mgmt/config/check_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "mgmt/config/quoted.h"
#include "mgmt/config/suggest.h"
#include "policy/route/pattern.h"
#include "policy/route/time_span.h"

namespace sallyport::mgmt {
namespace {

using Wrong = std::optional<ValueError>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Words that YAML 1.1 tools read as true, false or nothing.
bool is_word_that_tools_change(std::string_view text) {
  return is_one_of(lower(text), "on|off|yes|no|true|false|null|~");
}

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool consists_of(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&also](char c) {
    return is_alphanumeric(c) || also.find(c) != std::string_view::npos;
  });
}

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> out;
  while (!words.empty()) {
    const std::size_t bar = words.find('|');
    out.emplace_back(words.substr(0, bar));
    words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
  }
  return out;
}

struct Form {
  OptionType type;
  std::string_view text;
};
constexpr std::array kForms{
    Form{OptionType::Name, "a name"},
    Form{OptionType::NodeName, "a name"},
    Form{OptionType::PortName, "a name"},
    Form{OptionType::Text, "a text, in quotes where in doubt"},
    Form{OptionType::Token, "a word"},
    Form{OptionType::Method, "a method as in INVITE"},
    Form{OptionType::Uri, "a URI as in \"sip:user@example.net\""},
    Form{OptionType::Integer, "a whole number"},
    Form{OptionType::Duration, "a time as in 500ms or 1h"},
    Form{OptionType::Rate, "a rate as in 200/s"},
    Form{OptionType::ByteCount, "a size as in 64KB"},
    Form{OptionType::BitRate, "a bit rate as in 1Gbit"},
    Form{OptionType::Percent, "a share as in 85%"},
    Form{OptionType::Address, "an IP address"},
    Form{OptionType::Network, "a prefix as in 192.0.2.0/24"},
    Form{OptionType::InterfaceAddress, "an address with its network's length as in 198.18.1.1/24"},
    Form{OptionType::Endpoint, "an address and port as in \"198.18.1.2:5060\""},
    Form{OptionType::Domain, "a domain as in sip.example.net"},
    Form{OptionType::DomainName, "a domain as in sip.example.net"},
    Form{OptionType::PortRange, "a range as in 20000-29999"},
    Form{OptionType::Dscp, "a DSCP as in EF or CS3"},
    Form{OptionType::Device, "a device as in af_packet:eth1"},
    Form{OptionType::Lcores, "a number of threads or CPU ids as in \"2-3\""},
    Form{OptionType::LinuxService, "a service as in ntp or udp:161"},
    Form{OptionType::Pattern, "a regular expression in quotes"},
    Form{OptionType::Dialled, "a number in quotes as in \"112\""},
    Form{OptionType::RuleField, "called, caller, identity, diversion, header:NAME or sdp:ATTRIBUTE"},
    Form{OptionType::TimeSpan, "days and hours as in \"mon-fri 08:00-18:00\""},
    Form{OptionType::InputFile, "the name of a file"},
    Form{OptionType::SecretFile, "the name of a file"},
    Form{OptionType::OutputFile, "the name of a file"},
    Form{OptionType::AbsolutePath, "a path that begins with '/'"},
    Form{OptionType::Glob, "a file name or pattern as in conf.d/*.yaml"},
};

struct BoundUnit {
  OptionType type;
  std::int64_t size;
  std::string_view word;
};
// The largest that divides a bound goes with it; those of a type from the largest to the smallest.
constexpr std::array kBoundUnits{
    BoundUnit{OptionType::Duration, 86'400'000, "d"},
    BoundUnit{OptionType::Duration, 3'600'000, "h"},
    BoundUnit{OptionType::Duration, 60'000, "m"},
    BoundUnit{OptionType::Duration, 1000, "s"},
    BoundUnit{OptionType::Duration, 1, "ms"},
    BoundUnit{OptionType::ByteCount, 1'000'000'000'000, "TB"},
    BoundUnit{OptionType::ByteCount, 1'000'000'000, "GB"},
    BoundUnit{OptionType::ByteCount, 1'000'000, "MB"},
    BoundUnit{OptionType::ByteCount, 1000, "KB"},
    BoundUnit{OptionType::BitRate, 1'000'000'000, "Gbit"},
    BoundUnit{OptionType::BitRate, 1'000'000, "Mbit"},
    BoundUnit{OptionType::BitRate, 1000, "kbit"},
    BoundUnit{OptionType::Percent, 1, "%"},
};

std::string shown_bound(OptionType type, std::int64_t bound) {
  std::string_view smallest;
  for (const BoundUnit& unit : kBoundUnits) {
    if (unit.type != type) continue;
    if (bound != 0 && bound % unit.size == 0)
      return std::to_string(bound / unit.size) + std::string(unit.word);
    smallest = unit.word;
  }
  return std::to_string(bound) + std::string(smallest);
}

Wrong out_of_range(const Option& option, std::string_view text, std::int64_t value) {
  if ((option.min == 0 && option.max == 0) || (value >= option.min && value <= option.max))
    return std::nullopt;
  if (option.min == option.max)
    return ValueError{in_quotes(text) + " is not known here", "write " + range_of(option)};
  std::string instead = "write " + range_of(option);
  if (!option.words.empty()) instead = "write " + joined_with_or(option.words) + ", or " + range_of(option);
  return ValueError{in_quotes(text) + (value < option.min ? " is too small" : " is too large"),
                    std::move(instead)};
}

// A parsed value checked against the range, counted in the unit that the range of its type counts.
template <class T, class Count>
Wrong check_number(const Option& option, std::string_view text, const Value<T>& value, Count count) {
  if (!value) {
    std::string instead = value.error().instead;
    if (!option.words.empty()) instead = what_to_write(option);
    return ValueError{value.error().what, std::move(instead)};
  }
  return out_of_range(option, text, static_cast<std::int64_t>(count(*value)));
}

template <class T>
Wrong check_plain(const Value<T>& value) {
  return value ? std::nullopt : Wrong(value.error());
}

Wrong check_word(const Option& option, std::string_view text) {
  if (is_one_of(text, option.words)) return std::nullopt;
  const std::string near = nearest(text, split(option.words));
  return ValueError{in_quotes(text) + " is not a word of this key",
                    near.empty() ? "write " + joined_with_or(option.words) : "did you mean " + near + "?"};
}

// Words that mean something where a name may stand.
constexpr std::string_view kReservedNames = "none|any|all|auto|host|same|own|never";

Wrong check_name(const Option& option, std::string_view text) {
  const bool is_port = option.type == OptionType::PortName, is_node = option.type == OptionType::NodeName;
  if (is_node || is_port) {  // becomes part of the namespace's name sp-NODE-PORT
    if (consists_of(text, is_node ? "-" : "-_") && text.size() <= 32 && text.front() != '-')
      return std::nullopt;
    return ValueError{
        in_quotes(text) + " can't be part of a namespace's name",
        std::string("write 1 to 32 letters, digits") + (is_node ? " and '-'" : ", '-' and '_'")};
  }
  if (is_one_of(text, kReservedNames))
    return ValueError{in_quotes(text) + " has a meaning of its own in this file", "choose another name"};
  if (consists_of(text, "-_.") && text.size() <= 64) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a name", "write 1 to 64 letters, digits, '-', '_' and '.'"};
}

bool is_token(std::string_view text) {
  return consists_of(text, "-.!%*_+`'~") && text.size() <= 128;
}  // RFC 3261 §25.1

Wrong check_token(std::string_view text) {
  if (is_token(text)) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a SIP token", "write letters and digits"};
}

Wrong check_method(std::string_view text) {
  const bool has_lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (is_token(text) && !has_lower && text.size() <= 32) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a SIP method", "write a method in capitals, as in INVITE"};
}

Wrong check_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  const bool has_space = text.find_first_of(" \t\r\n<>\"") != std::string_view::npos;
  const bool has_scheme = colon != std::string_view::npos && colon > 0 &&
                          consists_of(text.substr(0, colon), "+-.") &&
                          !std::isdigit(static_cast<unsigned char>(text.front()));
  if (has_scheme && colon + 1 < text.size() && !has_space) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a URI", "write one like \"sip:user@example.net\""};
}

bool looks_dialled(std::string_view text) {
  return text.find_first_not_of("0123456789+") == std::string_view::npos;
}

Wrong check_pattern(const YamlNode& value) {
  if (!value.quoted && looks_dialled(value.text))
    return ValueError{value.text + " is a number to dial without quotes", "write \"" + value.text + "\""};
  const auto pattern = policy::Pattern::compile(value.text);
  if (pattern) return std::nullopt;
  return ValueError{in_quotes(value.text) + " is not a regular expression: " + pattern.error(),
                    "write one as RE2 takes it, in quotes"};
}

Wrong check_dialled(const YamlNode& value) {
  const std::string_view text = value.text;
  const bool is_number =
      !text.empty() && text.size() <= 32 &&
      text.find_first_not_of("0123456789*#", text.front() == '+' ? 1 : 0) == std::string_view::npos;
  if (!is_number || text == "+")
    return ValueError{in_quotes(text) + " is not a number to dial",
                      "write digits in quotes, as in \"112\" or \"+882\""};
  if (value.quoted) return std::nullopt;
  return ValueError{value.text + " is a number to dial without quotes", "write \"" + value.text + "\""};
}

Wrong check_rule_field(std::string_view text) {
  if (is_one_of(text, "called|caller|identity|diversion")) return std::nullopt;
  if (text.starts_with("header:") && is_token(text.substr(7))) return std::nullopt;
  if (text.starts_with("sdp:") && is_token(text.substr(4))) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a field", "write " + form_of(OptionType::RuleField)};
}

Wrong check_time_span(std::string_view text) {
  if (policy::TimeSpan::parse(text)) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a span of time", "write " + form_of(OptionType::TimeSpan)};
}

Wrong check_host(const Option& option, std::string_view text) {
  // The only place where a wildcard is the operator's to write. RFC 5922 §7.2
  if (option.path == "peers[].tls.name" && text.starts_with("*.")) text.remove_prefix(2);
  const Value<PeerTarget> domain = parse_domain(text);
  if (domain && domain->domain_port == 0) return std::nullopt;
  return ValueError{in_quotes(text) + " is not a domain name", "write one like sip.example.net"};
}

Wrong check_path(const Option& option, std::string_view text) {
  if (option.type == OptionType::AbsolutePath && !text.starts_with('/'))
    return ValueError{in_quotes(text) + " does not begin with '/'", "write the whole path"};
  if (option.path == "management.socket" && text.size() > 107)  // sun_path of sockaddr_un
    return ValueError{"longer than the 107 bytes of a socket's path", "choose a shorter path"};
  if (option.type == OptionType::OutputFile &&
      (text.starts_with('/') || text.find("..") != std::string_view::npos))
    return ValueError{in_quotes(text) + " is outside of node.state",
                      "write a name without '/' at its front and without '..'"};
  if (text.size() <= 4095) return std::nullopt;
  return ValueError{"longer than a path can be", "choose a shorter path"};
}

// Types whose values count something, and so have a range.
Wrong check_counted(const Option& option, std::string_view text) {
  const auto same = [](auto number) { return number; };
  switch (option.type) {
    case OptionType::Duration:
      return check_number(option, text, parse_duration(text),
                          [](Duration d) { return d.count() / 1'000'000; });
    case OptionType::Rate:
      return check_number(option, text, parse_rate(text), [](Rate rate) { return rate.events; });
    case OptionType::ByteCount:
      return check_number(option, text, parse_byte_count(text), [](ByteCount size) { return size.bytes; });
    case OptionType::BitRate:
      return check_number(option, text, parse_bit_rate(text),
                          [](BitRate rate) { return rate.bits_per_second; });
    case OptionType::Percent:
      return check_number(option, text, parse_percent(text), same);
    default:
      return check_number(option, text, parse_integer(text), same);
  }
}

// What belongs to networks and machines.
Wrong check_network_value(const Option& option, const YamlNode& value) {
  const std::string_view text = value.text;
  switch (option.type) {
    case OptionType::Address:
      return check_plain(parse_address(text));
    case OptionType::Network:
      return check_plain(parse_network(text));
    case OptionType::InterfaceAddress:
      return check_plain(parse_interface_address(text));
    case OptionType::Endpoint:
      return check_plain(parse_address_and_port(text, option.path == "dns.servers" ? 53 : 0));
    case OptionType::Domain:
      return check_plain(parse_domain(text));
    case OptionType::DomainName:
      return check_host(option, text);
    case OptionType::PortRange:
      return check_plain(parse_port_range(text));
    case OptionType::Dscp:
      return check_plain(parse_dscp(text));
    case OptionType::Device:
      return check_plain(parse_device(text));
    case OptionType::Lcores:
      return check_plain(parse_lcores(text, value.quoted));
    case OptionType::LinuxService:
      return check_plain(parse_linux_service(text));
    default:
      return std::nullopt;
  }
}

Wrong check_by_type(const Option& option, const YamlNode& value) {
  const std::string_view text = value.text;
  switch (option.type) {
    case OptionType::Word:
      return check_word(option, text);
    case OptionType::Name:
    case OptionType::NodeName:
    case OptionType::PortName:
      return check_name(option, text);
    case OptionType::Token:
      return check_token(text);
    case OptionType::Method:
      return check_method(text);
    case OptionType::Uri:
      return check_uri(text);
    case OptionType::Integer:
    case OptionType::Duration:
    case OptionType::Rate:
    case OptionType::ByteCount:
    case OptionType::BitRate:
    case OptionType::Percent:
      return check_counted(option, text);
    case OptionType::Pattern:
      return check_pattern(value);
    case OptionType::Dialled:
      return check_dialled(value);
    case OptionType::RuleField:
      return check_rule_field(text);
    case OptionType::TimeSpan:
      return check_time_span(text);
    case OptionType::InputFile:
    case OptionType::SecretFile:
    case OptionType::OutputFile:
    case OptionType::AbsolutePath:
    case OptionType::Glob:
      return check_path(option, text);
    default:
      return check_network_value(option, value);
  }
}

}  // namespace

std::string form_of(OptionType type) {
  const auto found =
      std::find_if(kForms.begin(), kForms.end(), [type](const Form& form) { return form.type == type; });
  return found == kForms.end() ? "a map of keys" : std::string(found->text);
}

std::string range_of(const Option& option) {
  if (option.min == option.max) return shown_bound(option.type, option.min);
  return shown_bound(option.type, option.min) + " to " + shown_bound(option.type, option.max);
}

std::string what_to_write(const Option& option) {
  std::string_view words = option.words;
  if (option.many != Many::One || option.type == OptionType::Map) words = option.whole;
  const bool is_only_words = option.type == OptionType::Word && option.many == Many::One;
  if (is_only_words) return "write " + joined_with_or(option.words);
  std::string form;
  if (option.type == OptionType::Maps || (option.many == Many::List && words.empty())) {
    form = "a list in [ ], or lines that begin with '-'";
  } else if (option.many != Many::One) {
    form = "a list, each member " +
           (option.type == OptionType::Word ? joined_with_or(option.words) : form_of(option.type));
  } else if (option.type == OptionType::Integer && option.max != 0) {
    form = range_of(option);
  } else {
    form = form_of(option.type);
  }
  return "write " + (words.empty() ? "" : joined_with_or(words) + ", or ") + form;
}

std::optional<ValueError> check_scalar(const Option& option, const YamlNode& value) {
  const bool is_plain = !value.quoted;
  if (value.text.empty() && (is_plain || option.type != OptionType::Text))
    return ValueError{"has no value", what_to_write(option)};
  if (is_plain && is_word_that_tools_change(value.text)) {
    const bool is_free = option.type == OptionType::Text || option.type == OptionType::Name;
    return ValueError{in_quotes(value.text) + " is a word that YAML 1.1 tools change",
                      is_free ? "put it in quotes or choose another" : what_to_write(option)};
  }
  if (option.type != OptionType::Word && is_one_of(value.text, option.words)) return std::nullopt;
  if (option.many != Many::One && value.text == option.whole && !option.whole.empty()) return std::nullopt;
  return check_by_type(option, value);
}

}  // namespace sallyport::mgmt
