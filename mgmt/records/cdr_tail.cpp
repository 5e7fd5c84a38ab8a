// cdr_tail.cpp — goes back to the last line that is known to be safe, then forward as long as lines are good.
#include "mgmt/records/cdr_tail.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "mgmt/records/cdr_parse.h"
#include "policy/record/call_record.h"

namespace sallyport::mgmt {
namespace {

struct Line {
  std::uint64_t seq = 0;
  std::optional<std::uint64_t> started_call, ended_call;
};

[[nodiscard]] std::optional<Line> parse_line(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto seq = json.find("seq"), id = json.find("id"), type = json.find("type");
  if (seq == json.end() || id == json.end() || type == json.end()) return std::nullopt;
  if (!seq->is_number_unsigned() || !id->is_string() || !type->is_string()) return std::nullopt;
  const auto call = parse_call_id_text(id->get_ref<const std::string&>());
  if (!call) return std::nullopt;
  Line out;
  out.seq = seq->get<std::uint64_t>();
  if (type->get_ref<const std::string&>() == "end") out.ended_call = call;
  if (type->get_ref<const std::string&>() == "start") out.started_call = call;
  return out;
}

// The text of the line that ends before `end` (which is behind its line feed).
[[nodiscard]] std::string_view line_before(std::string_view bytes, std::size_t end) {
  const std::size_t feed = end < 2 ? std::string_view::npos : bytes.rfind('\n', end - 2);
  const std::size_t begin = feed == std::string_view::npos ? 0 : feed + 1;
  return bytes.substr(begin, end - 1 - begin);
}

// Seq of the last good line before `end`; 0 when there is none from `begin` on.
[[nodiscard]] std::uint64_t seq_before(std::string_view bytes, std::size_t begin, std::size_t end) {
  while (end > begin) {
    const std::string_view text = line_before(bytes, end);
    if (const auto line = parse_line(text)) return line->seq;
    end -= text.size() + 1;
  }
  return 0;
}

// Where the lines behind the mark begin: behind the last good line that is not behind it, and that does not
// say again what an earlier one said.
[[nodiscard]] std::size_t find_start(std::string_view bytes, std::size_t begin,
                                     std::optional<std::uint64_t> mark, std::uint64_t& last_seq) {
  // Without a mark nothing says which lines were synced, but in front of zeros stands the torn end of all
  // that was: they are of the power cut, and so is what looks good behind them.
  const std::size_t zeros = mark ? std::string_view::npos : bytes.find('\0', begin);
  std::size_t end = bytes.substr(0, zeros).rfind('\n');
  end = end == std::string_view::npos ? begin : end + 1;
  while (end > begin) {
    const std::string_view text = line_before(bytes, end);
    const auto line = parse_line(text);
    const std::size_t line_begin = end - text.size() - 1;
    if (line && (!mark || line->seq <= *mark) && seq_before(bytes, begin, line_begin) < line->seq) {
      if (!mark) last_seq = line->seq;
      return end;
    }
    end = line_begin;
  }
  return begin;
}

[[nodiscard]] std::vector<Cdr> find_started(std::string_view bytes) {
  std::unordered_map<std::uint64_t, std::string_view> open;  // keys are numbers of our own
  for (std::size_t feed = bytes.find('\n'); feed != std::string_view::npos; feed = bytes.find('\n')) {
    const std::string_view text = bytes.substr(0, feed);
    bytes.remove_prefix(feed + 1);
    const auto line = parse_line(text);
    if (!line) continue;
    if (line->ended_call) open.erase(*line->ended_call);
    if (line->started_call) open[*line->started_call] = text;
  }
  std::vector<Cdr> out;
  for (const auto& [call, text] : open)
    if (auto cdr = parse_start_line(text)) out.push_back(std::move(*cdr));
  std::ranges::sort(out, {}, &Cdr::seq);
  return out;
}

// How many of the bytes are good, and what is said behind the mark.
void judge_lines(std::string_view bytes, const JournalledLine& journalled, CdrTail& out) {
  bool any = false;
  while (out.good_bytes < bytes.size()) {
    const std::size_t feed = bytes.find('\n', out.good_bytes);
    if (feed == std::string_view::npos) return;
    const std::string_view text = bytes.substr(out.good_bytes, feed - out.good_bytes);
    if (const auto line = parse_line(text)) {
      if (line->seq <= out.last_seq) return;
      const std::string_view expected = journalled ? journalled(line->seq) : std::string_view();
      if (!expected.empty() && expected != bytes.substr(out.good_bytes, text.size() + 1)) return;
      out.last_seq = line->seq;
      if (line->ended_call) out.ended.push_back(*line->ended_call);
      any = true;
    } else if (any || text.find('\0') != std::string_view::npos) {
      return;
    }
    out.good_bytes = feed + 1;
  }
}

}  // namespace

CdrTail judge_cdr_tail(std::string_view bytes, bool is_whole, std::optional<std::uint64_t> mark,
                       const JournalledLine& journalled) {
  std::size_t begin = 0;
  if (!is_whole) {  // the first line is only a part of one
    const std::size_t feed = bytes.find('\n');
    begin = feed == std::string_view::npos ? bytes.size() : feed + 1;
  }
  CdrTail out;
  out.last_seq = mark.value_or(0);
  out.marked_bytes = out.good_bytes = find_start(bytes, begin, mark, out.last_seq);
  judge_lines(bytes, journalled, out);
  const std::size_t from = mark ? out.marked_bytes : begin;
  out.started = find_started(bytes.substr(from, out.good_bytes - from));
  return out;
}

}  // namespace sallyport::mgmt
