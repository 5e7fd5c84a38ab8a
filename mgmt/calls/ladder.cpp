// ladder.cpp — lays out lifelines and arrows.
//
// All that is drawn is ASCII, one octet a column: what strangers wrote is escaped before it is placed.
#include "mgmt/calls/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "mgmt/cli/json_member.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTimeColumns = 14;  // "12:00:01.123  "
constexpr std::size_t kAfterColumns = 9;  // "  +12.345"
constexpr std::size_t kMargin = 9;        // on both sides of the lifelines, for the names above them
constexpr std::size_t kGapForTime = 26;   // lifelines as near as that leave no room for the time of day
constexpr std::size_t kGapLeast = 16;     // nearer ones share the callee's line
constexpr std::size_t kGapMost = 36;

struct Party {
  std::string first, second;  // the two lines of its name
};

struct Arrow {
  std::string time;
  double after_ms = 0;
  std::size_t from = 0, to = 0;     // positions in the picture's parties
  std::vector<std::string> labels;  // the longest first
  std::uint64_t status = 0;         // 0: a request
  bool is_again = false;
};

struct Picture {
  std::vector<Party> parties;
  std::vector<Arrow> arrows;
  std::string heading;
};

struct Layout {
  std::size_t left = 0;  // column of the first lifeline
  std::size_t gap = 0;
  bool shows_time = false;
  [[nodiscard]] std::size_t lifeline(std::size_t party) const { return left + party * gap; }
};

// One octet for each character that is not ASCII.
[[nodiscard]] std::string ascii(std::string_view text) {
  std::string out;
  for (const char c : escaped(text)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x80) out += c;
    if (octet >= 0xc0) out += '?';
  }
  return out;
}

[[nodiscard]] std::string cut(std::string text, std::size_t columns) {
  if (text.size() <= columns) return text;
  text.resize(columns == 0 ? 0 : columns - 1);
  return columns == 0 ? text : text + '~';
}

[[nodiscard]] std::vector<std::string> labels_of(const Json& message) {
  const std::string method = ascii(text_of(member(message, "method"), "?"));
  const Json& number = member(message, "cseq");
  const std::string cseq = number.is_number() ? method + " " + number.dump() : method;
  std::string marks;
  if (is_true(member(message, "sdp"))) marks += " SDP";
  if (is_true(member(message, "again"))) marks += " again";
  const std::uint64_t status = number_of(member(message, "status"));
  if (status == 0) return {cseq + marks, method + marks, method};
  const std::string code = std::to_string(status), reason = ascii(text_of(member(message, "reason"), ""));
  const std::string long_code = reason.empty() ? code : code + " " + reason;
  return {fmt::format("{} ({}){}", long_code, cseq, marks), fmt::format("{} ({}){}", code, cseq, marks),
          fmt::format("{} {}{}", code, method, marks), code + marks, code};
}

[[nodiscard]] Party party_of(const Json& party) {
  const std::string name = ascii(text_of(member(party, "name"), "?"));
  const Json &realm = member(party, "realm"), &remote = member(party, "remote");
  if (!remote.is_string()) return {name, ""};
  return {ascii(remote.get<std::string>()),
          realm.is_string() ? name + ", " + ascii(realm.get<std::string>()) : name};
}

[[nodiscard]] Picture picture_of(const Json& root) {
  Picture out;
  for (const Json& party : member(root, "parties")) out.parties.push_back(party_of(party));
  if (out.parties.size() < 2) return out;
  if (out.parties.size() == 2) out.parties.push_back({"", "no callee yet"});
  for (const Json& message : member(root, "messages")) {
    Arrow& arrow = out.arrows.emplace_back();
    const std::string at = text_of(member(message, "at"), "");  // 2026-11-21T10:47:55.123Z
    if (at.size() == 24) arrow.time = at.substr(11, 12);
    if (out.heading.empty()) out.heading = at;
    const Json& after = member(message, "after_ms");
    arrow.after_ms = after.is_number() ? after.get<double>() : 0;
    arrow.from = std::min<std::size_t>(number_of(member(message, "from")), out.parties.size() - 1);
    arrow.to = std::min<std::size_t>(number_of(member(message, "to")), out.parties.size() - 1);
    arrow.labels = labels_of(message);
    arrow.status = number_of(member(message, "status"));
    arrow.is_again = is_true(member(message, "again"));
  }
  return out;
}

// Where there is no room for all targets that were tried, they share one lifeline and a number tells them
// apart.
void merge_callees(Picture& picture) {
  for (Arrow& arrow : picture.arrows) {
    const std::size_t callee = std::max(arrow.from, arrow.to);
    if (callee < 2) continue;
    for (std::string& label : arrow.labels) label = fmt::format("#{} {}", callee - 1, label);
    (arrow.from > arrow.to ? arrow.from : arrow.to) = 2;
  }
  picture.parties[2] = {fmt::format("{} targets", picture.parties.size() - 2), "callee"};
  picture.parties.resize(3);
}

[[nodiscard]] std::size_t gap_for(std::size_t columns, std::size_t taken, std::size_t parties) {
  const std::size_t around = taken + 2 * kMargin;
  return columns <= around ? 0 : std::min(kGapMost, (columns - around) / (parties - 1));
}

[[nodiscard]] Layout layout_of(Picture& picture, std::size_t columns) {
  if (gap_for(columns, kAfterColumns, picture.parties.size()) < kGapLeast && picture.parties.size() > 3)
    merge_callees(picture);
  const std::size_t wide = gap_for(columns, kTimeColumns + kAfterColumns, picture.parties.size());
  if (wide >= kGapForTime || (picture.parties.size() > 3 && wide >= kGapLeast))
    return {kTimeColumns + kAfterColumns + kMargin, wide, true};
  // On the narrowest terminals the names above the lifelines give way.
  const std::size_t margin = columns < 60 ? 2 : kMargin;
  const std::size_t room = columns - kAfterColumns - 2 * margin;
  return {kAfterColumns + margin, std::min(kGapMost, room / (picture.parties.size() - 1)), false};
}

void put(std::string& row, std::size_t at, std::string_view text) {
  if (row.size() < at + text.size()) row.resize(at + text.size(), ' ');
  row.replace(at, text.size(), text);
}

void put_centred(std::string& row, std::size_t centre, std::string_view text, std::size_t columns) {
  const std::size_t half = text.size() / 2;
  std::size_t at = centre > half ? centre - half : 0;
  if (at + text.size() > columns) at = columns > text.size() ? columns - text.size() : 0;
  put(row, at, text);
}

[[nodiscard]] std::string lifelines(const Picture& picture, const Layout& layout) {
  std::string row;
  for (std::size_t i = 0; i < picture.parties.size(); ++i) put(row, layout.lifeline(i), "|");
  return row;
}

[[nodiscard]] std::string names(const Picture& picture, const Layout& layout, std::size_t columns) {
  std::string first, second;
  for (std::size_t i = 0; i < picture.parties.size(); ++i) {
    put_centred(first, layout.lifeline(i), cut(picture.parties[i].first, layout.gap - 1), columns);
    put_centred(second, layout.lifeline(i), cut(picture.parties[i].second, layout.gap - 1), columns);
  }
  return first + '\n' + second + '\n';
}

[[nodiscard]] std::string_view tint_of(const Arrow& arrow) {
  if (arrow.is_again) return "\x1b[33m";
  if (arrow.status >= 400) return "\x1b[31m";
  return arrow.status >= 200 && arrow.status < 300 ? "\x1b[32m" : "";
}

// "--- INVITE 1 SDP --->", as long as the way between two lifelines; dotted when it was sent before.
[[nodiscard]] std::string shaft(const Arrow& arrow, std::size_t length) {
  std::string out(length, arrow.is_again ? '.' : '-');
  const bool goes_right = arrow.from < arrow.to;
  out[goes_right ? length - 1 : 0] = goes_right ? '>' : '<';
  const std::size_t room = length - 6;
  const auto fits = std::find_if(arrow.labels.begin(), arrow.labels.end(),
                                 [&](const std::string& label) { return label.size() <= room; });
  const std::string label = fits == arrow.labels.end() ? cut(arrow.labels.back(), room) : *fits;
  put(out, (length - label.size() - 2) / 2, " " + label + " ");
  return out;
}

[[nodiscard]] std::string arrow_row(const Picture& picture, const Arrow& arrow, const Layout& layout,
                                    bool colour) {
  std::string row = lifelines(picture, layout);
  const std::string after = fmt::format("{:>+{}.3f}", arrow.after_ms / 1000, kAfterColumns - 1);
  put(row, layout.shows_time ? kTimeColumns : 0, after);
  if (layout.shows_time) put(row, 0, arrow.time);
  if (arrow.from == arrow.to) return row;
  const std::size_t begin = layout.lifeline(std::min(arrow.from, arrow.to)) + 1;
  const std::size_t end = layout.lifeline(std::max(arrow.from, arrow.to));
  put(row, begin, shaft(arrow, end - begin));
  if (const std::string_view tint = tint_of(arrow); colour && !tint.empty()) {
    row.insert(end, "\x1b[0m");
    row.insert(begin, tint);
  }
  return row;
}

[[nodiscard]] std::string draw(const Json& root, const LadderStyle& style) {
  const std::size_t columns = std::clamp(style.columns, kLadderColumnsMin, kLadderColumnsMax);
  Picture picture = picture_of(root);
  if (picture.arrows.empty()) return "no messages of this call are kept any more\n";
  const Layout layout = layout_of(picture, columns);
  std::string out = fmt::format("first message {}{}\n\n", ascii(picture.heading),
                                is_true(member(root, "cut")) ? " (earlier ones are left away)" : "");
  out += names(picture, layout, columns);
  out += lifelines(picture, layout) + '\n';
  for (const Arrow& arrow : picture.arrows) out += arrow_row(picture, arrow, layout, style.colour) + '\n';
  return out;
}

}  // namespace

Result<std::string, std::string> draw_ladder(std::string_view trace, const LadderStyle& style) {
  try {
    const Json root = Json::parse(trace, nullptr, false);
    if (root.is_object() && member(root, "parties").size() >= 2) return draw(root, style);
  } catch (const std::exception&) {
    // Said below: whatever it was, the answer has not the form that is known here.
  }
  return fail(std::string("the daemon's answer can't be drawn as a ladder; try --json"));
}

}  // namespace sallyport::mgmt
