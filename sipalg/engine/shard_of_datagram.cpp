// shard_of_datagram.cpp — the virtual shard of a datagram, by its Call-ID or by whom it registers: RFC 3261
// §8.1.1.4, §7.3.3, §10.3.
#include <optional>
#include <string>

#include "sipalg/engine/sip_engine.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/line_scanner.h"
#include "sipalg/message/name_addr.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {
namespace {

// The value of the first header field of that name, from behind its colon on; nothing: there is none.
// `long_form` and `short_form` are what its long and its compact form begin with. Both forms, "Name :" and
// folding behind the colon are understood.
struct WantedHeader {
  HeaderName name;
  char long_form, short_form;
};
std::optional<Lexer> find_header(std::string_view bytes, const WantedHeader& wanted) noexcept {
  LineScanner scanner(bytes.substr(0, kHeadBytesMax), true);
  ScannedLine line;
  while (scanner.next_line(line)) {
    const char first = line.begin == line.end ? '\0' : static_cast<char>(*line.begin | 0x20);
    if (first != wanted.long_form && first != wanted.short_form) continue;
    Lexer lexer({line.begin, static_cast<std::size_t>(line.end - line.begin)});
    const std::string_view name = lexer.take_while<kToken>();
    lexer.skip_space();
    if (!lexer.take(':') || header_name_of(name) != wanted.name) continue;
    lexer.skip_space();
    return lexer;
  }
  return std::nullopt;
}

std::string_view find_call_id(std::string_view bytes) noexcept {
  auto value = find_header(bytes, {HeaderName::CallId, 'c', 'i'});
  if (!value) return {};
  return value->take_while<kWord | kToken | kUric>();  // no white space in a Call-ID
}

// Whom a REGISTER registers: all about one AOR happens in one place. RFC 3261 §10.3
std::optional<std::uint8_t> shard_of_register(const HashKey& key, std::string_view bytes) noexcept {
  auto value = find_header(bytes, {HeaderName::To, 't', 't'});
  NameAddr to;
  if (!value || !parse_name_addr(*value, StrictnessPolicy::of(Strictness::Lenient), to)) return std::nullopt;
  const std::string aor = aor_of(to.uri);
  if (aor.empty()) return std::nullopt;
  return shard_of_aor(key, aor);
}

}  // namespace

// A foreign Call-ID is hardly ever 44 of the token's digits: one look at its length spares the proof.
std::uint8_t shard_of_call_id(const HashKey& key, std::string_view call_id) noexcept {
  if (call_id.size() == kTokenChars)
    if (const auto token = read_token(key, TokenKind::CallId, call_id)) return token->shard;
  return static_cast<std::uint8_t>(keyed_hash(key, call_id) % kShardCount);
}

std::uint8_t shard_of_datagram(const HashKey& key, std::string_view bytes) noexcept {
  if (bytes.starts_with("REGISTER "))
    if (const auto shard = shard_of_register(key, bytes)) return *shard;
  const std::string_view call_id = find_call_id(bytes);
  return shard_of_call_id(key, call_id.empty() ? bytes : call_id);
}

}  // namespace sallyport::sip
