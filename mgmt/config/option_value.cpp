// option_value.cpp — see option_value.h.
#include "mgmt/config/option_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "mgmt/config/quoted.h"

namespace sallyport::mgmt {
namespace {

std::unexpected<ValueError> wrong(std::string_view text, std::string_view noun, std::string instead) {
  return fail(ValueError{in_quotes(text) + " is not " + std::string(noun), std::move(instead)});
}

std::optional<std::uint64_t> to_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

struct NumberRange {
  std::uint64_t first, last;
};

// "2-5"; nothing without a dash or with the larger number first.
std::optional<NumberRange> to_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = to_number(text.substr(0, dash));
  const auto last = to_number(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return NumberRange{*first, *last};
}

struct Unit {
  std::string_view word;
  std::uint64_t size;
};

// "100MB" with {"MB", 1000000}: nothing when the number, the unit or the product does not fit.
std::optional<std::uint64_t> number_with_unit(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = to_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.word != text.substr(digits)) continue;
    const std::uint64_t most =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.size;
    return *number > most ? std::nullopt : std::optional(*number * unit.size);
  }
  return std::nullopt;
}

constexpr std::array kTimeUnits{Unit{"ms", 1'000'000}, Unit{"s", 1'000'000'000}, Unit{"m", 60'000'000'000},
                                Unit{"h", 3'600'000'000'000}, Unit{"d", 86'400'000'000'000}};
constexpr std::array kByteUnits{Unit{"KB", 1'000}, Unit{"MB", 1'000'000}, Unit{"GB", 1'000'000'000},
                                Unit{"TB", 1'000'000'000'000}};
constexpr std::array kBitUnits{Unit{"kbit", 1'000}, Unit{"Mbit", 1'000'000}, Unit{"Gbit", 1'000'000'000}};

std::optional<std::uint8_t> dscp_by_name(std::string_view name) {
  if (name == "EF") return std::uint8_t{46};
  if (name == "VA") return std::uint8_t{44};
  if (name == "BE") return std::uint8_t{0};
  const auto digit = [&name](std::size_t at) { return static_cast<unsigned>(name[at] - '0'); };
  if (name.size() == 3 && name.starts_with("CS") && digit(2) <= 7)
    return static_cast<std::uint8_t>(digit(2) * 8);  // RFC 2474 §4.2.2.2
  if (name.size() == 4 && name.starts_with("AF") && digit(2) >= 1 && digit(2) <= 4 && digit(3) >= 1 &&
      digit(3) <= 3)
    return static_cast<std::uint8_t>(digit(2) * 8 + digit(3) * 2);  // RFC 2597 §6
  return std::nullopt;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '.') {
      if (label == 0 || name[i - 1] == '-') return false;
      label = 0;
    } else if (!is_word && !(c == '-' && label > 0) && c != '_') {
      return false;
    } else if (++label > 63) {
      return false;
    }
  }
  return name.back() != '-' && !(name.size() == 1 && name == ".");
}

}  // namespace

Value<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end)
    return wrong(text, "a whole number", "write digits only");
  return value;
}

Value<Duration> parse_duration(std::string_view text) {
  const auto value = number_with_unit(text, kTimeUnits);
  if (!value)
    return wrong(text, "a length of time", "write a number with ms, s, m, h or d, as in 500ms or 1h");
  return Duration(static_cast<std::int64_t>(*value));
}

Value<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto events = to_number(text.substr(0, slash));
  const std::string_view per = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
  const bool is_unit = per == "s" || per == "m" || per == "h";
  if (!events || !is_unit || *events > 1'000'000'000)
    return wrong(text, "a rate", "write a number with /s, /m or /h, as in 200/s");
  return Rate{*events, per == "s" ? Duration(1s) : per == "m" ? Duration(1min) : Duration(1h)};
}

Value<ByteCount> parse_byte_count(std::string_view text) {
  const auto value = number_with_unit(text, kByteUnits);
  if (!value) return wrong(text, "a size", "write a number with KB, MB, GB or TB, as in 64KB");
  return ByteCount{*value};
}

Value<BitRate> parse_bit_rate(std::string_view text) {
  const auto value = number_with_unit(text, kBitUnits);
  if (!value) return wrong(text, "a bit rate", "write a number with kbit, Mbit or Gbit, as in 1Gbit");
  return BitRate{*value};
}

Value<std::uint32_t> parse_percent(std::string_view text) {
  const auto value = text.ends_with('%') ? to_number(text.substr(0, text.size() - 1)) : std::nullopt;
  if (!value || *value > 1'000'000) return wrong(text, "a share", "write a number with %, as in 85%");
  return static_cast<std::uint32_t>(*value);
}

Value<IpAddress> parse_address(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return *address;
  return wrong(text, "an IP address", "write one like 198.18.1.1 or \"fd18:1::1\"");
}

Value<Prefix> parse_network(std::string_view text) {
  const auto prefix = parse_prefix(text);
  if (!prefix) return wrong(text, "a prefix", "write one like 192.0.2.0/24 or \"2001:db8::/32\"");
  const Prefix network{prefix->network(), prefix->length};
  if (network.address != prefix->address)
    return fail(
        ValueError{in_quotes(text) + " has bits set beyond its length", "write " + to_string(network)});
  return network;
}

Value<Prefix> parse_interface_address(std::string_view text) {
  const auto prefix = parse_prefix(text);
  if (!prefix || text.find('/') == std::string_view::npos)
    return wrong(text, "an address with the length of its network", "write one like 198.18.1.1/24");
  const IpAddress& address = prefix->address;
  if (address.is_multicast() || address.is_unspecified() || address.is_loopback() ||
      address.is_limited_broadcast())
    return wrong(text, "a unicast address", "write one like 198.18.1.1/24");
  return *prefix;
}

Value<Endpoint> parse_address_and_port(std::string_view text, std::uint16_t default_port) {
  if (const auto endpoint = parse_endpoint(text, default_port)) return *endpoint;
  return wrong(text, "an address and port", "write one like \"198.18.1.2:5060\" or \"[fd18:1::2]:5060\"");
}

Value<PortRange> parse_port_range(std::string_view text) {
  const auto range = to_range(text);
  if (!range || range->first < 1024 || range->last > 65535 || range->first == range->last)
    return wrong(text, "a range of ports", "write first-last within 1024-65535, as in 20000-29999");
  return PortRange{static_cast<std::uint16_t>(range->first), static_cast<std::uint16_t>(range->last)};
}

Value<Dscp> parse_dscp(std::string_view text) {
  if (const auto named = dscp_by_name(text)) return Dscp{*named};
  const auto number = to_number(text);
  if (!number || *number > 63)
    return wrong(text, "a DSCP", "write EF, VA, BE, CS0 to CS7, AF11 to AF43 or 0 to 63");
  return Dscp{static_cast<std::uint8_t>(*number)};
}

Value<PeerTarget> parse_domain(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto port =
      colon == std::string_view::npos ? std::optional<std::uint64_t>(0) : to_number(text.substr(colon + 1));
  const std::string_view name = text.substr(0, colon);
  const bool has_bad_port = !port || *port > 65535 || (colon != std::string_view::npos && *port == 0);
  if (!is_host_name(name) || has_bad_port || IpAddress::parse(name))
    return wrong(text, "a domain name", "write one like sip.example.net; an IP address goes under address");
  PeerTarget target;
  target.domain = std::string(name);
  target.domain_port = static_cast<std::uint16_t>(*port);
  return target;
}

Value<LcoreChoice> parse_lcores(std::string_view text, bool is_quoted) {
  constexpr std::uint64_t kCpuMax = 1023;
  const std::string instead = "write auto, a number of threads as in 2, or CPU ids in quotes as in \"2-3\"";
  LcoreChoice choice;
  if (const auto count = to_number(text); count && !is_quoted) {
    if (*count == 0 || *count > 128) return wrong(text, "a number of polling threads", instead);
    choice.count = static_cast<std::uint32_t>(*count);
    return choice;
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    std::optional<NumberRange> range = to_range(part);
    if (const auto single = to_number(part)) range = NumberRange{*single, *single};
    if (!range || range->last > kCpuMax) return wrong(text, "a set of CPUs", instead);
    for (std::uint64_t cpu = range->first; cpu <= range->last; ++cpu)
      choice.cpus.push_back(static_cast<std::uint32_t>(cpu));
  }
  std::sort(choice.cpus.begin(), choice.cpus.end());
  const bool is_twice = std::adjacent_find(choice.cpus.begin(), choice.cpus.end()) != choice.cpus.end();
  if (choice.cpus.empty() || is_twice) return wrong(text, "a set of CPUs", instead);
  return choice;
}

Value<LinuxService> parse_linux_service(std::string_view text) {
  constexpr std::array<std::string_view, 6> kWords{"dns", "ntp", "bgp", "bfd", "ospf", "vrrp"};
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i] == text) return LinuxService{static_cast<LinuxServiceKind>(i), 0};
  const auto port = text.starts_with("udp:") ? to_number(text.substr(4)) : std::nullopt;
  if (!port || *port == 0 || *port > 65535)
    return wrong(text, "a service", "write dns, ntp, bgp, bfd, ospf, vrrp or udp:PORT as in udp:161");
  return LinuxService{LinuxServiceKind::Udp, static_cast<std::uint16_t>(*port)};
}

}  // namespace sallyport::mgmt
