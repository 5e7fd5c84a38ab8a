// rule_values.cpp — see rule_values.h.
#include "policy/signatures/rule_values.h"

#include <algorithm>
#include <array>

#include "policy/signatures/rule_options.h"

namespace sallyport::policy {
namespace {

using Kind = SignatureThreshold::Kind;
using Track = SignatureThreshold::Track;

constexpr std::array<std::string_view, 3> kKinds{"limit", "threshold", "both"};
constexpr std::array<std::string_view, 5> kTracks{"by_src", "by_dst", "by_both", "by_callee", "by_rule"};

template <class List>
[[nodiscard]] int position_in(const List& names, std::string_view name) noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

[[nodiscard]] bool read_within(std::string_view text, std::uint32_t most, std::uint32_t& number) noexcept {
  return read_number(text, number) && number >= 1 && number <= most;
}

// Sets what one piece ("count 5") says; false when it can't be read.
[[nodiscard]] bool set_piece(std::string_view key, std::string_view word, bool has_type,
                             SignatureThreshold& out) noexcept {
  if (key == "type" && has_type) {
    const int kind = position_in(kKinds, word);
    if (kind >= 0) out.kind = static_cast<Kind>(kind);
    return kind >= 0;
  }
  if (key == "track") {
    const int track = position_in(kTracks, word);
    if (track >= 0) out.track = static_cast<Track>(track);
    return track >= 0;
  }
  if (key == "count") return read_within(word, kThresholdCountMax, out.count);
  return key == "seconds" && read_within(word, kThresholdSecondsMax, out.seconds);
}

[[nodiscard]] bool set_flag(char flag, PcreMatch& pcre) noexcept {
  switch (flag) {
    case 'i':
      pcre.is_caseless = true;
      return true;
    case 's':
      pcre.dot_is_all = true;
      return true;
    case 'm':
      pcre.is_multi_line = true;
      return true;
    case 'x':
      pcre.is_extended = true;
      return true;
    case 'R':
      pcre.is_relative = true;
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<SignatureFlow, RuleFault> parse_flow(std::string_view value) {
  SignatureFlow flow = SignatureFlow::Any;
  for (const std::string_view word : cut_at_commas(value)) {
    SignatureFlow says = SignatureFlow::Any;
    if (word == "to_server" || word == "from_client")
      says = SignatureFlow::Request;
    else if (word == "to_client" || word == "from_server")
      says = SignatureFlow::Response;
    else if (word != "established" && word != "stateless")
      return fail(RuleFault{"the flow " + shown(word) + " is not taken",
                            "to_server (requests), to_client (responses), established or stateless"});
    if (says == SignatureFlow::Any) continue;
    if (flow != SignatureFlow::Any && flow != says)
      return fail(RuleFault{"flow names both directions", "name one, or leave flow out"});
    flow = says;
  }
  return flow;
}

Result<SignatureThreshold, RuleFault> parse_threshold(std::string_view value, bool has_type) {
  SignatureThreshold out;
  out.kind = has_type ? Kind::Limit : Kind::Filter;
  const std::vector<std::string_view> pieces = cut_at_commas(value);
  for (const std::string_view piece : pieces) {
    const std::size_t blank = piece.find_first_of(" \t");
    const std::string_view key = piece.substr(0, blank);
    const std::string_view word = blank == std::string_view::npos ? "" : trimmed(piece.substr(blank));
    const auto is_same = [key](std::string_view other) { return other.substr(0, other.find(' ')) == key; };
    if (!set_piece(key, word, has_type, out) || std::count_if(pieces.begin(), pieces.end(), is_same) != 1)
      return fail(RuleFault{
          shown(piece) + " is not taken in " + (has_type ? "threshold" : "detection_filter"),
          std::string(has_type ? "type limit|threshold|both, " : "") +
              "track by_src|by_dst|by_both|by_callee|by_rule, count 1 to 1000000, seconds 1 to 3600"});
  }
  if (pieces.size() != (has_type ? 4 : 3))
    return fail(
        RuleFault{std::string(has_type ? "threshold" : "detection_filter") + " lacks a part",
                  std::string(has_type ? "type limit, " : "") + "track by_src, count 10, seconds 60"});
  return out;
}

Result<PcreMatch, RuleFault> parse_pcre(std::string_view value) {
  const auto text = quoted_text(value);
  if (!text) return fail(text.error());
  const std::size_t end = text->text.rfind('/');
  if (!text->text.starts_with('/') || end == 0)
    return fail(RuleFault{"the pattern " + shown(text->text) + " is not between slashes",
                          "pcre:\"/PATTERN/FLAGS\";"});
  PcreMatch pcre;
  pcre.pattern = text->text.substr(1, end - 1);
  pcre.is_negated = text->is_negated;
  for (const char flag : text->text.substr(end + 1))
    if (!set_flag(flag, pcre))
      return fail(RuleFault{"the flag " + shown(std::string(1, flag)) + " of a pcre is not taken",
                            "i, s, m, x and R; a sticky buffer as sip.uri names where to look"});
  if (pcre.pattern.empty()) return fail(RuleFault{"the pattern is empty", "pcre:\"/PATTERN/FLAGS\";"});
  if (pcre.is_relative &&
      (pcre.pattern.find('^') != std::string::npos || pcre.pattern.find("\\A") != std::string::npos ||
       pcre.pattern.find("\\G") != std::string::npos || pcre.is_extended))
    return fail(RuleFault{"a pcre with the flag R has an anchor or the flag x",
                          "put the content before it into the pattern, and leave out R"});
  return pcre;
}

Result<ReachMatch, RuleFault> parse_reach(std::string_view value) {
  ReachMatch reach;
  if (value.starts_with('!')) {
    reach.is_negated = true;
    value = trimmed(value.substr(1));
  }
  const std::vector<std::string_view> pieces = cut_at_commas(value);
  bool is_good = read_number(pieces.front(), reach.octets);
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i] == "relative")
      reach.is_relative = true;
    else
      is_good = is_good && pieces[i] == "rawbytes";
  }
  if (!is_good)
    return fail(RuleFault{"isdataat " + shown(value) + " can't be read", "isdataat:[!]NUMBER[,relative];"});
  return reach;
}

Result<SizeRange, RuleFault> parse_size(std::string_view value, std::string_view name) {
  SizeRange range;
  std::uint32_t low = 0, high = 0;
  const RuleFault bad{std::string(name) + " " + shown(value) + " can't be read or holds for no size",
                      "10, <10, >10, <=10, >=10 or 10<>20"};
  const std::size_t between = value.find("<>");
  if (between != std::string_view::npos) {
    if (!read_number(trimmed(value.substr(0, between)), low) ||
        !read_number(trimmed(value.substr(between + 2)), high))
      return fail(bad);
    if (low >= high || high - low < 2) return fail(bad);
    return SizeRange{low + 1, high - 1};
  }
  const char sign = value.empty() ? ' ' : value.front();
  const bool is_less = sign == '<', is_more = sign == '>';
  if (is_less || is_more) value.remove_prefix(1);
  const bool has_equal = (is_less || is_more) && value.starts_with('=');
  if (has_equal) value.remove_prefix(1);
  if (!read_number(trimmed(value), low)) return fail(bad);
  if (!is_less && !is_more) return SizeRange{low, low};
  if (is_less) {
    if (low == 0 && !has_equal) return fail(bad);
    range.most = has_equal ? low : low - 1;
  } else {
    if (low == range.most && !has_equal) return fail(bad);
    range.least = has_equal ? low : low + 1;
  }
  return range;
}

std::string instead_of_option(std::string_view name) {
  if (name.starts_with("byte_")) return "write a pcre over the digits";
  if (name.starts_with("flow") || name.starts_with("xbits") || name.starts_with("host"))
    return "a message is looked at by itself; count with threshold";
  if (name == "sip_method" || name == "sip_uri" || name == "sip_stat_code")
    return "write sip." + std::string(name.substr(4)) + "; and content:\"...\"; behind it";
  std::string names;
  for (const std::string_view one : kSipBufferNames) names += (names.empty() ? "" : ", ") + std::string(one);
  return "content, pcre, bsize, isdataat, dsize, flow, threshold, and the buffers " + names;
}

}  // namespace sallyport::policy
