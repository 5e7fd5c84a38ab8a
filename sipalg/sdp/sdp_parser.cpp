// sdp_parser.cpp — line by line through a session description: RFC 8866 §5, §9, RFC 3605 §2.1, RFC 5761.
#include "sipalg/sdp/sdp_parser.h"

#include <algorithm>
#include <array>

#include "sipalg/message/char_class.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(SdpProfile::kCount)> kProfiles{
    "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "udptl", ""};
constexpr std::array<std::string_view, static_cast<std::size_t>(SdpMedia::kCount)> kMedia{
    "audio", "video", "text", "application", "message", "image", ""};

SdpProfile profile_of(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < kProfiles.size(); ++i)
    if (same_word(text, kProfiles[i])) return SdpProfile(i);
  // The same over UDP under its first name, as old gateways write it.
  return same_word(text, "udp/udptl") ? SdpProfile::Udptl : SdpProfile::Other;
}
SdpMedia media_of(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < kMedia.size(); ++i)
    if (same_word(text, kMedia[i])) return SdpMedia(i);
  return SdpMedia::Other;
}

// Its size where there is none.
std::size_t place_of(std::string_view text, char wanted) noexcept {
  std::size_t at = 0;
  while (at != text.size() && text[at] != wanted) ++at;
  return at;
}

bool is_token(std::string_view text, std::string_view also = {}) noexcept {
  if (text.empty() || text.size() > kSdpTokenMax) return false;
  return is_all_of<kToken>(text) || (!also.empty() && std::ranges::all_of(text, [&](char c) {
           return has_class(c, kToken) || also.find(c) != std::string_view::npos;
         }));
}

// "IN IP4 198.18.1.1", "IN IP6 2001:db8::1", "IN IP4 224.2.1.1/127/3". False: not of that form.
bool read_connection(std::string_view text, SdpConnection& connection) noexcept {
  const std::string_view network = take_word(text), type = take_word(text);
  std::string_view host = take_word(text);
  if (host.empty() || !text.empty()) return false;
  host = host.substr(0, host.find('/'));  // what follows is of multicast
  const bool v4 = same_word(type, "IP4");
  const auto address = IpAddress::parse(host);
  // A name is never resolved: media goes where the description says, not where a resolver does.
  const bool is_usable = same_word(network, "IN") && address &&
                         (v4 ? host.find(':') == std::string_view::npos
                             : same_word(type, "IP6") && host.find(':') != std::string_view::npos);
  connection.kind = is_usable ? SdpConnection::Kind::Address : SdpConnection::Kind::Unusable;
  connection.address = is_usable ? *address : IpAddress{};
  return true;
}

void read_bandwidth(std::string_view value, SdpBandwidth& bandwidth) noexcept {
  std::uint64_t number = 0;
  const std::size_t colon = value.find(':');
  if (colon == std::string_view::npos || !read_number(value.substr(colon + 1), 0xffffffffu, number)) return;
  const std::string_view kind = value.substr(0, colon);
  if (kind == "AS") bandwidth.as_kbit = static_cast<std::uint32_t>(number);
  if (kind == "TIAS") bandwidth.tias_bit = static_cast<std::uint32_t>(number);
}

std::optional<MediaDirection> direction_of(std::string_view attribute) noexcept {
  if (attribute.size() != 8) return std::nullopt;
  if (attribute == "sendrecv") return MediaDirection{true, true};
  if (attribute == "sendonly") return MediaDirection{true, false};
  if (attribute == "recvonly") return MediaDirection{false, true};
  if (attribute == "inactive") return MediaDirection{false, false};
  return std::nullopt;
}

// PT encoding/clock[/parameters]. What can't be read leaves the format without a name.
void read_rtpmap(std::string_view value, MediaDescription& media) noexcept {
  std::uint64_t number = 0, clock = 0, channels = 0;
  if (!read_number(take_word(value), 127, number)) return;
  SdpFormat* format = media.formats.begin();  // each number is there once
  while (format != media.formats.end() && format->number != number) ++format;
  if (format == media.formats.end() || !format->encoding.empty()) return;
  const std::string_view what = take_word(value);
  const std::size_t slash = place_of(what, '/');
  if (slash == what.size() || !is_token(what.substr(0, slash))) return;
  const std::string_view rest = what.substr(slash + 1);
  const std::size_t second = place_of(rest, '/');
  const std::string_view rate = rest.substr(0, second);
  if (!read_number(rate, 1'000'000'000, clock) || clock == 0) return;
  format->encoding = what.substr(0, slash);
  format->clock_rate = static_cast<std::uint32_t>(clock);
  const std::string_view parameter = second == rest.size() ? rest.substr(second) : rest.substr(second + 1);
  if (read_number(parameter, 255, channels)) format->channels = static_cast<std::uint8_t>(channels);
  const bool is_as_we_write =
      rate.front() != '0' && (second == rest.size() || (format->channels && parameter.front() != '0'));
  if (is_as_we_write) format->map = what;
}

class SdpReader {
 public:
  SdpReader(std::string_view text, SessionDescription& description) noexcept
      : text_(text), description_(description) {}

  SdpError run() noexcept {
    while (text_.ends_with("\n\n") || text_.ends_with("\n\r\n"))
      text_.remove_suffix(text_.ends_with("\r\n") ? 2 : 1);
    SdpLines lines(text_);
    std::string_view line;
    const char* start = text_.data();
    while (start = lines.rest().data(), lines.next(line)) {
      if (!is_line(line)) return SdpError::NoLine;
      ++count_;
      if (line[0] == 'm') close_media(start);
      if (const SdpError error = take(line[0], line.substr(2)); error != SdpError::None) return error;
      if (line[0] == 'm') media_lines_ = lines.rest().data();
    }
    close_media(text_.data() + text_.size());
    return count_ >= 2 ? SdpError::None : SdpError::Order;
  }

 private:
  static bool is_line(std::string_view line) noexcept {
    return line.size() >= 2 && line[0] >= 'a' && line[0] <= 'z' && line[1] == '=' &&
           (is_plain(line) || (is_clean(line) && line.find('\r') == std::string_view::npos));
  }

  SdpError take(char kind, std::string_view value) noexcept {
    if (count_ == 1) return kind == 'v' && value == "0" ? SdpError::None : SdpError::Order;
    if (count_ == 2) return kind == 'o' ? SdpError::None : SdpError::Order;
    switch (kind) {
      case 'v':
      case 'o':
        return SdpError::Order;
      case 's':  // the third, or left out: nothing of it crosses
        return count_ == 3 ? SdpError::None : SdpError::Order;
      case 'c':
        return take_connection(value);
      case 'b':
        read_bandwidth(value, media_ == nullptr ? description_.bandwidth : media_->bandwidth);
        return SdpError::None;
      case 'm':
        return take_media(value);
      case 'a':
        return take_attribute(value);
      default:
        return SdpError::None;
    }
  }

  SdpError take_connection(std::string_view value) noexcept {
    SdpConnection connection;
    if (!read_connection(value, connection)) return SdpError::Connection;
    if (media_ == nullptr) {
      if (description_.connection.kind != SdpConnection::Kind::None) return SdpError::Order;
      description_.connection = connection;
      return SdpError::None;
    }
    // Several are for layers of multicast, which is not for calls. RFC 8866 §5.7
    const bool differs = has_own_connection_ && connection != media_->connection;
    media_->connection = differs ? SdpConnection{SdpConnection::Kind::Unusable, {}} : connection;
    has_own_connection_ = true;
    return SdpError::None;
  }

  SdpError take_media(std::string_view value) noexcept {
    MediaDescription* const added = description_.media.grow();
    if (added == nullptr) return SdpError::TooManyMedia;
    MediaDescription& media = *added;
    media.clear();
    media.media_text = take_word(value);
    const std::string_view port = take_word(value);
    media.profile_text = take_word(value);
    if (!is_token(media.media_text) || !is_token(media.profile_text, "/")) return SdpError::Media;
    if (!read_port(port, media)) return SdpError::PortNumber;
    media.media = media_of(media.media_text);
    media.profile = profile_of(media.profile_text);
    media.connection = description_.connection;
    media.direction = direction_;
    if (const SdpError error = take_formats(value, media); error != SdpError::None) return error;
    media_ = &media;
    has_own_connection_ = false;
    return SdpError::None;
  }

  static bool read_port(std::string_view text, MediaDescription& media) noexcept {
    std::uint64_t port = 0, count = 0;
    const std::size_t slash = text.find('/');
    if (!read_number(text.substr(0, slash), 65535, port)) return false;
    media.port = static_cast<std::uint16_t>(port);
    if (slash == std::string_view::npos) return true;
    if (!read_number(text.substr(slash + 1), 65535, count) || count == 0) return false;
    media.is_port_range = count > 1;
    return true;
  }

  static SdpError take_formats(std::string_view value, MediaDescription& media) noexcept {
    while (!value.empty()) {
      SdpFormat format;
      format.text = take_word(value);
      if (!is_token(format.text, "/:;=@")) return SdpError::Media;
      if (is_rtp(media.profile)) {
        std::uint64_t number = 0;
        if (!read_number(format.text, 127, number)) return SdpError::PayloadType;
        format.number = static_cast<std::uint8_t>(number);
      }
      const bool is_repeated = std::ranges::any_of(media.formats, [&](const SdpFormat& other) {
        return is_rtp(media.profile) ? other.number == format.number : other.text == format.text;
      });
      if (!is_repeated) (void)media.formats.push_back(format);
    }
    return media.formats.empty() ? SdpError::Media : SdpError::None;
  }

  SdpError take_attribute(std::string_view text) noexcept {
    const std::size_t colon = place_of(text, ':');
    const std::string_view name = text.substr(0, colon);
    std::string_view value = colon == text.size() ? std::string_view{} : text.substr(colon + 1);
    if (const auto direction = direction_of(text)) {
      (media_ == nullptr ? direction_ : media_->direction) = *direction;
      return SdpError::None;
    }
    if (media_ == nullptr) return SdpError::None;
    std::uint64_t number = 0;
    if (name == "rtpmap") {
      if (is_rtp(media_->profile)) read_rtpmap(value, *media_);
    } else if (name == "rtcp-mux" || name == "rtcp-mux-only") {
      media_->rtcp_mux = true;
    } else if (name == "ptime") {
      if (read_number(value, 1000, number)) media_->ptime_ms = static_cast<std::uint16_t>(number);
    } else if (name == "rtcp") {
      if (!read_number(take_word(value), 65535, number)) return SdpError::PortNumber;
      media_->rtcp_port = static_cast<std::uint16_t>(number);
      if (!value.empty() && !read_connection(value, media_->rtcp_connection)) return SdpError::Connection;
    }
    return SdpError::None;
  }

  void close_media(const char* end) noexcept {
    if (media_ != nullptr) media_->lines = {media_lines_, static_cast<std::size_t>(end - media_lines_)};
  }

  std::string_view text_;
  SessionDescription& description_;
  MediaDescription* media_ = nullptr;  // the section that is read; none yet: the session's
  const char* media_lines_ = nullptr;
  MediaDirection direction_;  // of the session
  std::size_t count_ = 0;
  bool has_own_connection_ = false;
};

}  // namespace

std::string_view to_string(SdpProfile profile) noexcept {
  return kProfiles[static_cast<std::size_t>(profile)];
}

std::uint16_t answer_of(SdpError error) noexcept {
  if (error == SdpError::None) return 0;
  return error == SdpError::TooManyMedia ? 488 : 400;
}

SdpError parse_sdp(std::string_view text, SessionDescription& description) noexcept {
  description.connection = {};
  description.bandwidth = {};
  description.media.clear();
  return SdpReader(text, description).run();
}

bool read_number(std::string_view text, std::uint64_t max, std::uint64_t& value) noexcept {
  if (text.empty()) return false;
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number > max) return false;  // `max` is far below what overflows
  }
  value = number;
  return true;
}

}  // namespace sallyport::sip
