// parse_error.h — why a message was refused: which grammar rule of RFC 3261 §25.1, at which byte, and which
// answer suits it (RFC 3261 §8.2, §16.3, §18.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::sip {

// Named after the rules of RFC 3261 §25.1 where there is one.
enum class GrammarRule : std::uint8_t {
  None,
  StartLine,
  Method,
  RequestUri,
  SipVersion,
  StatusCode,
  ReasonPhrase,
  LineEnd,       // bare CR or bare LF
  ControlByte,   // NUL or another control octet outside a quoted-pair
  HeaderName,    // no token, or no colon behind it
  EndOfHeaders,  // the empty line is missing
  QuotedString,
  GenericParam,
  Host,
  Port,
  Uri,
  UriScheme,
  ViaParm,
  NameAddr,
  Tag,
  Contact,
  CallId,
  CSeq,
  CSeqMethod,  // differs from the method of the request line
  MaxForwards,
  ContentLength,
  ContentType,
  Expires,
  OptionTag,
  MissingHeader,
  RepeatedHeader,
  TooManyHeaders,
  TooLong,
  kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(GrammarRule::kCount)>
    kGrammarRuleNames{"none",
                      "start-line",
                      "method",
                      "request-uri",
                      "sip-version",
                      "status-code",
                      "reason-phrase",
                      "line-end",
                      "control-byte",
                      "header-name",
                      "end-of-headers",
                      "quoted-string",
                      "generic-param",
                      "host",
                      "port",
                      "uri",
                      "uri-scheme",
                      "via-parm",
                      "name-addr",
                      "tag",
                      "contact",
                      "call-id",
                      "cseq",
                      "cseq-method",
                      "max-forwards",
                      "content-length",
                      "content-type",
                      "expires",
                      "option-tag",
                      "missing-header",
                      "repeated-header",
                      "too-many-headers",
                      "too-long"};

struct ParseError {
  GrammarRule rule = GrammarRule::None;
  std::uint32_t offset = 0;    // in the bytes that were parsed
  std::uint16_t answer = 400;  // status code for a request; 0: silence
  bool framing_lost = false;   // on a stream nothing behind this message can be trusted
};

}  // namespace sallyport::sip
