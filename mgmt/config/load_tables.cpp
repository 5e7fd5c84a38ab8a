// load_tables.cpp — see load_tables.h. The file is read in pieces, so that memory holds the table alone.
#include "mgmt/config/load_tables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <unordered_map>

#include "mgmt/config/quoted.h"
#include "mgmt/config/regular_file.h"
#include "mgmt/config/suggest.h"
#include "policy/route/prefix_table.h"

namespace sallyport::mgmt {
namespace {

using policy::PrefixTable;

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view unquoted(std::string_view field) {
  field = trimmed(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = field.substr(1, field.size() - 2);
  return field;
}

bool is_title(std::string_view field) {
  constexpr std::string_view kTitle = "prefix";
  return field.size() == kTitle.size() && std::equal(field.begin(), field.end(), kTitle.begin(),
                                                     [](char a, char b) { return (a | 0x20) == b; });
}

// One table while its file is read.
class TableReader {
 public:
  TableReader(const Section& section, TableConfig& table, const std::vector<PeerConfig>& peers,
              ProblemList& problems);

  void read(std::FILE& file);

 private:
  void take_piece(std::string_view piece);
  void take_line(std::string_view line);
  void take_fields(std::string_view prefix, std::string_view peer, std::string_view weight);
  [[nodiscard]] std::optional<std::uint16_t> number_of_peer(std::string_view name);
  void finish();
  void say(std::uint32_t line, ValueError why, bool is_error = true);

  TableConfig& table_;
  const std::vector<PeerConfig>& peers_;
  ProblemList& problems_;
  std::string key_;
  std::size_t file_;
  PrefixTable::Builder builder_;
  // Peers by name; the number is that in the table's own list, or kNotUsed until a line names it.
  static constexpr std::uint32_t kNotUsed = 0xffffffff;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;
  std::string carried_;  // the beginning of a line whose end is in the next piece
  bool is_overlong_ = false, is_first_ = true, is_full_ = false;
  std::uint32_t line_ = 0;
  std::size_t wrong_ = 0;
};

TableReader::TableReader(const Section& section, TableConfig& table, const std::vector<PeerConfig>& peers,
                         ProblemList& problems)
    : table_(table),
      peers_(peers),
      problems_(problems),
      key_(section.shown()),
      file_(problems.add_file(table.file)) {
  for (const PeerConfig& peer : peers) numbers_.emplace(peer.name, kNotUsed);
}

void TableReader::say(std::uint32_t line, ValueError why, bool is_error) {
  if (++wrong_ > kTableProblemsMax) return;
  const YamlPlace place{.file = file_, .line = static_cast<int>(line)};
  (void)(is_error ? problems_.error(place, key_, std::move(why))
                  : problems_.warning(place, key_, std::move(why)));
}

std::optional<std::uint16_t> TableReader::number_of_peer(std::string_view name) {
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) {
    std::vector<std::string> known;
    for (const PeerConfig& peer : peers_) known.push_back(peer.name);
    const std::string near = wrong_ < kTableProblemsMax ? nearest(name, known) : std::string();
    say(line_,
        {"there is no peer " + in_quotes(name),
         near.empty() ? "name one that is defined under peers" : "did you mean " + in_quotes(near) + "?"});
    return std::nullopt;
  }
  if (found->second == kNotUsed) {
    found->second = static_cast<std::uint32_t>(table_.peers.size());
    table_.peers.emplace_back(name);
  }
  return static_cast<std::uint16_t>(found->second);
}

void TableReader::take_fields(std::string_view prefix, std::string_view peer, std::string_view weight) {
  const auto key = policy::prefix_key(prefix);
  if (!key)
    return say(line_, {in_quotes(prefix) + " is no prefix of a number",
                       "write at most 16 of + (in front only), 0 to 9, * and #"});
  std::uint16_t share = 1;
  const char* const end = weight.data() + weight.size();
  const auto [rest, problem] = std::from_chars(weight.data(), end, share);
  if (!weight.empty() && (problem != std::errc{} || rest != end))
    return say(line_, {in_quotes(weight) + " is no weight", "write a number from 0 to 65535"});
  if (const auto number = number_of_peer(peer)) builder_.add(*key, {line_, *number, share});
}

void TableReader::take_line(std::string_view line) {
  ++line_;
  if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a mark that editors leave
  line = trimmed(line);
  if (line.empty() || line.front() == '#' || is_full_) return;
  std::array<std::string_view, 4> fields;
  std::size_t count = 0;
  for (std::size_t from = 0; count < fields.size() && from <= line.size(); ++count) {
    const std::size_t comma = std::min(line.find(',', from), line.size());
    fields[count] = unquoted(line.substr(from, comma - from));
    from = comma + 1;
  }
  const bool is_first = std::exchange(is_first_, false);
  if (is_first && is_title(fields[0])) return;
  if (count < 2 || count > 3)
    return say(line_, {"is not prefix,peer,weight", "write three fields with commas between them"});
  if (builder_.size() >= kTableLinesMax) {
    is_full_ = true;
    return say(line_, {"is line " + std::to_string(kTableLinesMax + 1) + " of the table",
                       "write at most " + std::to_string(kTableLinesMax)});
  }
  take_fields(fields[0], fields[1], fields[2]);
}

void TableReader::take_piece(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    const bool is_whole = end != std::string_view::npos;
    if (carried_.size() + part.size() > kTableLineBytesMax) is_overlong_ = true;
    if (is_overlong_) carried_.clear();
    if (!is_whole) {
      if (!is_overlong_) carried_ += part;
      return;
    }
    piece.remove_prefix(end + 1);
    if (is_overlong_) {
      say(++line_,
          {"is longer than " + std::to_string(kTableLineBytesMax) + " octets", "write prefix,peer,weight"});
    } else if (carried_.empty()) {
      take_line(part);
    } else {
      take_line(carried_.append(part));
    }
    carried_.clear();
    is_overlong_ = false;
  }
}

void TableReader::read(std::FILE& file) {
  std::vector<char> piece(256 * 1024);
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), &file)) != 0;)
    take_piece({piece.data(), got});
  if (std::ferror(&file) != 0)
    say(line_, {"can't be read any further", "put a readable file there or name another"});
  if (is_overlong_ || !carried_.empty()) take_piece("\n");
  finish();
}

void TableReader::finish() {
  const bool is_empty = builder_.size() == 0 && wrong_ == 0;
  std::vector<PrefixTable::Builder::Repeated> repeated;
  table_.content = std::make_shared<const PrefixTable>(builder_.build(repeated));
  for (const auto& [line, first] : repeated)
    say(line,
        {"has the prefix and the peer of line " + std::to_string(first) + ", so it does not count",
         "leave it out"},
        false);
  if (is_empty) say(line_, {"holds no prefix", "write lines of prefix,peer,weight"}, false);
  if (wrong_ > kTableProblemsMax) {
    const std::size_t more = std::exchange(wrong_, 0) - kTableProblemsMax;
    say(line_, {std::to_string(more) + " further lines are wrong or repeated", "see those above"});
  }
}

}  // namespace

void load_tables(const Section& root, SbcConfig& config, ProblemList& problems) {
  const std::vector<Section> sections = root.items("tables");
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].written("file") == nullptr) continue;
    if (const FilePtr file = open_regular(config.tables[i].file))
      TableReader(sections[i], config.tables[i], config.peers, problems).read(*file);
  }
}

}  // namespace sallyport::mgmt
