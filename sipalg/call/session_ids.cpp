// session_ids.cpp — whose UUID goes where: RFC 7989 §7, §11; RFC 7329 §5.
#include "sipalg/call/session_ids.h"

#include "sipalg/message/lexer.h"
#include "sipalg/message/octet_copy.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kRemote = ";remote=";
constexpr Hash128 kNil{};

}  // namespace

std::optional<SessionIdValue> session_id_in(const SipMessage& message) noexcept {
  constexpr std::string_view kName = "session-id";
  std::optional<SessionIdValue> found;
  bool is_first = true;
  for (std::size_t i = 0; i < message.header_count; ++i) {
    const HeaderField& field = message.headers[i];
    if (field.name != HeaderName::Other || field.name_size != kName.size() ||
        !equals_ignoring_case(message.name_of(field), kName))
      continue;
    if (!is_first) return std::nullopt;
    is_first = false;
    found = parse_session_id(message.value_of(field));
  }
  return found;
}

SessionIdLine SessionIds::line_to(std::size_t side) const noexcept {
  SessionIdLine line;
  const Hash128& own = sides[side];
  const Hash128& other = sides[1 - side];
  if (own == kNil && other == kNil) return line;
  const auto add = [&line](std::string_view text) {
    copy_octets(line.bytes.data() + line.size, text.data(), text.size());
    line.size += text.size();
  };
  const auto add_uuid = [&add](const Hash128& uuid) {
    UuidText text;
    write_uuid(uuid, text);
    add({text.data(), text.size()});
  };
  add("Session-ID: ");
  if (is_single) {
    add_uuid(sides[0]);  // RFC 7329 §5: all messages have the caller's
  } else {
    add_uuid(other);
    add(kRemote);
    add_uuid(own);
  }
  add("\r\n");
  return line;
}

}  // namespace sallyport::sip
