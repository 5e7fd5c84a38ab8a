// stream_framer.cpp — where on a connection one SIP message ends and the next begins: RFC 3261 §7.5, §18.3.
#include "sipalg/message/stream_framer.h"

#include <algorithm>

#include "sipalg/message/line_scanner.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kEmptyLine = "\r\n\r\n";
constexpr std::string_view kVersionWord = "sip";
// A connection that has been idle keeps no more than this.
constexpr std::size_t kIdleBytesMax = 2048;

std::string_view content_length_of(std::string_view line) noexcept {
  const char* const end = line.data() + line.size();
  const char* const name_end = find_end_of<kToken>(line.data(), end, end);
  const auto name_size = static_cast<std::size_t>(name_end - line.data());
  const char* at = name_end;
  while (at != end && has_class(*at, kSpace)) ++at;  // RFC 3261 §7.3.1 (HCOLON)
  if (name_size == 0 || at == end || *at != ':') return {};
  if (header_name_of(line.substr(0, name_size)) != HeaderName::ContentLength) return {};
  return {at, static_cast<std::size_t>(end - at)};  // with its colon: never empty
}

}  // namespace

void StreamFramer::take(std::string_view bytes) {
  if (end_ != Kind::NeedMore) return;
  forget_taken();
  buffer_.append(bytes);
}

// Moves no more than what it frees, so the work stays linear.
void StreamFramer::forget_taken() {
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    if (buffer_.capacity() > kIdleBytesMax) std::string().swap(buffer_);
    begin_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
}

StreamFramer::Frame StreamFramer::end_with(Kind kind, std::size_t bytes) {
  end_ = kind;
  end_size_ = bytes;
  return {kind, rest().substr(0, bytes)};
}

StreamFramer::Frame StreamFramer::next() {
  if (end_ != Kind::NeedMore) return {end_, rest().substr(0, end_size_)};
  if (head_size_ == 0) {
    Frame frame;
    if (start_seen_ == 0 && take_line_ends(frame)) return frame;
    if (!begins_like_sip()) return end_with(Kind::NotSip, 0);
    if (!find_head_end()) {
      if (rest().size() < kHeadBytesMax) return {};
      return end_with(Kind::TooLarge, kHeadBytesMax);
    }
    if (!read_length()) return end_with(Kind::FramingLost, head_size_);
    if (body_size_ > kBodyBytesMax) return end_with(Kind::TooLarge, head_size_);
  }
  const std::size_t size = head_size_ + body_size_;
  if (rest().size() < size) return {};
  const std::string_view message = rest().substr(0, size);
  begin_ += size;
  start_seen_ = head_seen_ = head_size_ = body_size_ = 0;
  start_ = Start::Word;
  return {Kind::Message, message};
}

// Between messages. True: there is nothing else to look at now.
bool StreamFramer::take_line_ends(Frame& frame) {
  while (true) {
    const std::string_view octets = rest();
    if (octets.starts_with(kEmptyLine)) {  // RFC 5626 §4.4.1
      frame = {Kind::KeepAlive, octets.substr(0, kEmptyLine.size())};
      begin_ += kEmptyLine.size();
      return true;
    }
    // May become a ping, or a CRLF before a message.
    if (kEmptyLine.starts_with(octets)) return true;
    if (!octets.starts_with(kLineEnd)) return false;
    if (octets.size() == kLineEnd.size() + 1 && octets.back() == '\r') return true;
    begin_ += kLineEnd.size();  // RFC 3261 §7.5; or the answer to a ping of ours
  }
}

bool StreamFramer::has_begun() const noexcept { return !kEmptyLine.starts_with(rest()); }

bool StreamFramer::take_pong() noexcept {
  if (rest() != kLineEnd) return false;
  begin_ += kLineEnd.size();
  return true;
}

bool StreamFramer::begins_like_sip() {
  const std::string_view octets = rest();
  while (start_ != Start::Good && start_seen_ < octets.size()) {
    const char c = octets[start_seen_];
    if (start_ == Start::Word) {
      ++start_seen_;
      if (has_class(c, kToken)) continue;
      const std::string_view word = octets.substr(0, start_seen_ - 1);
      if (c == ' ' && !word.empty()) {
        start_ = Start::Behind;
      } else if (c == '/' && equals_ignoring_case(word, kVersionWord)) {
        start_ = Start::Line;
      } else {
        return false;
      }
    } else if (start_ == Start::Behind) {
      if (c == '/') return false;  // a path: HTTP, RTSP
      start_ = Start::Line;
    } else {
      const std::size_t end = octets.find(kLineEnd, start_seen_);
      const std::size_t behind = end + kLineEnd.size();
      if (end == std::string_view::npos || behind >= octets.size()) {
        start_seen_ = end == std::string_view::npos ? octets.size() - (octets.back() == '\r' ? 1 : 0) : end;
        return true;
      }
      start_seen_ = behind;
      if (octets[behind] == ' ' || octets[behind] == '\t') continue;  // folded, RFC 3261 §7.3.1
      StartLine line;
      ParseError error;
      Lexer lexer(octets.substr(0, end));
      (void)parse_start_line(lexer, StrictnessPolicy{}, line, error);
      if (line.kind == StartLineKind::NotSip) return false;
      start_ = Start::Good;
    }
  }
  return true;
}

bool StreamFramer::find_head_end() {
  const std::string_view octets = rest().substr(0, kHeadBytesMax);
  const std::size_t from = head_seen_ < kEmptyLine.size() ? 0 : head_seen_ - (kEmptyLine.size() - 1);
  const std::size_t found = octets.find(kEmptyLine, from);
  head_seen_ = octets.size();
  if (found == std::string_view::npos) return false;
  head_size_ = found + kEmptyLine.size();
  return true;
}

// Two of them are never taken for one, not even when they say the same (threats P1). None at all is a body of
// no octets: what follows must then look like a message again.
bool StreamFramer::read_length() {
  LineScanner lines(rest().substr(0, head_size_), false);
  ScannedLine line;
  bool has_length = false;
  while (lines.next_line(line) && line.begin != line.end) {
    std::string_view value = content_length_of({line.begin, static_cast<std::size_t>(line.end - line.begin)});
    if (value.empty()) continue;
    value.remove_prefix(1);
    while (!value.empty() && has_class(value.front(), kSpace)) value.remove_prefix(1);
    while (!value.empty() && has_class(value.back(), kSpace)) value.remove_suffix(1);
    const auto length = parse_decimal(value, 0xffffffffu);
    if (has_length || !length) return false;
    has_length = true;
    body_size_ = *length;
  }
  return true;
}

}  // namespace sallyport::sip
