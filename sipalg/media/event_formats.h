// event_formats.h — telephone-event in the descriptions of a side whose other side has its digits by INFO:
// RFC 4733 §2.4, RFC 3264 §5.1, §6.1, §8.3.2.
#pragma once

#include "sipalg/media/media_session.h"
#include "sipalg/sdp/sdp_writer.h"

namespace sallyport::sip {

// Those that the line lists.
[[nodiscard]] media::EventFormats listed_events(const MediaDescription& line) noexcept;
// For an offer: telephone-event with 8000 and with the clock rates of the voice that is offered, by the
// numbers that were shown before or that the line itself has for it, else by free ones.
[[nodiscard]] media::EventFormats events_to_offer(const MediaDescription& line, const FarMedia& far,
                                                  const media::EventFormats& shown_before) noexcept;
// For an answer to who offered `offered`: those with the clock of a voice format in the answer; else all.
[[nodiscard]] media::EventFormats events_to_answer(const MediaDescription& line, const FarMedia& far,
                                                   const media::EventFormats& offered) noexcept;
// What is answered to an offer of ours with `shown`. A number that it names no format for is ours.
[[nodiscard]] media::EventFormats answered_events(const MediaDescription& line,
                                                  const media::EventFormats& shown) noexcept;

}  // namespace sallyport::sip
