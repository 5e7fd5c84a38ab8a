// session_id.cpp — Session-ID read and written: RFC 7989 §5.
#include "sipalg/hiding/session_id.h"

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

// 32 digits in small letters; nothing else. RFC 7989 §5
std::optional<Hash128> parse_uuid(std::string_view text) noexcept {
  if (text.size() != kUuidDigits) return std::nullopt;
  Hash128 uuid;
  for (std::size_t i = 0; i < kUuidDigits; ++i) {
    const char c = text[i];
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && !(c >= 'a' && c <= 'f')) return std::nullopt;
    std::uint64_t& half = i < kUuidDigits / 2 ? uuid.high : uuid.low;
    half = half << 4 | static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return uuid;
}

}  // namespace

// local-uuid *(SEMI sess-id-param); of the parameters only `remote` counts. RFC 7989 §5
std::optional<SessionIdValue> parse_session_id(std::string_view value) noexcept {
  constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
  Lexer lexer(value);
  SessionIdValue id;
  const auto local = parse_uuid(lexer.take_while<kToken>());
  if (!local) return std::nullopt;
  id.local = *local;
  lexer.skip_space();
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
    if (!equals_ignoring_case(param.name, "remote")) continue;
    const auto remote = parse_uuid(param.value);
    if (!remote || id.has_remote) return std::nullopt;
    id.remote = *remote;
    id.has_remote = true;
  }
  return lexer.done() ? std::optional(id) : std::nullopt;
}

void write_uuid(const Hash128& uuid, UuidText& text) noexcept {
  std::size_t at = 0;
  for (const std::uint64_t half : {uuid.high, uuid.low})
    for (unsigned shift = 64; shift != 0; shift -= 4)
      text[at++] = "0123456789abcdef"[half >> (shift - 4) & 15];
}

}  // namespace sallyport::sip
