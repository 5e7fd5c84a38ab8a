// sdp_writer.cpp — lines in the order of RFC 8866 §5; o= by RFC 3264 §8.
#include "sipalg/sdp/sdp_writer.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "sipalg/body/text_output.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/sdp/crossing_attributes.h"
#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kVersionLine = "v=0\r\n";
constexpr std::size_t kOriginBytesMax = 128;  // "o=- N N IN IP6 ADDRESS": 20 digits each, 45 of an address

void add_number(TextOutput& out, std::uint64_t number) noexcept {
  std::array<char, 20> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.add({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void add_address(TextOutput& out, const IpAddress& address) noexcept {
  AddressText text;
  out.add(address.is_v4() || address.is_unspecified() ? "IN IP4 " : "IN IP6 ");
  // A leg without any address of ours has no stream either.
  out.add(address.is_unspecified() ? "0.0.0.0" : address_text(address, text));
  out.add("\r\n");
}

std::string_view direction_line(const MediaDirection& direction) noexcept {
  if (direction.sends) return direction.receives ? "a=sendrecv\r\n" : "a=sendonly\r\n";
  return direction.receives ? "a=recvonly\r\n" : "a=inactive\r\n";
}

void add_bandwidth(TextOutput& out, const SdpBandwidth& bandwidth) noexcept {
  const auto add = [&out](std::string_view kind, const std::optional<std::uint32_t>& number) {
    if (!number) return;
    out.add(kind);
    add_number(out, *number);
    out.add("\r\n");
  };
  add("b=AS:", bandwidth.as_kbit);
  add("b=TIAS:", bandwidth.tias_bit);
}

class MediaSection {
 public:
  MediaSection(TextOutput& out, const MediaDescription& came, const FarMedia& far,
               const AttributeEdits& edits) noexcept
      : out_(out), came_(came), far_(far), editor_(edits) {}

  void write(const IpAddress& session_address) noexcept {
    write_media_line();
    if (!far_.is_live) return;
    if (far_.shown.address != session_address) {
      out_.add("c=");
      add_address(out_, far_.shown.address);
    }
    add_bandwidth(out_, came_.bandwidth);
    SdpLines lines(came_.lines);
    std::string_view line;
    while (lines.next(line))
      if (line[0] == 'a') write_attribute(line.substr(2));
    write_events();
    editor_.write_set(out_);
    for (const SdesAttribute& key : far_.crypto)
      write_sdes(far_.crypto_tag.value_or(key.tag), *key.key, out_);
    out_.add(direction_line(far_.direction));
    if (far_.rtcp_mux) out_.add("a=rtcp-mux\r\n");
  }

 private:
  void write_media_line() noexcept {
    out_.add("m=");
    out_.add(came_.media_text);
    out_.add(" ");
    add_number(out_, far_.is_live ? far_.shown.port : 0);
    out_.add(" ");
    out_.add(far_.profile == SdpProfile::Other ? came_.profile_text : to_string(far_.profile));
    for (std::size_t i = 0; i < far_.format_count; ++i) {
      out_.add(" ");
      out_.add(came_.formats[far_.formats[i]].text);
    }
    for (const media::EventFormat& format : far_.events) {
      out_.add(" ");
      add_number(out_, format.number);
    }
    if (far_.format_count == 0) {  // the list must not be empty. RFC 8866 §9
      out_.add(" ");
      out_.add(came_.formats[0].text);
    }
    out_.add("\r\n");
  }

  // The sixteen keys and the flash. RFC 4733 §2.4.1, §3.2
  void write_events() noexcept {
    for (const media::EventFormat& format : far_.events) {
      out_.add("a=rtpmap:");
      add_number(out_, format.number);
      out_.add(" telephone-event/");
      add_number(out_, format.clock_rate);
      out_.add("\r\na=fmtp:");
      add_number(out_, format.number);
      out_.add(" 0-16\r\n");
    }
  }

  [[nodiscard]] const SdpFormat* crossing_format(std::string_view text) const noexcept {
    std::uint64_t number = 0;
    const bool has_numbers = is_rtp(came_.profile);
    if (has_numbers && !read_number(text, 127, number)) return nullptr;
    for (std::size_t i = 0; i < far_.format_count; ++i) {
      const SdpFormat& format = came_.formats[far_.formats[i]];
      if (has_numbers ? format.number == number : format.text == text) return &format;
    }
    return nullptr;
  }

  void write_attribute(std::string_view text) noexcept {
    constexpr std::string_view kMap = "rtpmap:";  // nearly half of all
    if (text.starts_with(kMap)) return write_map(text.substr(kMap.size()));
    std::size_t colon = 0;  // names are short
    while (colon != text.size() && text[colon] != ':') ++colon;
    const std::string_view name = text.substr(0, colon);
    const AttributeForm form = form_of_attribute(name);
    if (form == AttributeForm::Never) return;
    const std::string_view value = colon == text.size() ? std::string_view{} : text.substr(colon + 1);
    switch (form) {
      case AttributeForm::FormatMap:
        return write_map(value);
      case AttributeForm::FormatText:
      case AttributeForm::FeedbackText:
        if (is_of_format(value, form)) write_line(name, value);
        return;
      default:
        if (may_cross(form, value)) write_line(name, value);
    }
  }

  void write_map(std::string_view value) noexcept {
    const SdpFormat* const format = crossing_format(take_word(value));
    if (format == nullptr || format->encoding.empty()) return;
    // Of several lines for one payload type the first counts.
    const auto position = static_cast<std::size_t>(format - came_.formats.begin());
    if ((mapped_ >> position & 1) != 0) return;
    mapped_ |= std::uint64_t{1} << position;
    if (!format->map.empty()) return out_.add({"a=rtpmap:", format->text, " ", format->map, "\r\n"});
    out_.add({"a=rtpmap:", format->text, " ", format->encoding, "/"});
    add_number(out_, format->clock_rate);
    if (format->channels) {
      out_.add("/");
      add_number(out_, *format->channels);
    }
    out_.add("\r\n");
  }

  [[nodiscard]] bool is_of_format(std::string_view value, AttributeForm form) const noexcept {
    const std::string_view type = take_word(value);
    const bool is_of_all = form == AttributeForm::FeedbackText && type == "*";
    return (is_of_all || crossing_format(type) != nullptr) && may_cross(form, value);
  }

  void write_line(std::string_view name, std::string_view value) noexcept {
    const bool has_value = !value.empty();
    if (!editor_.edit(name, value)) return;
    has_value ? out_.add({"a=", name, ":", value, "\r\n"}) : out_.add({"a=", name, "\r\n"});
  }

  TextOutput& out_;
  const MediaDescription& came_;
  const FarMedia& far_;
  AttributeEditor editor_;
  std::uint64_t mapped_ = 0;
};

std::string_view origin_line(std::span<char, kOriginBytesMax> buffer, const IpAddress& address,
                             const SdpIdentity& identity) noexcept {
  TextOutput line(buffer);
  line.add("o=- ");
  add_number(line, identity.session_id);
  line.add(" ");
  add_number(line, identity.version);
  line.add(" ");
  add_address(line, address);
  return line.text();
}

}  // namespace

std::uint64_t hash_of_description(std::string_view text) noexcept {
  // Two lanes, so that one multiplication need not wait for the other.
  std::array<std::uint64_t, 2> lanes{text.size(), 0};
  while (!text.empty()) {
    std::array<std::uint64_t, 2> words{};
    const std::size_t size = std::min(text.size(), sizeof words);
    // Of a size that is known but for the end: two loads, no call.
    if (size == sizeof words)
      std::memcpy(words.data(), text.data(), sizeof words);
    else
      std::memcpy(words.data(), text.data(), size);
    for (std::size_t i = 0; i < 2; ++i) {
      lanes[i] = (lanes[i] ^ words[i]) * (i == 0 ? 0x9e3779b97f4a7c15u : 0xc2b2ae3d27d4eb4fu);
      lanes[i] ^= lanes[i] >> 29;
    }
    text.remove_prefix(size);
  }
  return (lanes[0] ^ std::rotl(lanes[1], 23)) | 1;
}

std::optional<std::string_view> write_description(std::span<char> room, const SessionDescription& came,
                                                  const FarDescription& far, SdpIdentity& identity,
                                                  const AttributeEdits& edits) noexcept {
  TextOutput out(room);
  out.add(kVersionLine);
  out.add("s=-\r\nc=");
  add_address(out, far.shown);
  add_bandwidth(out, came.bandwidth);
  out.add("t=0 0\r\n");
  for (std::size_t i = 0; i < came.media.size(); ++i)
    MediaSection(out, came.media[i], far.media[i], edits).write(far.shown);
  if (!out.fits()) return std::nullopt;
  SdpIdentity next = identity;
  next.last_hash = hash_of_description(out.text());
  if (next.last_hash != identity.last_hash) ++next.version;  // RFC 8866 §5.2, RFC 3264 §8
  std::array<char, kOriginBytesMax> origin;
  out.insert(kVersionLine.size(), origin_line(origin, far.shown, next));
  if (!out.fits()) return std::nullopt;
  identity = next;
  return out.text();
}

}  // namespace sallyport::sip
