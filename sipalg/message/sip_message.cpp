// sip_message.cpp — start line, header fields, body: RFC 3261 §7, §18.3, §20.
#include "sipalg/message/sip_message.h"

#include "sipalg/message/header_parser.h"
#include "sipalg/message/line_scanner.h"

namespace sallyport::sip {
namespace {

void reset(SipMessage& message, std::string_view bytes) noexcept {
  message.bytes = bytes;
  message.start.kind = StartLineKind::NotSip;
  message.top_via.answerable = false;
  message.top_via.branch = {};
  message.from.tag = message.to.tag = {};
  message.contact.uri.text = {};
  message.cseq = {};
  message.call_id = {};
  message.content_type = {};
  message.body = {};
  message.content_length = message.expires = 0;
  message.via_count = message.contact_count = message.header_count = 0;
  message.max_forwards = 0;
  message.has_max_forwards = message.has_content_length = message.has_expires = false;
  message.contact_is_star = false;
  message.has_from = message.has_to = message.has_call_id = message.has_cseq = false;
  message.body_is_short = false;
  message.consumed = 0;
  message.error = {};
  message.lines_of.fill(0);
}

// A control octet is allowed in one place only: behind a backslash inside a quoted-string (RFC 4475
// §3.1.1.2).
const char* control_outside_quotes(const char* at, const char* end) noexcept {
  bool quoted = false;
  for (; at != end; ++at) {
    if (quoted && *at == '\\' && end - at > 1) {
      ++at;
    } else if (*at == '"') {
      quoted = !quoted;
    } else if (static_cast<unsigned char>(*at) < 0x20 && !has_class(*at, kSpace)) {
      return at;
    }
  }
  return nullptr;
}

class MessageParser {
 public:
  MessageParser(std::string_view bytes, const ParseOptions& options, SipMessage& message) noexcept
      : options_(options),
        message_(message),
        scanner_(bytes.substr(0, kHeadBytesMax), options.strictness.bare_lf_ends_line),
        fields_(options.strictness, message) {}

  ParseStatus run() noexcept {
    ScannedLine line;
    if (!first_line(line)) return head_unfinished();
    check_octets(line);
    ParseError error;
    Lexer lexer({line.begin, size_of(line)}, message_.bytes.data() + message_.bytes.size());
    if (!parse_start_line(lexer, options_.strictness, message_.start, error)) {
      error.offset += offset_of(line.begin);
      refuse(error);
    }
    if (message_.start.kind == StartLineKind::NotSip) return malformed();
    while (true) {
      if (!scanner_.next_line(line)) return head_unfinished();
      if (line.begin == line.end) break;
      check_octets(line);
      fields_.on_line(line.begin, line.end);
    }
    if (message_.error.rule == GrammarRule::None) fields_.check_required();
    return take_body();
  }

 private:
  static std::size_t size_of(const ScannedLine& line) noexcept {
    return static_cast<std::size_t>(line.end - line.begin);
  }
  std::uint32_t offset_of(const char* at) const noexcept {
    return static_cast<std::uint32_t>(at - message_.bytes.data());
  }
  void refuse(const ParseError& error) noexcept {
    if (message_.error.rule == GrammarRule::None) message_.error = error;
  }
  ParseStatus malformed() noexcept {
    // A response is never answered. RFC 3261 §18.3
    if (!message_.is_request()) message_.error.answer = 0;
    return ParseStatus::Malformed;
  }

  // CRLFs in front of the start line are skipped. RFC 3261 §7.5
  bool first_line(ScannedLine& line) noexcept {
    do {
      if (!scanner_.next_line(line)) return false;
    } while (line.begin == line.end);
    return true;
  }

  void check_octets(const ScannedLine& line) noexcept {
    if (line.bare_end != nullptr) refuse({GrammarRule::LineEnd, offset_of(line.bare_end), 400, false});
    if (!line.has_controls) return;
    const char* at = control_outside_quotes(line.begin, line.end);
    if (at != nullptr) refuse({GrammarRule::ControlByte, offset_of(at), 400, false});
  }

  // The bytes ended, or the limit was reached, before the empty line came.
  ParseStatus head_unfinished() noexcept {
    const auto end = static_cast<std::uint32_t>(message_.bytes.size());
    if (message_.bytes.size() >= kHeadBytesMax) {
      refuse({GrammarRule::TooLong, static_cast<std::uint32_t>(kHeadBytesMax), 513, true});
      return malformed();
    }
    if (options_.framing == Framing::Stream)
      return message_.error.rule == GrammarRule::None ? ParseStatus::Incomplete : malformed();
    take_last_line();
    const bool forgiven =
        options_.strictness.blank_line_may_be_missing && message_.start.kind != StartLineKind::NotSip;
    if (!forgiven) refuse({GrammarRule::EndOfHeaders, end, 400, false});
    if (message_.error.rule == GrammarRule::None) fields_.check_required();
    if (message_.has_content_length && message_.content_length > 0) message_.body_is_short = true;
    message_.consumed = message_.bytes.size();
    return message_.error.rule == GrammarRule::None ? ParseStatus::Complete : malformed();
  }

  // A header field without line end at the end of a datagram.
  void take_last_line() noexcept {
    const char* begin = scanner_.position();
    const char* end = message_.bytes.data() + message_.bytes.size();
    while (end != begin && (end[-1] == '\r' || end[-1] == '\n')) --end;
    if (begin == end || message_.start.kind == StartLineKind::NotSip) return;
    const char* bare_end = nullptr;
    for (const char* at = begin; at != end && bare_end == nullptr; ++at)
      if (*at == '\r' && at[1] != '\n') bare_end = at;
    check_octets({begin, end, true, bare_end});
    fields_.on_line(begin, end);
  }

  ParseStatus take_body() noexcept {
    const std::size_t head = offset_of(scanner_.position());
    const std::string_view rest = message_.bytes.substr(head);
    if (options_.framing == Framing::Stream) {
      if (!message_.has_content_length)
        refuse(
            {GrammarRule::ContentLength, static_cast<std::uint32_t>(head), 400, false});  // RFC 3261 §20.14
      if (message_.content_length > kBodyBytesMax)
        refuse({GrammarRule::TooLong, static_cast<std::uint32_t>(head), 513, true});
      if (message_.error.framing_lost) return malformed();
      if (message_.content_length > rest.size()) return ParseStatus::Incomplete;
    }
    const bool all = !message_.has_content_length;
    message_.body_is_short = message_.content_length > rest.size();
    message_.body =
        all && options_.framing == Framing::Datagram ? rest : rest.substr(0, message_.content_length);
    message_.consumed = head + message_.body.size();
    return message_.error.rule == GrammarRule::None ? ParseStatus::Complete : malformed();
  }

  const ParseOptions& options_;
  SipMessage& message_;
  LineScanner scanner_;
  HeaderParser fields_;
};

}  // namespace

ParseStatus parse_message(std::string_view bytes, const ParseOptions& options, SipMessage& message) noexcept {
  reset(message, bytes);
  return MessageParser(bytes, options, message).run();
}

}  // namespace sallyport::sip
