// codec_choice.cpp — RFC 3264 §5.1, §6.1, RFC 3551 §6; what a format costs on the wire: RFC 3550 §5.1, §6.2.
#include "sipalg/media/codec_choice.h"

#include <algorithm>
#include <charconv>

#include "sipalg/sdp/codec_table.h"
#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::sip {
namespace {

constexpr std::uint8_t kFirstDynamicType = 96;  // those below mean the same everywhere. RFC 3551 §6
constexpr std::size_t kNotListed = ~std::size_t{0};

// Position of the first entry that means this format; 0 when the list is empty.
std::size_t place_in(CodecList list, const NamedFormat& format) noexcept {
  if (list.empty()) return 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string_view entry = list[i];
    const std::size_t slash = entry.find('/');
    if (format.name.empty() || !same_word(entry.substr(0, slash), format.name)) continue;
    std::uint64_t clock = 0;
    if (slash == std::string_view::npos) return i;
    const std::string_view rate = entry.substr(slash + 1);
    if (read_number(rate.substr(0, rate.find('/')), 0xffffffffu, clock) && clock == format.clock_rate)
      return i;
  }
  return kNotListed;
}

// FNV-1a over the name in small letters and the clock. Channels are left out of answers now and then.
std::uint32_t name_hash(const NamedFormat& format) noexcept {
  std::uint32_t hash = 2166136261u;
  const auto add = [&hash](std::uint32_t octet) { hash = (hash ^ octet) * 16777619u; };
  for (const char c : format.name) add(static_cast<std::uint32_t>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  for (unsigned shift = 0; shift < 32; shift += 8) add(format.clock_rate >> shift & 0xff);
  return hash;
}

// Events, comfort noise and repair data carry no stream alone.
bool is_side_dish(const NamedFormat& format) noexcept {
  for (const std::string_view name : {"telephone-event", "CN", "red", "ulpfec", "rtx", "flexfec-03"})
    if (same_word(format.name, name)) return true;
  return false;
}

// A stream of T.38 has one format, whatever lists say of codecs.
bool choose_fax(const MediaDescription& media, FarMedia& far) noexcept {
  far.format_count = 0;
  for (std::size_t i = 0; i < media.formats.size() && far.format_count == 0; ++i)
    if (same_word(media.formats[i].text, "t38"))
      far.formats[far.format_count++] = static_cast<std::uint8_t>(i);
  return far.format_count != 0;
}

template <class IsWanted>
bool choose(const MediaDescription& media, IsWanted is_wanted, FarMedia& far) noexcept {
  far.format_count = 0;
  bool has_main = false;
  for (std::size_t i = 0; i < media.formats.size(); ++i) {
    const NamedFormat format = named(media.formats[i]);
    if (!is_wanted(media.formats[i], format)) continue;
    far.formats[far.format_count++] = static_cast<std::uint8_t>(i);
    has_main |= !is_side_dish(format);
  }
  return has_main;
}

struct Cost {
  std::uint64_t packets = 0, bytes = 0;  // a second
};

constexpr std::uint32_t kHeaderBytes = 40 + 8 + 12;  // IPv6, UDP, RTP
constexpr std::uint32_t kUnknownAudioKbit = 256, kUnknownVideoKbit = 4000, kVideoKbitMax = 100'000;
constexpr std::uint32_t kVideoPacketBytes = 200;  // small slices
constexpr Cost kFaxCost{200, 60'000};             // 10 ms packets with three times repeated data
constexpr Cost kTextCost{50, 10'000};

Cost cost_of_rate(std::uint32_t kbit, std::uint32_t period_ms) noexcept {
  const std::uint64_t packets = (1000 + period_ms - 1) / period_ms;
  return {packets, std::uint64_t{kbit} * 125 + packets * kHeaderBytes};
}

Cost cost_of(const MediaDescription& media, const NamedFormat& format) noexcept {
  const auto& bandwidth = media.bandwidth;
  const std::uint32_t stated =
      std::min(bandwidth.as_kbit.value_or(bandwidth.tias_bit.value_or(0) / 1000), kVideoKbitMax);
  if (media.media == SdpMedia::Text) return kTextCost;
  if (media.media != SdpMedia::Audio) {
    const std::uint32_t kbit = stated != 0 ? stated : kUnknownVideoKbit;
    const std::uint64_t packets = std::uint64_t{kbit} * 125 / kVideoPacketBytes + 50;
    return {packets, std::uint64_t{kbit} * 125 + packets * kHeaderBytes};
  }
  // Who hears a ptime need not obey it, so that 10 ms are allowed even where more was asked for.
  const std::uint32_t period = media.ptime_ms == 0 ? 10 : std::clamp<std::uint32_t>(media.ptime_ms, 2, 10);
  if (format.codec != nullptr && format.codec->kbit != 0) return cost_of_rate(format.codec->kbit, period);
  return cost_of_rate(std::max(stated, kUnknownAudioKbit), period);
}

media::PayloadFormat payload_of(const SdpFormat& format) noexcept {
  const NamedFormat name = named(format);
  media::PayloadFormat payload;
  payload.number = format.number;
  payload.clock_rate = name.clock_rate;
  payload.is_event = is_telephone_event(name.name);
  if (name.codec != nullptr) {
    payload.ie = name.codec->ie;
    payload.bpl = name.codec->bpl;
  }
  return payload;
}

}  // namespace

bool allows_events(CodecList list) noexcept {
  return place_in(list, {.name = "telephone-event", .clock_rate = 8000, .channels = 1, .codec = nullptr}) !=
         kNotListed;
}

bool choose_offered(const MediaDescription& media, CodecList near, CodecList far_list, Events events,
                    FarMedia& far) noexcept {
  if (media.profile == SdpProfile::Udptl) return choose_fax(media, far);
  std::array<std::size_t, kSdpFormatsMax> places{};
  const bool is_enough = choose(
      media,
      [&](const SdpFormat& format, const NamedFormat& name) {
        if (events == Events::EndHere && is_telephone_event(name.name)) return false;
        const std::size_t place = place_in(far_list, name);
        places[static_cast<std::size_t>(&format - media.formats.begin())] = place;
        return place != kNotListed && place_in(near, name) != kNotListed;
      },
      far);
  // Few: an insertion sort keeps equals in their order, and takes no memory.
  for (std::size_t i = 1; i < far.format_count; ++i)
    for (std::size_t j = i; j > 0 && places[far.formats[j]] < places[far.formats[j - 1]]; --j)
      std::swap(far.formats[j], far.formats[j - 1]);
  return is_enough;
}

bool choose_answered(const MediaDescription& media, CodecList near, CodecList far_list,
                     const std::vector<OfferedFormat>& offered, FarMedia& far) noexcept {
  if (media.profile == SdpProfile::Udptl) return choose_fax(media, far);
  return choose(
      media,
      [&](const SdpFormat& format, const NamedFormat& name) {
        const bool was_offered = std::ranges::any_of(offered, [&](const OfferedFormat& one) {
          // The answerer may give a codec a number of its own, or leave the name to the offer. RFC 3264 §6.1
          const bool is_by_number = name.name.empty() || format.number < kFirstDynamicType;
          return is_by_number ? one.number == format.number : one.name_hash == name_hash(name);
        });
        if (!was_offered) return false;
        return name.name.empty() ||
               (place_in(near, name) != kNotListed && place_in(far_list, name) != kNotListed);
      },
      far);
}

std::vector<OfferedFormat> offered_formats(const MediaDescription& media, const FarMedia& far) {
  std::vector<OfferedFormat> offered;
  if (media.profile == SdpProfile::Udptl) return offered;
  offered.reserve(far.format_count);
  for (std::size_t i = 0; i < far.format_count; ++i) {
    const SdpFormat& format = media.formats[far.formats[i]];
    offered.push_back({format.number, name_hash(named(format))});
  }
  return offered;
}

void note_formats(const MediaDescription& media, const FarMedia& far, StreamSideState& side) noexcept {
  side.payload_count = 0;
  side.is_any_payload = media.profile != SdpProfile::Udptl && far.format_count > side.payloads.size();
  Cost worst;
  if (media.profile == SdpProfile::Udptl) {
    worst = kFaxCost;
  } else {
    for (std::size_t i = 0; i < far.format_count; ++i) {
      const SdpFormat& format = media.formats[far.formats[i]];
      const Cost cost = cost_of(media, named(format));
      worst = {std::max(worst.packets, cost.packets), std::max(worst.bytes, cost.bytes)};
      if (!side.is_any_payload) side.payloads[side.payload_count++] = payload_of(format);
    }
  }
  side.packets_per_second = static_cast<std::uint32_t>(worst.packets);
  side.bytes_per_second = static_cast<std::uint32_t>(worst.bytes);
}

std::string codec_text(const MediaDescription& media, const FarMedia& far) {
  if (media.profile == SdpProfile::Udptl) return "t38";
  for (std::size_t i = 0; i < far.format_count; ++i) {
    const NamedFormat format = named(media.formats[far.formats[i]]);
    if (is_side_dish(format)) continue;
    std::string text(format.name.empty() ? media.formats[far.formats[i]].text : format.name);
    text += '/';
    text += std::to_string(format.clock_rate);
    if (format.channels > 1) {
      text += '/';
      text += std::to_string(format.channels);
    }
    return text;
  }
  return {};
}

}  // namespace sallyport::sip
