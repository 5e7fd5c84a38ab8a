// multipart.cpp — parts and their heads: RFC 2045 §5, RFC 2046 §5.1, RFC 3261 §25.1.
#include "sipalg/body/multipart.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);

// One line and where the next begins. A bare LF ends a line too: some reader will take it for one.
struct Line {
  std::string_view text;  // without its end
  std::size_t next = 0;   // the size of the text when it was the last
  bool has_end = false;
};
Line line_at(std::string_view text, std::size_t at) noexcept {
  const std::size_t end = text.find('\n', at);
  if (end == std::string_view::npos) return {text.substr(at), text.size(), false};
  std::string_view line = text.substr(at, end - at);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return {line, end + 1, true};
}

// bcharsnospace and space; not at the end. RFC 2046 §5.1.1
bool is_boundary(std::string_view text) noexcept {
  constexpr std::string_view kAllowed = "'()+_,-./:=? ";
  if (text.empty() || text.size() > kBoundaryBytesMax || text.back() == ' ') return false;
  return std::ranges::all_of(text, [&](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || has_class(c, kDigit) || kAllowed.find(c) != std::string_view::npos;
  });
}

enum class Delimiter : std::uint8_t { None, Next, Last, Doubtful };

Delimiter delimiter_of(std::string_view line, std::string_view boundary) noexcept {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return Delimiter::None;
  std::string_view rest = line.substr(2 + boundary.size());
  const bool is_last = rest.starts_with("--");
  if (is_last) rest.remove_prefix(2);
  // Padding may follow; anything else and readers part company. RFC 2046 §5.1.1
  if (rest.find_first_not_of(" \t") != std::string_view::npos) return Delimiter::Doubtful;
  return is_last ? Delimiter::Last : Delimiter::Next;
}

std::string_view without_line_end(std::string_view text) noexcept {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

struct PartHead {
  bool is_readable = false;
  bool has_type = false;
  bool is_encoded = false;
  ContentType type;
  std::size_t size = 0;  // with the empty line
};

bool is_plain_encoding(std::string_view value) noexcept {
  for (const std::string_view plain : {"7bit", "8bit", "binary", "identity"})
    if (equals_ignoring_case(value, plain)) return true;
  return false;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && has_class(text.front(), kSpace)) text.remove_prefix(1);
  while (!text.empty() && has_class(text.back(), kSpace)) text.remove_suffix(1);
  return text;
}

// One field with its continuation lines; false when it can't be read.
bool take_field(PartHead& head, std::string_view field) noexcept {
  Lexer lexer(field);
  const std::string_view name = lexer.take_while<kToken>();
  lexer.skip_space();
  if (name.empty() || !lexer.take(':')) return false;
  const std::string_view value =
      trimmed(field.substr(static_cast<std::size_t>(lexer.position() - field.data())));
  if (equals_ignoring_case(name, "content-type") || equals_ignoring_case(name, "c")) {
    if (head.has_type) return false;
    head.has_type = true;
    head.type = read_content_type(value);
    return head.type.is_readable;
  }
  if (equals_ignoring_case(name, "content-transfer-encoding") ||
      equals_ignoring_case(name, "content-encoding") || equals_ignoring_case(name, "e"))
    head.is_encoded |= !is_plain_encoding(value);
  return true;
}

// The head of a part ends with an empty line, or with the part. RFC 2046 §5.1.1
PartHead read_head(std::string_view part) noexcept {
  PartHead head;
  std::size_t at = 0;
  while (at < part.size()) {
    const std::size_t start = at;
    Line line = line_at(part, at);
    at = line.next;
    if (line.text.empty()) break;
    if (line.text.front() == ' ' || line.text.front() == '\t') return head;  // continues nothing
    while (at < part.size() && (part[at] == ' ' || part[at] == '\t')) at = line_at(part, at).next;
    if (!take_field(head, without_line_end(part.substr(start, at - start)))) return head;
  }
  head.size = at;
  head.is_readable = true;
  return head;
}

class MultipartReader {
 public:
  explicit MultipartReader(MultipartView& view) noexcept : view_(view) {}

  bool read(std::string_view body, std::string_view boundary, unsigned depth) noexcept {
    if (boundary.empty() || depth > kMultipartDepthMax) return false;
    std::size_t first = std::string_view::npos, start = 0;
    for (std::size_t at = 0; at < body.size();) {
      const Line line = line_at(body, at);
      const Delimiter delimiter = delimiter_of(line.text, boundary);
      if (delimiter == Delimiter::Doubtful) return false;
      if (delimiter != Delimiter::None) {
        if (first == std::string_view::npos) {
          if (delimiter == Delimiter::Last) return false;  // no part at all
          first = at;
        } else if (!read_part(without_line_end(body.substr(start, at - start)), depth)) {
          return false;
        }
        start = line.next;
      }
      if (delimiter == Delimiter::Last) {
        if (depth == 1) view_.whole = body.substr(first, line.next - first);
        return true;
      }
      at = line.next;
    }
    return false;  // never closed
  }

 private:
  bool read_part(std::string_view part, unsigned depth) noexcept {
    if (++parts_ > kPartsMax) return false;
    const PartHead head = read_head(part);
    if (!head.is_readable) return false;
    const std::string_view content = part.substr(head.size);
    if (is_sdp(head.type.media)) {
      if (head.is_encoded) return false;
      if (view_.sdp_parts++ == 0) {
        view_.sdp_head = part.substr(0, head.size);
        view_.sdp = content;
      }
      return true;
    }
    if (!equals_ignoring_case(head.type.media.type, "multipart")) return true;
    return !head.is_encoded && read(content, head.type.boundary, depth + 1);
  }

  MultipartView& view_;
  std::size_t parts_ = 0;
};

}  // namespace

ContentType read_content_type(std::string_view value) noexcept {
  ContentType type;
  Lexer lexer(value);
  type.media.type = lexer.take_while<kToken>();
  lexer.skip_space();
  const bool slash = lexer.take('/');
  lexer.skip_space();
  type.media.subtype = lexer.take_while<kToken>();
  lexer.skip_space();
  GenericParam param;
  std::size_t boundaries = 0;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return type;
    if (!equals_ignoring_case(param.name, "boundary")) continue;
    std::string_view text = param.value;
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    type.boundary = ++boundaries == 1 && is_boundary(text) ? text : std::string_view{};
  }
  type.is_readable = slash && !type.media.type.empty() && !type.media.subtype.empty() && lexer.done();
  return type;
}

bool is_sdp(const MediaType& media) noexcept {
  if (media.subtype == "sdp" && media.type == "application") return true;  // nearly always so written
  return equals_ignoring_case(media.type, "application") && equals_ignoring_case(media.subtype, "sdp");
}

MultipartView view_multipart(std::string_view content_type, std::string_view body) noexcept {
  MultipartView view;
  const ContentType type = read_content_type(content_type);
  view.is_readable = type.is_readable && MultipartReader(view).read(body, type.boundary, 1);
  return view;
}

}  // namespace sallyport::sip
