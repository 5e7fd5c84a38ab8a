// time_span.cpp — see time_span.h.
#include "policy/route/time_span.h"

#include <array>

namespace sallyport::policy {
namespace {

constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

[[nodiscard]] std::optional<unsigned> parse_day(std::string_view text) noexcept {
  for (unsigned day = 0; day < kDays.size(); ++day)
    if (kDays[day] == text) return day;
  return std::nullopt;
}

// "mon" or "fri-mon".
[[nodiscard]] std::optional<std::uint8_t> parse_days(std::string_view text) noexcept {
  const std::size_t dash = text.find('-');
  const auto first = parse_day(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned days = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    days |= 1U << day;
    if (day == *last) return static_cast<std::uint8_t>(days);
  }
}

[[nodiscard]] std::optional<std::uint16_t> parse_minute(std::string_view text) noexcept {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t i : {0U, 1U, 3U, 4U})
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  const int hour = (text[0] - '0') * 10 + (text[1] - '0'), minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (minute > 59 || hour > 24 || (hour == 24 && minute != 0)) return std::nullopt;
  return static_cast<std::uint16_t>(hour * 60 + minute);
}

}  // namespace

std::optional<TimeSpan> TimeSpan::parse(std::string_view text) noexcept {
  TimeSpan span;
  const std::size_t space = text.find(' ');
  const bool has_days = !text.empty() && text.front() >= 'a';
  if (has_days) {
    const auto days = parse_days(text.substr(0, space));
    if (!days) return std::nullopt;
    span.days_ = *days;
    if (space == std::string_view::npos) return span;
    text.remove_prefix(space + 1);
  }
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_minute(text.substr(0, dash)), last = parse_minute(text.substr(dash + 1));
  if (!first || !last || *first == WeekMinute::kDayMinutes) return std::nullopt;
  span.first_ = *first;
  span.minutes_ =
      static_cast<std::uint16_t>(*last > *first ? *last - *first : *last + WeekMinute::kDayMinutes - *first);
  return span;
}

bool TimeSpan::contains(WeekMinute now) const noexcept {
  if (now.value >= WeekMinute::kWeekMinutes) return false;
  const int day = now.value / WeekMinute::kDayMinutes, minute = now.value % WeekMinute::kDayMinutes;
  const auto begins_on = [this](int which) { return (days_ >> which & 1) != 0; };
  const int end = first_ + minutes_;
  if (begins_on(day) && minute >= first_ && minute < end) return true;
  return begins_on((day + 6) % 7) && minute + WeekMinute::kDayMinutes < end;
}

}  // namespace sallyport::policy
