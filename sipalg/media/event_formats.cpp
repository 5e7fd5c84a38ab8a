// event_formats.cpp — see event_formats.h.
#include "sipalg/media/event_formats.h"

#include <algorithm>
#include <array>
#include <optional>

#include "sipalg/sdp/codec_table.h"

namespace sallyport::sip {
namespace {

using media::EventFormat;
using media::EventFormats;

constexpr std::uint32_t kUsualClock = 8000;
constexpr std::uint8_t kUsualNumber = 101;  // of nearly everybody
constexpr std::uint8_t kFirstDynamic = 96, kLastDynamic = 127;

// With RTCP on one port these look like it. RFC 5761 §4
bool is_usable(std::uint8_t number) noexcept { return number < 64 || number >= kFirstDynamic; }

const EventFormat* with_clock(const EventFormats& formats, std::uint32_t clock) noexcept {
  for (const EventFormat& format : formats)
    if (format.clock_rate == clock) return &format;
  return nullptr;
}

const EventFormat* with_number(const EventFormats& formats, std::uint8_t number) noexcept {
  for (const EventFormat& format : formats)
    if (format.number == number) return &format;
  return nullptr;
}

template <class Use>
void for_voice_of(const MediaDescription& line, const FarMedia& far, Use use) noexcept {
  for (std::size_t i = 0; i < far.format_count; ++i) {
    const NamedFormat format = named(line.formats[far.formats[i]]);
    if (format.codec == nullptr || format.codec->is_voice) use(format.clock_rate);
  }
}

}  // namespace

EventFormats listed_events(const MediaDescription& line) noexcept {
  EventFormats events;
  for (const SdpFormat& format : line.formats) {
    const NamedFormat name = named(format);
    if (!is_telephone_event(name.name) || !is_usable(format.number) || name.clock_rate < 1000) continue;
    if (with_clock(events, name.clock_rate) == nullptr && with_number(events, format.number) == nullptr)
      (void)events.push_back({format.number, name.clock_rate});
  }
  return events;
}

EventFormats events_to_offer(const MediaDescription& line, const FarMedia& far,
                             const EventFormats& shown_before) noexcept {
  const EventFormats own = listed_events(line);
  EventFormats events;
  // Whatever the line has under this number but events of this clock.
  const auto is_free = [&](std::uint8_t number, std::uint32_t clock) {
    const EventFormat* const listed = with_number(own, number);
    const bool is_other = std::ranges::any_of(
        line.formats, [number](const SdpFormat& format) { return format.number == number; });
    return with_number(events, number) == nullptr &&
           (listed != nullptr ? listed->clock_rate == clock : !is_other);
  };
  const auto add = [&](std::uint32_t clock) {
    if (clock < 1000 || with_clock(events, clock) != nullptr) return;
    // A number means the same for the whole session. RFC 3264 §8.3.2
    for (const EventFormats* const known : {&shown_before, &own})
      if (const EventFormat* const format = with_clock(*known, clock);
          format != nullptr && is_free(format->number, clock))
        return (void)events.push_back(*format);
    const auto is_taken_before = [&](std::uint8_t number) {
      return with_number(shown_before, number) != nullptr;
    };
    if (is_free(kUsualNumber, clock) && !is_taken_before(kUsualNumber))
      return (void)events.push_back({kUsualNumber, clock});
    for (std::uint8_t number = kFirstDynamic; number <= kLastDynamic; ++number)
      if (is_free(number, clock) && !is_taken_before(number)) return (void)events.push_back({number, clock});
  };
  add(kUsualClock);
  for_voice_of(line, far, add);
  return events;
}

EventFormats events_to_answer(const MediaDescription& line, const FarMedia& far,
                              const EventFormats& offered) noexcept {
  EventFormats events;
  const auto add = [&](std::uint32_t clock) {
    if (const EventFormat* const format = with_clock(offered, clock);
        format != nullptr && with_clock(events, clock) == nullptr)
      (void)events.push_back(*format);
  };
  for_voice_of(line, far, add);
  return events.empty() ? offered : events;
}

EventFormats answered_events(const MediaDescription& line, const EventFormats& shown) noexcept {
  EventFormats events;
  for (const EventFormat& format : listed_events(line))
    if (with_clock(shown, format.clock_rate) != nullptr) (void)events.push_back(format);
  for (const SdpFormat& format : line.formats)
    if (const EventFormat* const ours = with_number(shown, format.number);
        ours != nullptr && named(format).name.empty() && with_number(events, format.number) == nullptr)
      (void)events.push_back(*ours);
  return events;
}

}  // namespace sallyport::sip
