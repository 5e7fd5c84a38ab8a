// rule_head.cpp — see rule_head.h.
#include "policy/signatures/rule_head.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

constexpr unsigned kDepthMax = 4;  // of lists in lists
constexpr std::uint16_t kLastPort = 65535;
enum class Side : std::uint8_t { Source, Destination };

[[nodiscard]] bool is_inside(const PortSet::Range& range, std::uint16_t port) noexcept {
  return port >= range.first && port <= range.second;
}

// At blanks that are not within brackets.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view head) {
  std::vector<std::string_view> words;
  unsigned depth = 0;
  std::size_t begin = std::string_view::npos;
  for (std::size_t i = 0; i <= head.size(); ++i) {
    const char c = i < head.size() ? head[i] : ' ';
    if (c == '[') ++depth;
    if (c == ']' && depth != 0) --depth;
    const bool is_blank = (c == ' ' || c == '\t') && (depth == 0 || i == head.size());
    if (!is_blank && begin == std::string_view::npos) begin = i;
    if (is_blank && begin != std::string_view::npos) {
      words.push_back(head.substr(begin, i - begin));
      begin = std::string_view::npos;
    }
  }
  return words;
}

// Members of a list without its brackets.
[[nodiscard]] std::vector<std::string_view> members_of(std::string_view list) {
  std::vector<std::string_view> members;
  unsigned depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (c == '[') ++depth;
    if (c == ']' && depth != 0) --depth;
    if (c != ',' || (depth != 0 && i < list.size())) continue;
    members.push_back(trimmed(list.substr(begin, i - begin)));
    begin = i + 1;
  }
  return members;
}

// What addresses and ports have in common: negation, lists, any.
template <class Set>
class SetReader {
 public:
  using AddOne = bool (*)(std::string_view word, Side side, Set& out, bool is_negated);
  SetReader(Side side, AddOne add_one) noexcept : side_(side), add_one_(add_one) {}

  [[nodiscard]] bool read(std::string_view text, Set& out) {
    if (!add(text, out, false, 0)) return false;
    // All that is named is negated: whatever is not.
    if (!has_positive_) out.is_any = true;
    return true;
  }

 private:
  [[nodiscard]] bool add(std::string_view text, Set& out, bool is_negated, unsigned depth) {
    while (text.starts_with('!')) {
      is_negated = !is_negated;
      text = trimmed(text.substr(1));
    }
    if (text.starts_with('[')) {
      if (!text.ends_with(']') || depth == kDepthMax) return false;
      for (const std::string_view member : members_of(text.substr(1, text.size() - 2)))
        if (!add(member, out, is_negated, depth + 1)) return false;
      return true;
    }
    if (++count_ > kAddressesMax) return false;
    has_positive_ = has_positive_ || !is_negated;
    if (text == "any") {
      if (is_negated) return false;
      out.is_any = true;
      return true;
    }
    return add_one_(text, side_, out, is_negated);
  }

  Side side_;
  AddOne add_one_;
  bool has_positive_ = false;
  std::size_t count_ = 0;
};

void add_all(AddressSet& out, bool is_negated) {
  if (!is_negated) {
    out.is_any = true;
    return;
  }
  out.out.push_back({IpAddress::v4(0), 0});
  out.out.push_back({IpAddress(), 0});
}

bool add_address(std::string_view word, Side side, AddressSet& out, bool is_negated) {
  const bool is_home = word == "$HOME_NET" || word == "$SIP_SERVERS";
  if (is_home || word == "$EXTERNAL_NET") {
    const bool is_all = is_home == (side == Side::Destination);
    if (is_all) add_all(out, is_negated);
    // Nobody, negated: everybody.
    if (!is_all && is_negated) out.is_any = true;
    return true;
  }
  const auto prefix = parse_prefix(word);
  if (!prefix) return false;
  (is_negated ? out.out : out.in).push_back(*prefix);
  return true;
}

bool add_port(std::string_view word, Side side, PortSet& out, bool is_negated) {
  std::vector<PortSet::Range>& to = is_negated ? out.out : out.in;
  if (word == "$SIP_PORTS") {
    const bool is_ours = side == Side::Destination;
    to.emplace_back(is_ours ? std::uint16_t{0} : std::uint16_t{5060},
                    is_ours ? kLastPort : std::uint16_t{5061});
    return true;
  }
  const std::size_t colon = word.find(':');
  const std::string_view low = word.substr(0, colon);
  const std::string_view high = colon == std::string_view::npos ? low : word.substr(colon + 1);
  std::uint32_t first = 0, last = kLastPort;
  if (word == ":" || (!low.empty() && !read_number(low, first)) ||
      (!high.empty() && !read_number(high, last)))
    return false;
  if (word.empty() || first > last || last > kLastPort) return false;
  to.emplace_back(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last));
  return true;
}

RuleFault bad_address(std::string_view word) {
  return {"the address " + shown(word) + " can't be read",
          "any, 192.0.2.1, 192.0.2.0/24, [a,!b], $HOME_NET, $EXTERNAL_NET or $SIP_SERVERS"};
}

RuleFault bad_port(std::string_view word) {
  return {"the port " + shown(word) + " can't be read", "any, 5060, 5060:5070, [a,!b] or $SIP_PORTS"};
}

struct Ends {
  std::string_view source, source_port, destination, destination_port;
};

[[nodiscard]] Result<SignatureWay, RuleFault> parse_way(const Ends& ends) {
  SignatureWay way;
  if (!SetReader<AddressSet>(Side::Source, add_address).read(ends.source, way.sources))
    return fail(bad_address(ends.source));
  if (!SetReader<AddressSet>(Side::Destination, add_address).read(ends.destination, way.destinations))
    return fail(bad_address(ends.destination));
  if (!SetReader<PortSet>(Side::Source, add_port).read(ends.source_port, way.source_ports))
    return fail(bad_port(ends.source_port));
  if (!SetReader<PortSet>(Side::Destination, add_port).read(ends.destination_port, way.destination_ports))
    return fail(bad_port(ends.destination_port));
  return way;
}

[[nodiscard]] bool can_match(const SignatureWay& way) noexcept {
  return !way.sources.is_empty() && !way.destinations.is_empty() && !way.source_ports.is_empty() &&
         !way.destination_ports.is_empty();
}

[[nodiscard]] bool set_protocol(std::string_view word, SignatureProtocol& protocol) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"ip", "sip", "udp", "tcp"};
  const auto* const found = std::find(kNames.begin(), kNames.end(), word);
  if (found == kNames.end()) return false;
  protocol = static_cast<SignatureProtocol>(found - kNames.begin());
  return true;
}

}  // namespace

bool AddressSet::contains(const IpAddress& address) const noexcept {
  const auto is_around = [&](const Prefix& prefix) { return prefix.contains(address); };
  return (is_any || std::any_of(in.begin(), in.end(), is_around)) &&
         std::none_of(out.begin(), out.end(), is_around);
}

bool PortSet::contains(std::uint16_t port) const noexcept {
  const auto is_around = [port](const Range& range) { return is_inside(range, port); };
  return (is_any || std::any_of(in.begin(), in.end(), is_around)) &&
         std::none_of(out.begin(), out.end(), is_around);
}

bool SignatureWay::is_any() const noexcept {
  return sources.is_any && sources.out.empty() && destinations.is_any && destinations.out.empty() &&
         source_ports.is_any && source_ports.out.empty() && destination_ports.is_any &&
         destination_ports.out.empty();
}

Result<Signature, RuleFault> parse_rule_head(std::string_view head) {
  const std::vector<std::string_view> words = words_of(head);
  if (words.size() != 7)
    return fail(RuleFault{"the head has " + std::to_string(words.size()) + " words",
                          "it has seven: ACTION PROTOCOL SOURCE PORTS -> DESTINATION PORTS"});
  Signature signature;
  const auto* const action = std::find(kSignatureActionNames.begin(), kSignatureActionNames.end(), words[0]);
  if (action == kSignatureActionNames.end())
    return fail(RuleFault{"the action " + shown(words[0]) + " is not known", "alert, drop or reject"});
  signature.action = static_cast<SignatureAction>(action - kSignatureActionNames.begin());
  if (!set_protocol(words[1], signature.protocol))
    return fail(RuleFault{"the protocol " + shown(words[1]) + " is not looked at", "sip, udp, tcp or ip"});
  const std::string_view direction = words[4];
  if (direction != "->" && direction != "<>")
    return fail(RuleFault{shown(direction) + " is no direction", "-> or <>"});
  const auto way = parse_way({words[2], words[3], words[5], words[6]});
  if (!way) return fail(way.error());
  if (can_match(*way)) signature.ways.push_back(*way);
  if (direction == "<>") {
    const auto back = parse_way({words[5], words[6], words[2], words[3]});
    if (!back) return fail(back.error());
    if (can_match(*back)) signature.ways.push_back(*back);
  }
  if (signature.ways.empty())
    return fail(
        RuleFault{"nothing that arrives here goes that way",
                  "only what others send to Sallyport is looked at: $EXTERNAL_NET any -> $HOME_NET any"});
  return signature;
}

}  // namespace sallyport::policy
