// dtmf_info.cpp — see dtmf_info.h.
#include "sipalg/body/dtmf_info.h"

#include <array>
#include <charconv>

#include "sipalg/body/text_output.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kKeys = "0123456789*#ABCD!";  // by event
static_assert(kKeys.size() == media::kFlashEvent + 1u);

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// A key, or the number of its event where it has two digits.
std::optional<std::uint8_t> event_of(std::string_view signal) noexcept {
  if (signal.size() == 1) {
    const char c = signal[0];
    const std::size_t at = kKeys.find(c >= 'a' && c <= 'd' ? static_cast<char>(c - 0x20) : c);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint8_t>(at);
  }
  if (equals_ignoring_case(signal, "flash") || equals_ignoring_case(signal, "hf")) return media::kFlashEvent;
  const auto number = signal.size() == 2 ? parse_decimal(signal, media::kFlashEvent) : std::nullopt;
  if (!number || *number < 10) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

}  // namespace

bool is_dtmf(const SipMessage& info) noexcept {
  if (!equals_ignoring_case(info.content_type.type, "application")) return false;
  if (!equals_ignoring_case(info.content_type.subtype, "dtmf-relay") &&
      !equals_ignoring_case(info.content_type.subtype, "dtmf"))
    return false;
  for (std::size_t i = 0; i < info.header_count; ++i)  // RFC 6086 §4.2.2
    if (equals_ignoring_case(info.name_of(info.headers[i]), "info-package")) return false;
  return true;
}

std::optional<media::Digit> read_dtmf(const SipMessage& info) noexcept {
  return equals_ignoring_case(info.content_type.subtype, "dtmf") ? read_dtmf_digit(info.body)
                                                                 : read_dtmf_relay(info.body);
}

std::optional<media::Digit> read_dtmf_relay(std::string_view body) noexcept {
  if (body.size() > kDtmfBodyMax) return std::nullopt;
  std::optional<std::uint8_t> event;
  std::uint16_t duration = kUsualDigitMs;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find_first_of("\r\n"), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    const std::size_t sign = line.find('=');
    if (sign == std::string_view::npos) {
      if (!trimmed(line).empty()) return std::nullopt;
      continue;
    }
    const std::string_view name = trimmed(line.substr(0, sign)), value = trimmed(line.substr(sign + 1));
    if (equals_ignoring_case(name, "signal")) {
      if (event) return std::nullopt;
      event = event_of(value);
      if (!event) return std::nullopt;
    } else if (equals_ignoring_case(name, "duration")) {
      // What is no number, or none of ours, is as if it were not there.
      duration = static_cast<std::uint16_t>(parse_decimal(value, 0xffff).value_or(kUsualDigitMs));
    }
  }
  if (!event) return std::nullopt;
  return media::Digit{*event, duration};
}

std::optional<media::Digit> read_dtmf_digit(std::string_view body) noexcept {
  if (body.size() > kDtmfBodyMax) return std::nullopt;
  const auto event = event_of(trimmed(body));
  if (!event) return std::nullopt;
  return media::Digit{*event, kUsualDigitMs};
}

std::string_view write_dtmf_relay(std::span<char, kDtmfBodyMax> room, const media::Digit& digit) noexcept {
  TextOutput out(room);
  std::array<char, 8> number{};
  const char* const end = std::to_chars(number.data(), number.data() + number.size(), digit.duration_ms).ptr;
  out.add({"Signal=", kKeys.substr(digit.event, 1), "\r\nDuration=",
           std::string_view(number.data(), static_cast<std::size_t>(end - number.data())), "\r\n"});
  return out.text();
}

}  // namespace sallyport::sip
