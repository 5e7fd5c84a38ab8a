// start_line.h — request line and status line: RFC 3261 §7.1, §7.2, grammar §25.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipalg/message/cseq_header.h"
#include "sipalg/message/lexer.h"
#include "sipalg/message/uri.h"

namespace sallyport::sip {

// Methods that Sallyport knows by name. Compared literally and with regard to case, RFC 3261 §7.1: neither
// "invite" nor "RE%47ISTER" is a method of ours.
enum class Method : std::uint8_t {
  Invite,
  Ack,
  Cancel,
  Bye,
  Options,
  Register,
  Prack,
  Update,
  Info,
  Refer,
  Subscribe,
  Notify,
  Publish,
  Message,
  Other
};
// By Method; Other has no name.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Method::Other)> kMethodNames{
    "INVITE", "ACK",  "CANCEL", "BYE",       "OPTIONS", "REGISTER", "PRACK",
    "UPDATE", "INFO", "REFER",  "SUBSCRIBE", "NOTIFY",  "PUBLISH",  "MESSAGE"};
[[nodiscard]] Method method_of(std::string_view text) noexcept;

enum class StartLineKind : std::uint8_t { NotSip, Request, Response };

// Views point into the message buffer that was parsed.
struct StartLine {
  StartLineKind kind = StartLineKind::NotSip;
  Method method = Method::Other;
  std::string_view method_text;
  Uri request_uri;
  std::uint16_t status_code = 0;
  std::string_view reason;
};

// The lexer stands at the beginning of the line and ends before its end. A line that is not SIP at all gives
// kind NotSip. A line that is SIP but broken gives its kind and an error whose answer is 400, 414 or 505.
[[nodiscard]] bool parse_start_line(Lexer& lexer, const StrictnessPolicy& strictness, StartLine& out,
                                    ParseError& error) noexcept;

}  // namespace sallyport::sip
