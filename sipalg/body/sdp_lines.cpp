// sdp_lines.cpp — SDP copied line by line but for what names its maker: RFC 8866 §5.1 to §5.6, §9.
#include "sipalg/body/sdp_lines.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "sipalg/body/text_output.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

constexpr std::string_view kVersionLine = "v=0\r\n";
constexpr std::string_view kNameLine = "s=-\r\n";
constexpr std::size_t kOriginBytesMax = 128;  // "o=- N N IN IP6 ADDRESS": 20 digits each, 45 of an address

// Tells a changed description from the same one. Unkeyed: who makes two alike harms only his own session.
// Never 0, which stands for "none yet".
// Two lanes, so that one multiplication need not wait for the other.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::array<std::uint64_t, 2> lanes{text.size(), 0};
  while (!text.empty()) {
    std::array<std::uint64_t, 2> words{};
    const std::size_t size = std::min(text.size(), sizeof words);
    std::memcpy(words.data(), text.data(), size);
    for (std::size_t i = 0; i < 2; ++i) {
      lanes[i] = (lanes[i] ^ words[i]) * (i == 0 ? 0x9e3779b97f4a7c15u : 0xc2b2ae3d27d4eb4fu);
      lanes[i] ^= lanes[i] >> 29;
    }
    text.remove_prefix(size);
  }
  return (lanes[0] ^ std::rotl(lanes[1], 23)) | 1;
}

std::string_view origin_line(std::span<char, kOriginBytesMax> buffer, const IpAddress& address,
                             const SdpIdentity& identity) noexcept {
  TextOutput line(buffer);
  std::array<char, 20> digits{};
  const auto add_number = [&](std::uint64_t number) {
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    line.add({digits.data(), static_cast<std::size_t>(end - digits.data())});
  };
  line.add("o=- ");
  add_number(identity.session_id);
  line.add(" ");
  add_number(identity.version);
  line.add(address.is_v4() ? " IN IP4 " : " IN IP6 ");
  AddressText text;
  line.add(address_text(address, text));
  line.add("\r\n");
  return line.text();
}

// Takes the lines of a description in order and copies what may be copied, in runs as long as can be.
class SdpCopier {
 public:
  SdpCopier(TextOutput& out, std::string_view sdp) noexcept : out_(out), sdp_(sdp), run_(sdp.data()) {}

  // False: not a description that can be read.
  bool run() noexcept {
    while (sdp_.ends_with("\n\n") || sdp_.ends_with("\n\r\n"))
      sdp_.remove_suffix(sdp_.ends_with("\r\n") ? 2 : 1);
    std::string_view rest = sdp_;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      const std::string_view whole = rest.substr(0, end == std::string_view::npos ? end : end + 1);
      rest.remove_prefix(whole.size());
      std::string_view line = whole.substr(0, end);
      const bool has_crlf = end != std::string_view::npos && line.ends_with('\r');
      if (has_crlf) line.remove_suffix(1);
      if (!is_line(line) || !take(line)) return false;
      if (is_copied_ && has_crlf) continue;
      copy_before(whole);
      if (!is_copied_) continue;
      out_.add(line);
      out_.add("\r\n");
    }
    copy_before({sdp_.data() + sdp_.size(), 0});
    return lines_ >= 2;
  }

 private:
  static bool is_line(std::string_view line) noexcept {
    return line.size() >= 2 && line[0] >= 'a' && line[0] <= 'z' && line[1] == '=' &&
           (is_plain(line) || (is_clean(line) && line.find('\r') == std::string_view::npos));
  }

  // Decides whether the line is copied; false when it may not stand there. RFC 8866 §5
  bool take(std::string_view line) noexcept {
    ++lines_;
    is_copied_ = false;  // v=, o= and s= are ours
    if (lines_ == 1) return line == "v=0";
    if (lines_ == 2) return line[0] == 'o';
    if (lines_ == 3 && line[0] == 's') return true;
    is_copied_ = true;
    switch (line[0]) {
      case 'v':
      case 'o':
      case 's':
        return false;
      case 'm':
        in_media_ = true;
        return true;
      case 'i':
      case 'u':
      case 'e':
      case 'p':
        is_copied_ = in_media_;
        return true;
      default:
        return true;
    }
  }

  // Copies the lines that wait, up to this one, which does not.
  void copy_before(std::string_view line) noexcept {
    out_.add({run_, static_cast<std::size_t>(line.data() - run_)});
    run_ = line.data() + line.size();
  }

  TextOutput& out_;
  std::string_view sdp_;
  const char* run_;
  std::size_t lines_ = 0;
  bool in_media_ = false;
  bool is_copied_ = false;
};

}  // namespace

std::optional<std::size_t> write_sdp(std::span<char> out, std::string_view sdp, const IpAddress& address,
                                     SdpIdentity& identity) noexcept {
  TextOutput output(out);
  output.add(kVersionLine);
  output.add(kNameLine);
  if (!SdpCopier(output, sdp).run() || !output.fits()) return std::nullopt;
  SdpIdentity next = identity;
  next.last_hash = hash_of(output.text());
  if (next.last_hash != identity.last_hash) ++next.version;  // RFC 8866 §5.2, RFC 3264 §8
  std::array<char, kOriginBytesMax> origin;
  output.insert(kVersionLine.size(), origin_line(origin, address, next));
  if (!output.fits()) return std::nullopt;
  identity = next;
  return output.text().size();
}

}  // namespace sallyport::sip
