// shard_of_datagram.cpp — the virtual shard of a datagram, by what of ours it shows: RFC 3261 §8.1.1.4,
// §7.3.3, §10.3, §12.2, §17.1.3; RFC 3891.
#include <algorithm>
#include <optional>
#include <string>

#include "sipalg/call/refer_target.h"
#include "sipalg/engine/sip_engine.h"
#include "sipalg/engine/token_shown.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/line_scanner.h"
#include "sipalg/message/name_addr.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/message/via_header.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/binding.h"
#include "sipalg/token/token.h"
#include "sipalg/transaction/transaction_key.h"
#include "sipalg/trunk/registered_contact.h"

namespace sallyport::sip {
namespace {

using Shard = std::optional<std::uint8_t>;

const StrictnessPolicy kLenient = StrictnessPolicy::of(Strictness::Lenient);

// The values of the first header fields of these names, from behind the colon on.
struct Values {
  std::optional<Lexer> via, to, call_id, replaces;
};
// Both forms, "Name :" and folding behind the colon are understood.
Values find_values(std::string_view bytes, bool reads_all, bool is_response) noexcept {
  Values found;
  LineScanner scanner(bytes.substr(0, kHeadBytesMax), true);
  ScannedLine line;
  while (scanner.next_line(line)) {
    if (line.begin == line.end) break;
    const char first = static_cast<char>(*line.begin | 0x20);
    if (first != 'v' && first != 't' && first != 'c' && first != 'i' && first != 'r') continue;
    Lexer lexer({line.begin, static_cast<std::size_t>(line.end - line.begin)});
    const std::string_view name = lexer.take_while<kToken>();
    lexer.skip_space();
    if (!lexer.take(':')) continue;
    lexer.skip_space();
    const HeaderName known = header_name_of(name);
    std::optional<Lexer>* const place = known == HeaderName::Via        ? &found.via
                                        : known == HeaderName::To       ? &found.to
                                        : known == HeaderName::CallId   ? &found.call_id
                                        : known == HeaderName::Replaces ? &found.replaces
                                                                        : nullptr;
    if (place != nullptr && !*place) *place = lexer;
    if (found.call_id && !reads_all && (is_response ? found.via : found.to)) break;
  }
  return found;
}

// RFC 3261 §7.5
std::string_view without_empty_lines(std::string_view bytes) noexcept {
  while (bytes.starts_with('\r') || bytes.starts_with('\n')) bytes.remove_prefix(1);
  return bytes;
}

std::string_view call_id_in(const Values& values) noexcept {
  if (!values.call_id) return {};
  Lexer lexer = *values.call_id;
  return lexer.take_while<kWord | kToken | kUric>();  // no white space in a Call-ID
}

// The user part of the Request-URI, if it is as long as a token.
std::string_view user_shown(std::string_view request) noexcept {
  request.remove_prefix(std::min(request.find(' ') + 1, request.size()));
  request = request.substr(0, request.find(' '));
  request.remove_prefix(std::min(request.find(':') + 1, request.size()));
  return request.size() > kTokenChars && request[kTokenChars] == '@' ? request.substr(0, kTokenChars)
                                                                     : std::string_view{};
}

// A CANCEL that repeats it comes after its INVITE.
bool may_replace(Method method) noexcept { return method == Method::Invite || method == Method::Cancel; }

// A dialog that has gone over to another call shows the Contact of that call, and the tag that it had.
Shard shard_of_dialog(const HashKey& key, std::string_view user, std::string_view tag) noexcept {
  if (tag.empty()) return std::nullopt;
  if (const auto shown = read_token(key, TokenKind::Contact, user);
      shown && shown->part != kBindingPart && shown->part != kRegistrationPart)
    return shown->shard;
  if (const auto named = read_token(key, TokenKind::Tag, tag)) return named->shard;
  return std::nullopt;
}

Shard shard_of_replaced(const HashKey& key, std::string_view value) {
  const auto replaces = parse_replaces(value);
  const auto tag = replaces ? read_token(key, TokenKind::Tag, replaces->to_tag) : std::optional<Token>();
  return tag ? Shard(tag->shard) : std::nullopt;
}

// Whom a REGISTER registers: all about one AOR happens in one place. RFC 3261 §10.3
Shard shard_of_registered(const HashKey& key, const Uri& uri) {
  const std::string aor = aor_of(uri);
  return aor.empty() ? std::nullopt : Shard(shard_of_aor(key, aor));
}

Shard shard_of_branch(const HashKey& key, const Values& values) noexcept {
  ViaHeader via;
  if (!values.via) return std::nullopt;
  Lexer lexer = *values.via;
  if (!parse_via_parm(lexer, kLenient, via) || !via.branch.starts_with(kBranchCookie)) return std::nullopt;
  const auto token = read_token(key, TokenKind::Branch, via.branch.substr(kBranchCookie.size()));
  return token ? Shard(token->shard) : std::nullopt;
}

Shard shard_of_values(const HashKey& key, std::string_view bytes, const Values& values) {
  NameAddr to;
  Lexer lexer = values.to.value_or(Lexer(std::string_view{}));
  const bool has_to = values.to && parse_name_addr(lexer, kLenient, to);
  if (has_to && bytes.starts_with("REGISTER ")) return shard_of_registered(key, to.uri);
  if (has_to && !to.tag.empty()) return shard_of_dialog(key, user_shown(bytes), to.tag);
  if (values.replaces) return shard_of_replaced(key, {values.replaces->position(), values.replaces->end()});
  return std::nullopt;
}

}  // namespace

// A foreign Call-ID is hardly ever 44 of the token's digits: one look at its length spares the proof.
std::uint8_t shard_of_call_id(const HashKey& key, std::string_view call_id) noexcept {
  if (call_id.size() == kTokenChars)
    if (const auto token = read_token(key, TokenKind::CallId, call_id)) return token->shard;
  return static_cast<std::uint8_t>(keyed_hash(key, call_id) % kShardCount);
}

std::uint8_t shard_of_request(const HashKey& key, const SipMessage& request) noexcept {
  Shard shard;
  if (request.start.method == Method::Register) {
    shard = shard_of_registered(key, request.to.uri);
  } else if (!request.to.tag.empty()) {
    shard = shard_of_dialog(key, request.start.request_uri.user, request.to.tag);
  } else if (may_replace(request.start.method) && request.has(HeaderName::Replaces)) {
    for (std::size_t i = 0; i < request.header_count; ++i)
      if (request.headers[i].name == HeaderName::Replaces) {
        shard = shard_of_replaced(key, request.value_of(request.headers[i]));
        break;
      }
  }
  return shard ? *shard : shard_of_call_id(key, request.call_id);
}

bool shows_token(const HashKey& key, std::string_view bytes) noexcept {
  bytes = without_empty_lines(bytes);
  const bool is_response = bytes.starts_with("SIP/2.0 ");
  const Values values = find_values(bytes, false, is_response);
  if (is_response) return shard_of_branch(key, values).has_value();
  NameAddr to;
  Lexer lexer = values.to.value_or(Lexer(std::string_view{}));
  return values.to && parse_name_addr(lexer, kLenient, to) &&
         shard_of_dialog(key, user_shown(bytes), to.tag).has_value();
}

std::uint8_t shard_of_datagram(const HashKey& key, std::string_view bytes) noexcept {
  const std::string_view whole = bytes;
  bytes = without_empty_lines(bytes);
  const bool is_response = bytes.starts_with("SIP/2.0 ");
  const bool may_name = bytes.starts_with("INVITE ") || bytes.starts_with("CANCEL ");
  Values values = find_values(bytes, may_name, is_response);
  if (!may_name) values.replaces.reset();
  const Shard shard = is_response ? shard_of_branch(key, values) : shard_of_values(key, bytes, values);
  if (shard) return *shard;
  const std::string_view call_id = call_id_in(values);
  return shard_of_call_id(key, call_id.empty() ? whole : call_id);
}

}  // namespace sallyport::sip
