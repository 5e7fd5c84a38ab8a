// codec_table.cpp — RFC 3551 Table 4 and 5, and codecs of later RFCs; ie and bpl by ITU-T G.113 Appendix I
// where it lists them, else those of the nearest relative.
#include "sipalg/sdp/codec_table.h"

#include <array>
#include <cstddef>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::uint8_t kNone = kNoStaticType;
constexpr auto kCodecs = std::to_array<Codec>({
    {"PCMU", 8000, 1, 0, 64, 0, 25, true},
    {"PCMA", 8000, 1, 8, 64, 0, 25, true},
    {"G722", 8000, 1, 9, 64, 0, 25, true},  // its clock is 8000 by an old error. RFC 3551 §4.5.2
    {"G729", 8000, 1, 18, 8, 11, 19, true},
    {"G723", 8000, 1, 4, 7, 15, 16, true},
    {"GSM", 8000, 1, 3, 14, 20, 10, true},
    {"G728", 8000, 1, 15, 16, 7, 17, true},
    {"LPC", 8000, 1, 7, 6, 30, 10, true},
    {"DVI4", 8000, 1, 5, 32, 7, 10, true},
    {"DVI4", 16000, 1, 6, 64, 7, 10, true},
    {"DVI4", 11025, 1, 16, 45, 7, 10, true},
    {"DVI4", 22050, 1, 17, 89, 7, 10, true},
    {"L16", 44100, 2, 10, 1412, 0, 25, true},
    {"L16", 44100, 1, 11, 706, 0, 25, true},
    {"L16", 16000, 1, kNone, 256, 0, 25, true},
    {"L16", 8000, 1, kNone, 128, 0, 25, true},
    {"QCELP", 8000, 1, 12, 14, 20, 10, true},
    {"MPA", 90000, 1, 14, 384, 0, 25, true},
    {"CN", 8000, 1, 13, 2, 0, 25, false},
    {"CN", 8000, 1, 19, 2, 0, 25, false},  // its first number, now reserved. RFC 3551 §6
    {"CN", 16000, 1, kNone, 2, 0, 25, false},
    {"CN", 32000, 1, kNone, 2, 0, 25, false},
    {"G726-16", 8000, 1, kNone, 16, 50, 10, true},
    {"G726-24", 8000, 1, kNone, 24, 25, 10, true},
    {"G726-32", 8000, 1, 2, 32, 7, 24, true},
    {"AAL2-G726-32", 8000, 1, kNone, 32, 7, 24, true},
    {"G726-40", 8000, 1, kNone, 40, 2, 24, true},
    {"G729D", 8000, 1, kNone, 7, 13, 19, true},
    {"G729E", 8000, 1, kNone, 12, 4, 19, true},
    {"G7221", 16000, 1, kNone, 32, 5, 15, true},
    {"G7221", 32000, 1, kNone, 48, 5, 15, true},
    {"GSM-EFR", 8000, 1, kNone, 13, 5, 10, true},
    {"GSM-HR-08", 8000, 1, kNone, 6, 23, 10, true},
    {"iLBC", 8000, 1, kNone, 16, 11, 32, true},
    {"AMR", 8000, 1, kNone, 13, 5, 10, true},
    {"AMR-WB", 16000, 1, kNone, 24, 4, 13, true},
    {"EVS", 16000, 1, kNone, 128, 0, 20, true},
    {"opus", 48000, 2, kNone, 510, 0, 20, true},
    {"speex", 8000, 1, kNone, 25, 11, 15, true},
    {"speex", 16000, 1, kNone, 43, 8, 15, true},
    {"speex", 32000, 1, kNone, 45, 8, 15, true},
    {"SILK", 8000, 1, kNone, 20, 6, 20, true},
    {"SILK", 12000, 1, kNone, 25, 5, 20, true},
    {"SILK", 16000, 1, kNone, 30, 4, 20, true},
    {"SILK", 24000, 1, kNone, 40, 4, 20, true},
    {"ISAC", 16000, 1, kNone, 32, 5, 15, true},
    {"ISAC", 32000, 1, kNone, 56, 5, 15, true},
    {"SIREN7", 16000, 1, kNone, 32, 5, 15, true},
    {"SIREN14", 16000, 1, kNone, 48, 5, 15, true},
    {"BV16", 8000, 1, kNone, 16, 8, 15, true},
    {"BV32", 16000, 1, kNone, 32, 6, 15, true},
    {"CLEARMODE", 8000, 1, kNone, 64, 0, 25, true},
    {"telephone-event", 8000, 1, kNone, 3, 0, 25, false},
    {"telephone-event", 16000, 1, kNone, 3, 0, 25, false},
    {"telephone-event", 48000, 1, kNone, 3, 0, 25, false},
    {"t140", 1000, 1, kNone, 2, 0, 25, false},
    {"H261", 90000, 1, 31, 0, 0, 25, false},
    {"H263", 90000, 1, 34, 0, 0, 25, false},
    {"JPEG", 90000, 1, 26, 0, 0, 25, false},
    {"MPV", 90000, 1, 32, 0, 0, 25, false},
    {"MP2T", 90000, 1, 33, 0, 0, 25, false},
    {"CelB", 90000, 1, 25, 0, 0, 25, false},
    {"nv", 90000, 1, 28, 0, 0, 25, false},
    {"H263-1998", 90000, 1, kNone, 0, 0, 25, false},
    {"H264", 90000, 1, kNone, 0, 0, 25, false},
    {"H265", 90000, 1, kNone, 0, 0, 25, false},
    {"VP8", 90000, 1, kNone, 0, 0, 25, false},
    {"VP9", 90000, 1, kNone, 0, 0, 25, false},
    {"AV1", 90000, 1, kNone, 0, 0, 25, false},
});

// Looked up several times for each format that crosses: by name through lists of those whose size and first
// letter are alike, by number at once. Made when this is compiled.
constexpr std::uint8_t kEnd = 0xff;
static_assert(kCodecs.size() < kEnd);
constexpr std::size_t kLists = 128;
constexpr std::size_t list_of(std::string_view name) noexcept {
  return (name.size() * 23 + (static_cast<unsigned char>(name.front()) | 0x20u) * 7u) % kLists;
}
struct CodecLists {
  std::array<std::uint8_t, kLists> first{};
  std::array<std::uint8_t, kCodecs.size()> next{};  // in the order of the table
  std::array<std::uint8_t, 128> of_static_type{};
};
constexpr CodecLists kCodecLists = [] {
  CodecLists lists;
  lists.first.fill(kEnd);
  lists.of_static_type.fill(kEnd);
  for (std::size_t i = kCodecs.size(); i-- > 0;) {
    const auto place = static_cast<std::uint8_t>(i);
    lists.next[i] = std::exchange(lists.first[list_of(kCodecs[i].name)], place);
    if (kCodecs[i].static_type != kNone) lists.of_static_type[kCodecs[i].static_type] = place;
  }
  return lists;
}();

}  // namespace

const Codec* find_codec(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels) noexcept {
  const Codec* nearest = nullptr;
  if (name.empty()) return nearest;
  for (std::uint8_t i = kCodecLists.first[list_of(name)]; i != kEnd; i = kCodecLists.next[i]) {
    const Codec& codec = kCodecs[i];
    if (codec.name.size() != name.size() || !same_word(codec.name, name)) continue;
    if (codec.clock_rate == clock_rate && codec.channels == channels) return &codec;
    if (codec.clock_rate == clock_rate && nearest == nullptr) nearest = &codec;
  }
  return nearest;
}

const Codec* find_static_codec(std::uint8_t payload_type) noexcept {
  if (payload_type >= kCodecLists.of_static_type.size()) return nullptr;
  const std::uint8_t place = kCodecLists.of_static_type[payload_type];
  return place == kEnd ? nullptr : &kCodecs[place];
}

NamedFormat named(const SdpFormat& format) noexcept {
  if (!format.encoding.empty()) {
    const std::uint8_t channels = format.channels.value_or(1);
    return {format.encoding, format.clock_rate, channels,
            find_codec(format.encoding, format.clock_rate, channels)};
  }
  const Codec* const codec = find_static_codec(format.number);
  if (codec == nullptr) return {};
  return {codec->name, codec->clock_rate, codec->channels, codec};
}

bool is_telephone_event(std::string_view name) noexcept { return same_word(name, "telephone-event"); }

}  // namespace sallyport::sip
