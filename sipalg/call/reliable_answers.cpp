// reliable_answers.cpp — RSeq and RAck, and what waits for a PRACK: RFC 3262 §3, §7.1, §7.2.
#include "sipalg/call/reliable_answers.h"

#include <algorithm>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kNumberMax = 0xffffffff;

// Nothing: there is none, or another one that says something else.
std::optional<std::string_view> only_value(const SipMessage& message, HeaderName name) noexcept {
  if (message.lines_of[static_cast<std::size_t>(name)] != 1) return std::nullopt;
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name) return message.value_of(message.headers[i]);
  return std::nullopt;
}

std::optional<std::uint32_t> take_number(Lexer& lexer) noexcept {
  return parse_decimal(lexer.take_while<kDigit>(), kNumberMax);
}

}  // namespace

bool ReliableAnswers::waits_with_sdp() const noexcept {
  return std::any_of(waiting.begin(), waiting.end(),
                     [](const ReliableAnswer& each) { return each.holds_sdp; });
}

std::optional<std::uint32_t> rseq_of(const SipMessage& response) noexcept {
  const auto value = only_value(response, HeaderName::RSeq);
  if (!value) return std::nullopt;
  Lexer lexer(*value);
  const auto number = take_number(lexer);
  return number && lexer.done() ? number : std::nullopt;
}

std::optional<RAck> rack_of(const SipMessage& prack) noexcept {
  const auto value = only_value(prack, HeaderName::RAck);
  if (!value) return std::nullopt;
  Lexer lexer(*value);
  const auto rseq = take_number(lexer);
  if (!rseq || !lexer.skip_space()) return std::nullopt;
  const auto cseq = take_number(lexer);
  if (!cseq || !lexer.skip_space()) return std::nullopt;
  if (lexer.take_while<kToken>() != "INVITE" || !lexer.done()) return std::nullopt;
  return RAck{*rseq, *cseq};
}

std::string rack_line(const RAck& rack) {
  return "RAck: " + std::to_string(rack.rseq) + " " + std::to_string(rack.cseq) + " INVITE\r\n";
}

}  // namespace sallyport::sip
