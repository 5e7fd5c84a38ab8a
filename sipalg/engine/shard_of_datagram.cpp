// shard_of_datagram.cpp — the virtual shard of a datagram, by its Call-ID: RFC 3261 §8.1.1.4, §7.3.3.
#include "sipalg/engine/sip_engine.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/line_scanner.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {
namespace {

// The first Call-ID, or nothing. Compact forms, "Name :" and folding behind the colon are understood.
std::string_view find_call_id(std::string_view bytes) noexcept {
  LineScanner scanner(bytes.substr(0, kHeadBytesMax), true);
  ScannedLine line;
  while (scanner.next_line(line)) {
    const char first = line.begin == line.end ? '\0' : static_cast<char>(*line.begin | 0x20);
    if (first != 'c' && first != 'i') continue;
    Lexer lexer({line.begin, static_cast<std::size_t>(line.end - line.begin)});
    const std::string_view name = lexer.take_while<kToken>();
    lexer.skip_space();
    if (!lexer.take(':') || header_name_of(name) != HeaderName::CallId) continue;
    lexer.skip_space();
    return lexer.take_while<kWord | kToken | kUric>();  // no white space in a Call-ID
  }
  return {};
}

}  // namespace

// A foreign Call-ID is hardly ever 44 of the token's digits: one look at its length spares the proof.
std::uint8_t shard_of_call_id(const HashKey& key, std::string_view call_id) noexcept {
  if (call_id.size() == kTokenChars)
    if (const auto token = read_token(key, TokenKind::CallId, call_id)) return token->shard;
  return static_cast<std::uint8_t>(keyed_hash(key, call_id) % kShardCount);
}

std::uint8_t shard_of_datagram(const HashKey& key, std::string_view bytes) noexcept {
  const std::string_view call_id = find_call_id(bytes);
  return shard_of_call_id(key, call_id.empty() ? bytes : call_id);
}

}  // namespace sallyport::sip
