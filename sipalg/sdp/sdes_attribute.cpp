// sdes_attribute.cpp — RFC 4568 §9.1 (the line), §9.2 (SRTP in it), §6.1 to §6.3.
#include "sipalg/sdp/sdes_attribute.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>

#include "sipalg/body/text_output.h"
#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::sip {
namespace {

using media::SrtpKey;

struct SuiteName {
  SrtpSuite suite;
  std::string_view name;
};
constexpr std::array kSuiteNames{
    SuiteName{SrtpSuite::Aes256Gcm, "AEAD_AES_256_GCM"},
    SuiteName{SrtpSuite::Aes128Gcm, "AEAD_AES_128_GCM"},
    SuiteName{SrtpSuite::AesCm128HmacSha1_80, "AES_CM_128_HMAC_SHA1_80"},
    SuiteName{SrtpSuite::AesCm128HmacSha1_32, "AES_CM_128_HMAC_SHA1_32"},
    SuiteName{SrtpSuite::AesCm256HmacSha1_80, "AES_256_CM_HMAC_SHA1_80"},
    SuiteName{SrtpSuite::AesCm256HmacSha1_32, "AES_256_CM_HMAC_SHA1_32"},
};
constexpr std::size_t kTagDigitsMax = 9;
constexpr std::size_t kSuiteNameMax = 64;
constexpr std::uint64_t kLifetimePowerMax = 48;
constexpr std::uint64_t kWindowHintMin = 64;
constexpr std::uint64_t kMkiMax = (std::uint64_t{1} << 56) - 1;  // a larger number nobody needs
constexpr std::size_t kKeyOctetsMax = media::kSrtpKeyBytesMax + media::kSrtpSaltBytesMax;
constexpr std::size_t kBase64Max = (kKeyOctetsMax + 2) / 3 * 4;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotBase64 = 0xff;
constexpr std::array<std::uint8_t, 256> kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotBase64);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<std::uint8_t>(kBase64[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

// Fills `out` to its last octet. Padding may be left away (RFC 4568 §6.1), but not be wrong.
[[nodiscard]] bool decode_base64(std::string_view text, std::span<std::uint8_t> out) noexcept {
  const std::size_t digits = (out.size() * 8 + 5) / 6;
  const std::size_t padded = (out.size() + 2) / 3 * 4;
  if (text.size() != digits && text.size() != padded) return false;
  std::uint32_t bits = 0, count = 0;
  std::size_t at = 0;
  for (const char c : text.substr(0, digits)) {
    const std::uint8_t value = kBase64Values[static_cast<std::uint8_t>(c)];
    if (value == kNotBase64) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[at++] = static_cast<std::uint8_t>(bits >> count);
  }
  if ((bits & ((1u << count) - 1)) != 0) return false;  // bits that nobody would read
  return std::ranges::all_of(text.substr(digits), [](char c) { return c == '='; });
}

[[nodiscard]] std::size_t encode_base64(std::span<const std::uint8_t> octets, char* to) noexcept {
  char* const start = to;
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    const std::size_t left = octets.size() - at;
    const std::uint32_t bits = static_cast<std::uint32_t>(octets[at]) << 16 |
                               (left > 1 ? static_cast<std::uint32_t>(octets[at + 1]) << 8 : 0u) |
                               (left > 2 ? octets[at + 2] : 0u);
    *to++ = kBase64[bits >> 18];
    *to++ = kBase64[bits >> 12 & 63];
    *to++ = left > 1 ? kBase64[bits >> 6 & 63] : '=';
    *to++ = left > 2 ? kBase64[bits & 63] : '=';
  }
  return static_cast<std::size_t>(to - start);
}

// Words are apart by one space: RFC 4568 §9.1.
[[nodiscard]] std::string_view take_until(std::string_view& rest, char end) noexcept {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view word = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return word;
}

[[nodiscard]] bool starts_with_word(std::string_view text, std::string_view word) noexcept {
  return text.size() >= word.size() && same_word(text.substr(0, word.size()), word);
}

[[nodiscard]] std::optional<SrtpSuite> suite_of(std::string_view name) noexcept {
  for (const SuiteName& known : kSuiteNames)
    if (same_word(known.name, name)) return known.suite;
  return std::nullopt;
}

// ["2^"] 1*DIGIT. RFC 4568 §6.1
[[nodiscard]] SdesFault read_lifetime(std::string_view text, SrtpKey& key) noexcept {
  std::uint64_t value = 0;
  if (text.starts_with("2^")) {
    if (!read_number(text.substr(2), kLifetimePowerMax, value)) return SdesFault::BadLifetime;
    value = std::uint64_t{1} << value;
  } else if (!read_number(text, media::kSrtpPacketsMax, value) || value == 0) {
    return SdesFault::BadLifetime;
  }
  key.packets_max = value;
  return SdesFault::None;
}

// value ":" length. RFC 4568 §6.1
[[nodiscard]] SdesFault read_mki(std::string_view text, SrtpKey& key) noexcept {
  const std::string_view value_text = take_until(text, ':');
  std::uint64_t value = 0, bytes = 0;
  if (!read_number(value_text, kMkiMax, value)) return SdesFault::BadMki;
  if (text.size() > 3 || !read_number(text, media::kSrtpMkiBytesMax, bytes) || bytes == 0)
    return SdesFault::BadMki;
  if (bytes < 8 && value >> (bytes * 8) != 0) return SdesFault::BadMki;
  key.mki = value;
  key.mki_bytes = static_cast<std::uint8_t>(bytes);
  return SdesFault::None;
}

// "inline:" key-salt ["|" lifetime] ["|" mki]. RFC 4568 §6.1
[[nodiscard]] SdesFault read_key(std::string_view text, SrtpKey& key) noexcept {
  constexpr std::string_view kInline = "inline:";
  if (!starts_with_word(text, kInline)) return SdesFault::Malformed;
  text.remove_prefix(kInline.size());
  if (text.find(';') != text.npos) return SdesFault::Unsupported;
  const std::size_t fields = 1 + static_cast<std::size_t>(std::ranges::count(text, '|'));
  const media::SrtpSuiteFacts facts = media::facts_of(key.suite);
  std::array<std::uint8_t, kKeyOctetsMax> octets;
  const std::size_t size = std::size_t{facts.key_bytes} + facts.salt_bytes;
  const bool good = decode_base64(take_until(text, '|'), std::span(octets).first(size));
  if (good) {
    std::copy_n(octets.begin(), facts.key_bytes, key.key.begin());
    std::copy_n(octets.begin() + facts.key_bytes, facts.salt_bytes, key.salt.begin());
  }
  media::wipe_octets(octets.data(), octets.size());
  if (!good) return SdesFault::BadKey;
  if (fields == 1) return SdesFault::None;
  if (fields > 3) return SdesFault::Malformed;
  std::string_view field = take_until(text, '|');
  if (fields == 2 && field.find(':') != field.npos) return read_mki(field, key);
  if (const SdesFault fault = read_lifetime(field, key); fault != SdesFault::None) return fault;
  return fields == 3 ? read_mki(text, key) : SdesFault::None;
}

// RFC 4568 §6.3
[[nodiscard]] SdesFault check_parameter(std::string_view word) noexcept {
  if (word.empty()) return SdesFault::Malformed;
  for (const std::string_view name : {"UNENCRYPTED_SRTP", "UNENCRYPTED_SRTCP", "UNAUTHENTICATED_SRTP"})
    if (same_word(word, name)) return SdesFault::Unprotected;
  // Ours is as wide as a hint may ask for, and to know more is not to harm. RFC 4568 §6.3.6
  if (starts_with_word(word, "WSH=")) {
    std::uint64_t size = 0;
    return word.size() <= 9 && read_number(word.substr(4), 99'999, size) && size >= kWindowHintMin
               ? SdesFault::None
               : SdesFault::Malformed;
  }
  // What begins with "-" may be left aside; KDR, FEC_ORDER, FEC_KEY and what is unknown may not. RFC 4568
  // §6.3.7
  return word.size() > 1 && word.front() == '-' ? SdesFault::None : SdesFault::Unsupported;
}

[[nodiscard]] SdesFault read_all(std::string_view rest, SdesAttribute& out) noexcept {
  const auto is_visible = [](char c) { return c >= ' ' && c <= '~'; };
  if (rest.size() > kSdesValueMax || !std::ranges::all_of(rest, is_visible)) return SdesFault::Malformed;
  const std::string_view tag = take_until(rest, ' ');
  std::uint64_t number = 0;
  if (tag.size() > kTagDigitsMax || !read_number(tag, 999'999'999, number)) return SdesFault::Malformed;
  // An answer repeats the number: "01" would come back as "1".
  if (tag.size() > 1 && tag.front() == '0') return SdesFault::Malformed;
  out.tag = static_cast<std::uint32_t>(number);
  const std::string_view name = take_until(rest, ' ');
  if (name.empty() || name.size() > kSuiteNameMax || rest.empty()) return SdesFault::Malformed;
  const std::optional<SrtpSuite> suite = suite_of(name);
  if (!suite) return SdesFault::UnknownSuite;
  out.key->suite = *suite;
  const bool has_parameters = rest.find(' ') != rest.npos;
  const std::string_view key = take_until(rest, ' ');
  if (has_parameters) {
    if (rest.empty()) return SdesFault::Malformed;
    for (bool more = true; more;) {
      more = rest.find(' ') != rest.npos;
      if (const SdesFault fault = check_parameter(take_until(rest, ' ')); fault != SdesFault::None)
        return fault;
      if (more && rest.empty()) return SdesFault::Malformed;
    }
  }
  return read_key(key, *out.key);
}

void add_number(std::uint64_t number, TextOutput& out) noexcept {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

}  // namespace

std::string_view to_string(SdesFault fault) noexcept {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(SdesFault::kCount)> kNames{
      "none",         "malformed", "unknown_suite", "bad_key",
      "bad_lifetime", "bad_mki",   "unprotected",   "unsupported"};
  return fault < SdesFault::kCount ? kNames[static_cast<std::size_t>(fault)] : std::string_view{};
}

std::string_view sdes_name(SrtpSuite suite) noexcept {
  for (const SuiteName& known : kSuiteNames)
    if (known.suite == suite) return known.name;
  return {};
}

SdesFault parse_sdes(std::string_view value, SdesAttribute& out) noexcept {
  out.tag = 0;
  out.key->wipe();
  const SdesFault fault = read_all(value, out);
  if (fault != SdesFault::None) out.key->wipe();
  return fault;
}

void write_sdes(std::uint32_t tag, const SrtpKey& key, TextOutput& out) noexcept {
  const media::SrtpSuiteFacts facts = media::facts_of(key.suite);
  std::array<std::uint8_t, kKeyOctetsMax> octets;
  std::copy_n(key.key.begin(), facts.key_bytes, octets.begin());
  std::copy_n(key.salt.begin(), facts.salt_bytes, octets.begin() + facts.key_bytes);
  std::array<char, kBase64Max> text;
  const std::size_t size =
      encode_base64(std::span(octets).first(std::size_t{facts.key_bytes} + facts.salt_bytes), text.data());
  out.add("a=crypto:");
  add_number(tag, out);
  out.add({" ", sdes_name(key.suite), " inline:", std::string_view(text.data(), size)});
  media::wipe_octets(octets.data(), octets.size());
  media::wipe_octets(text.data(), text.size());
  if (key.packets_max != 0) {
    const bool is_power = std::has_single_bit(key.packets_max);
    out.add(is_power ? "|2^" : "|");
    add_number(is_power ? static_cast<std::uint64_t>(std::countr_zero(key.packets_max)) : key.packets_max,
               out);
  }
  if (key.mki_bytes != 0) {
    out.add("|");
    add_number(key.mki, out);
    out.add(":");
    add_number(key.mki_bytes, out);
  }
  out.add("\r\n");
}

void read_sdes(std::string_view lines, SdesLines& out) noexcept {
  constexpr std::string_view kName = "a=crypto:";
  for (SdesAttribute& attribute : out.usable) attribute.key->wipe();
  out.usable.clear();
  out.unusable = 0;
  out.first_fault = SdesFault::None;
  out.has_same_tag_twice = out.has_broken = false;
  FixedVector<std::uint32_t, kSdesLinesMax> tags;
  SdpLines reader(lines);
  for (std::string_view line; !tags.full() && reader.next(line);) {
    if (!line.starts_with(kName)) continue;
    SdesAttribute attribute;
    const SdesFault fault = parse_sdes(line.substr(kName.size()), attribute);
    if (fault != SdesFault::Malformed && std::ranges::find(tags, attribute.tag) != tags.end())
      out.has_same_tag_twice = true;
    (void)tags.push_back(fault == SdesFault::Malformed ? std::numeric_limits<std::uint32_t>::max()
                                                       : attribute.tag);
    if (fault == SdesFault::None) {
      (void)out.usable.push_back(attribute);
      continue;
    }
    ++out.unusable;
    out.has_broken |= fault != SdesFault::UnknownSuite && fault != SdesFault::Unsupported;
    if (out.first_fault == SdesFault::None) out.first_fault = fault;
  }
  if (!out.has_same_tag_twice) return;
  out.has_broken = true;
  for (SdesAttribute& attribute : out.usable) attribute.key->wipe();
  out.unusable = static_cast<std::uint16_t>(out.unusable + out.usable.size());
  out.usable.clear();
}

const SdesAttribute* choose_sdes(const SdesLines& offered, std::span<const SrtpSuite> allowed) noexcept {
  const auto found =
      std::find_if(offered.usable.begin(), offered.usable.end(), [&](const SdesAttribute& line) {
        return std::ranges::find(allowed, line.key->suite) != allowed.end();
      });
  return found == offered.usable.end() ? nullptr : found;
}

const SdesAttribute* match_sdes(const SdesLines& answered, std::span<const SdesAttribute> offered) noexcept {
  if (answered.usable.size() != 1 || answered.unusable != 0) return nullptr;
  const SdesAttribute& line = answered.usable[0];
  const bool is_ours = std::ranges::any_of(offered, [&](const SdesAttribute& ours) {
    return ours.tag == line.tag && ours.key->suite == line.key->suite;
  });
  return is_ours ? &line : nullptr;
}

}  // namespace sallyport::sip
