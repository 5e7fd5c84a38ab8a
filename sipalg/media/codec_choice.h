// codec_choice.h — which formats of an m-line cross, in which order, and what the relay must know of them:
// RFC 3264 §5.1, §6.1, RFC 3551, RFC 4733; the codec lists of profiles.
//
// A format crosses when the lists of both legs allow it; a list that is empty allows all. An offer is put in
// the order of the list of who receives it, an answer keeps the answerer's order. A list counts for every
// kind of RTP: who allows video names its codecs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sipalg/media/media_session.h"
#include "sipalg/sdp/sdp_writer.h"

namespace sallyport::sip {

using CodecList = std::span<const std::string>;  // "PCMA" or "L16/16000"

enum class Events : std::uint8_t {
  Cross,   // telephone-event is a format as any other
  EndHere  // it stays on its side
};

// Fills in formats and format_count of `far`. False: nothing that carries a stream is left.
[[nodiscard]] bool choose_offered(const MediaDescription& media, CodecList near, CodecList far_list,
                                  Events events, FarMedia& far) noexcept;
// The same of an answer: nothing that was not offered.
[[nodiscard]] bool choose_answered(const MediaDescription& media, CodecList near, CodecList far_list,
                                   const std::vector<OfferedFormat>& offered, FarMedia& far) noexcept;

// Whether a codec list names telephone-event, or is empty.
[[nodiscard]] bool allows_events(CodecList list) noexcept;

// What crosses, as later questions need it.
[[nodiscard]] std::vector<OfferedFormat> offered_formats(const MediaDescription& media, const FarMedia& far);
// payloads, packets_per_second and bytes_per_second of who wrote `media`.
void note_formats(const MediaDescription& media, const FarMedia& far, StreamSideState& side) noexcept;
// "PCMA/8000", "t38".
[[nodiscard]] std::string codec_text(const MediaDescription& media, const FarMedia& far);

}  // namespace sallyport::sip
