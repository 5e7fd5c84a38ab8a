// load_blocklists.cpp — see load_blocklists.h. The file is read in pieces, so that memory holds the prefixes
// alone.
#include "mgmt/config/load_blocklists.h"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mgmt/config/option_value.h"
#include "mgmt/config/regular_file.h"

namespace sallyport::mgmt {
namespace {

// One file while it is read.
class BlocklistReader {
 public:
  BlocklistReader(const std::string& path, std::string key, std::size_t room, ProblemList& problems)
      : problems_(problems), key_(std::move(key)), file_(problems.add_file(path)), room_(room) {}

  [[nodiscard]] std::vector<Prefix> read(std::FILE& file);

 private:
  void take_piece(std::string_view piece);
  void take_line(std::string_view line);
  void say(ValueError why);

  ProblemList& problems_;
  std::string key_;
  std::size_t file_, room_;
  std::vector<Prefix> prefixes_;
  std::string carried_;  // the beginning of a line whose end is in the next piece
  bool is_overlong_ = false, is_full_ = false;
  std::uint32_t line_ = 0;
  std::size_t wrong_ = 0;
};

void BlocklistReader::say(ValueError why) {
  if (++wrong_ <= kBlocklistProblemsMax)
    problems_.error({.file = file_, .line = static_cast<int>(line_)}, key_, std::move(why));
}

void BlocklistReader::take_line(std::string_view line) {
  ++line_;
  if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a mark that editors leave
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos || line[first] == '#' || line[first] == ';' || is_full_) return;
  line.remove_prefix(first);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r,;#"));
  const auto prefix = parse_network(word);
  if (!prefix) return say(prefix.error());
  if (prefix->length == 0)
    return say({to_string(*prefix) + " would block everybody", "write a longer prefix, or leave it out"});
  if (prefixes_.size() >= room_) {
    is_full_ = true;
    return say({"has no room: the files together hold more than dataplane.capacity.blocked",
                "raise that, or leave prefixes out"});
  }
  prefixes_.push_back(*prefix);
}

void BlocklistReader::take_piece(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    if (carried_.size() + part.size() > kBlocklistLineBytesMax) is_overlong_ = true;
    if (is_overlong_) carried_.clear();
    if (end == std::string_view::npos) {
      if (!is_overlong_) carried_ += part;
      return;
    }
    piece.remove_prefix(end + 1);
    if (std::exchange(is_overlong_, false)) {
      ++line_;
      say({"is longer than " + std::to_string(kBlocklistLineBytesMax) + " octets", "write a prefix a line"});
    } else {
      take_line(carried_.empty() ? part : carried_.append(part));
    }
    carried_.clear();
  }
}

std::vector<Prefix> BlocklistReader::read(std::FILE& file) {
  std::vector<char> piece(256 * 1024);
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), &file)) != 0;)
    take_piece({piece.data(), got});
  if (std::ferror(&file) != 0)
    say({"can't be read any further", "put a readable file there or name another"});
  if (is_overlong_ || !carried_.empty()) take_piece("\n");
  if (wrong_ > kBlocklistProblemsMax) {
    const std::size_t more = std::exchange(wrong_, 0) - kBlocklistProblemsMax;
    say({std::to_string(more) + " further lines are wrong", "see those above"});
  }
  return std::move(prefixes_);
}

}  // namespace

void load_blocklists(const Section& root, SbcConfig& config, ProblemList& problems) {
  const std::vector<Section> sections = root.child("security").items("blocklists");
  SecurityConfig& security = config.security;
  security.blocklist_prefixes.assign(security.blocklist_files.size(), nullptr);
  std::size_t room = config.dataplane.capacity.blocked;
  for (std::size_t i = 0; i < sections.size() && i < security.blocklist_files.size(); ++i) {
    if (sections[i].written("file") == nullptr) continue;
    const std::string& path = security.blocklist_files[i];
    const FilePtr file = open_regular(path);
    if (!file) continue;
    std::vector<Prefix> prefixes =
        BlocklistReader(path, sections[i].shown("file"), room, problems).read(*file);
    room -= prefixes.size();
    security.blocklist_prefixes[i] = make_value<std::vector<Prefix>>(std::move(prefixes));
  }
}

}  // namespace sallyport::mgmt
