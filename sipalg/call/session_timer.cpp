// session_timer.cpp — Session-Expires and Min-SE as they are read, agreed on and written: RFC 4028 §4, §5,
// §7, §9, §10.
#include "sipalg/call/session_timer.h"

#include <algorithm>

#include "sipalg/message/lexer.h"
#include "sipalg/message/option_tags.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr std::uint32_t kDeltaSecondsMax = 0xffffffff;

// The value of the only line of that name; nothing when there is none, or more than one.
std::optional<std::string_view> only_value(const SipMessage& message, HeaderName name) noexcept {
  if (message.lines_of[static_cast<std::size_t>(name)] != 1) return std::nullopt;
  for (std::size_t i = 0; i < message.header_count; ++i)
    if (message.headers[i].name == name) return message.value_of(message.headers[i]);
  return std::nullopt;
}

// delta-seconds *( SEMI param ), and what `refresher` says. RFC 4028 §4, §5
std::optional<std::uint32_t> read_interval(std::string_view value, Refresher& refresher) noexcept {
  Lexer lexer(value);
  const auto seconds = parse_decimal(lexer.take_while<kDigit>(), kDeltaSecondsMax);
  if (!seconds) return std::nullopt;
  lexer.skip_space();
  GenericParam param;
  Refresher found = Refresher::None;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
    if (!equals_ignoring_case(param.name, "refresher")) continue;
    if (equals_ignoring_case(param.value, "uac")) found = Refresher::Uac;
    if (equals_ignoring_case(param.value, "uas")) found = Refresher::Uas;
  }
  if (!lexer.done()) return std::nullopt;
  refresher = found;
  return static_cast<std::uint32_t>(*seconds);
}

std::uint32_t in_bounds(std::uint32_t seconds) noexcept {
  return std::clamp(seconds, kMinSessionSeconds, kMaxSessionSeconds);
}

Duration interval_of(const SessionTimer& timer) noexcept { return std::chrono::seconds(timer.seconds); }

}  // namespace

SessionWish session_wish(const SipMessage& message) noexcept {
  SessionWish wish;
  wish.supports = option_tags_in(message, HeaderName::Supported).has(OptionTag::Timer) ||
                  option_tags_in(message, HeaderName::Require).has(OptionTag::Timer);
  if (const auto value = only_value(message, HeaderName::SessionExpires); value)
    wish.seconds = read_interval(*value, wish.refresher);
  Refresher none = Refresher::None;
  if (const auto value = only_value(message, HeaderName::MinSe); value)
    wish.min_seconds = read_interval(*value, none).value_or(0);
  return wish;
}

bool is_interval_too_small(const SessionWish& wish) noexcept {
  return wish.supports && wish.seconds && *wish.seconds < kMinSessionSeconds;  // RFC 4028 §9
}

void begin(SessionTimer& timer, Timestamp now) noexcept {
  timer.begun = now;
  timer.due = timer.is_ours ? now + interval_of(timer) / 2 : end_of(timer);
}

Timestamp end_of(const SessionTimer& timer) noexcept {
  const Duration interval = interval_of(timer);
  return timer.begun + interval - std::min<Duration>(std::chrono::seconds(32), interval / 3);
}

void postpone(SessionTimer& timer, Timestamp now, Duration wait) noexcept {
  timer.due = std::min(now + wait, end_of(timer));
}

std::optional<SessionTimer> agreed_as_uas(const SessionWish& theirs, std::uint32_t seconds,
                                          const SessionTimer* before) noexcept {
  if (seconds == 0 || (!theirs.seconds && !theirs.supports)) return std::nullopt;
  SessionTimer timer;
  if (before != nullptr) timer.min_seconds = before->min_seconds;
  const std::uint32_t least =
      std::max(timer.min_seconds, theirs.min_seconds <= kMaxAskedMinSeconds ? theirs.min_seconds : 0);
  timer.min_seconds = least;
  timer.seconds = in_bounds(std::max(seconds, least));
  if (theirs.seconds) timer.seconds = in_bounds(std::min(timer.seconds, *theirs.seconds));
  switch (theirs.refresher) {
    case Refresher::Uac:
      timer.is_ours = false;
      break;
    case Refresher::Uas:
      timer.is_ours = true;
      break;
    case Refresher::None:  // who it was, should go on
      timer.is_ours = before != nullptr && before->is_ours;
      break;
  }
  if (!theirs.supports) timer.is_ours = true;  // a proxy has asked. RFC 4028 §9 (table 2)
  return timer;
}

std::optional<SessionTimer> agreed_as_uac(const SessionWish& answer, const SessionTimer* before) noexcept {
  if (!answer.seconds) return std::nullopt;  // RFC 4028 §7.2
  SessionTimer timer;
  if (before != nullptr) timer.min_seconds = before->min_seconds;
  timer.seconds = in_bounds(*answer.seconds);
  // One that doesn't say who refreshes does not know that it has to.
  timer.is_ours = answer.refresher != Refresher::Uas;
  return timer;
}

bool raise(std::uint32_t& seconds, std::uint32_t& min_seconds, std::uint8_t& times,
           const SessionWish& refusal) noexcept {
  if (times >= kSmallIntervalsMax || refusal.min_seconds > kMaxAskedMinSeconds ||
      refusal.min_seconds <= seconds)
    return false;
  ++times;
  seconds = refusal.min_seconds;
  min_seconds = std::max(min_seconds, refusal.min_seconds);
  return true;
}

std::string lines_for_answer(const SessionTimer& timer, const SessionWish& theirs) {
  std::string lines = "Session-Expires: " + std::to_string(timer.seconds);
  lines += timer.is_ours ? ";refresher=uas\r\n" : ";refresher=uac\r\n";
  if (!timer.is_ours && theirs.supports) lines += "Require: timer\r\n";  // RFC 4028 §9
  return lines;
}

std::string lines_for_request(const SessionTimer& timer) {
  return "Session-Expires: " + std::to_string(timer.seconds) +
         (timer.is_ours ? ";refresher=uac\r\n" : ";refresher=uas\r\n") +
         "Min-SE: " + std::to_string(timer.min_seconds) + "\r\n";  // RFC 4028 §7.4
}

std::string lines_for_invite(std::uint32_t seconds, std::uint32_t min_seconds) {
  constexpr std::size_t kBytesMax = 64;
  std::string lines;
  lines.reserve(kBytesMax);
  lines.append("Session-Expires: ").append(std::to_string(seconds));
  return lines.append("\r\nMin-SE: ").append(std::to_string(min_seconds)).append("\r\n");
}

}  // namespace sallyport::sip
