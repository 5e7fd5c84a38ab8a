// crossing_attributes.cpp — the table, with the reason for each row: RFC 8866 §6, RFC 4566 §6, T.38 Annex D,
// RFC 4585 §4.2, RFC 6064 §3, RFC 6236, RFC 8285, RFC 3108.
#include "sipalg/sdp/crossing_attributes.h"

#include <algorithm>
#include <array>

#include "sipalg/message/char_class.h"
#include "sipalg/sdp/sdp_parser.h"

namespace sallyport::sip {
namespace {

using enum AttributeForm;

struct Row {
  std::string_view name;
  AttributeForm form;
};

// Not here, so that it stays behind, among others:
//   candidate, ice-*, remote-candidates, rtcp (a port of theirs), source-filter: addresses; ICE not built yet
//   crypto, fingerprint, setup, connection, tls-id, key-mgmt: keys of one leg
//   group, mid, bundle-only, rid, simulcast, msid*, ssrc* (CNAME!), label, identity: one transport, one maker
//   cdsc, cpar, sqn, acap, pcfg, tcap...: capabilities beside those that we anchor. RFC 3407, 5939
//   curr, des, conf: preconditions of one leg's transport. RFC 3312
//   tool, type, charset, cat, keywds, gpmd, T38VendorInfo, X-...: name the maker
constexpr auto kRows = std::to_array<Row>({
    {"rtpmap", FormatMap},        // what the payload types mean
    {"fmtp", FormatText},         // how; without any address in it
    {"rtcp-fb", FeedbackText},    // RFC 4585: RTCP is relayed; beside AVP too, where many write it
    {"framesize", FormatText},    // RFC 6064
    {"imageattr", FeedbackText},  // RFC 6236; PT or "*" too
    {"ptime", Number},
    {"maxptime", Number},
    {"minptime", Number},
    {"framerate", Number},
    {"maxprate", Number},  // RFC 3890
    {"quality", Number},
    {"content", Tokens},  // RFC 4796: main, slides, ...
    {"lang", Tokens},     // of what is spoken
    {"hlang-send", Tokens},
    {"hlang-recv", Tokens},
    {"silenceSupp", Tokens},  // RFC 3108: off - - - -
    {"rtcp-rsize", Flag},     // RFC 5506
    {"extmap", Extension},
    {"T38FaxVersion", Number},
    {"T38MaxBitRate", Number},
    {"T38FaxFillBitRemoval", Flag},
    {"T38FaxTranscodingMMR", Flag},
    {"T38FaxTranscodingJBIG", Flag},
    {"T38FaxRateManagement", Flag},
    {"T38FaxMaxBuffer", Number},
    {"T38FaxMaxDatagram", Number},
    {"T38FaxMaxIFP", Number},
    {"T38FaxUdpEC", Flag},
    {"T38FaxUdpECDepth", Tokens},
    {"T38FaxUdpFECMaxSpan", Number},
    {"T38ModemType", Flag},
});

// Rows by the size of their names: most attributes of an m-line share theirs with one or two rows.
constexpr std::size_t kNameBytesMax = 24;
struct RowsBySize {
  std::array<std::uint8_t, kNameBytesMax + 2> first{};  // of each size, and where the last ends
  std::array<std::uint8_t, kRows.size()> rows{};
};
constexpr RowsBySize kRowsBySize = [] {
  RowsBySize by_size;
  std::uint8_t count = 0;
  for (std::size_t size = 0; size <= kNameBytesMax; ++size) {
    by_size.first[size] = count;
    for (std::size_t i = 0; i < kRows.size(); ++i)
      if (kRows[i].name.size() == size) by_size.rows[count++] = static_cast<std::uint8_t>(i);
  }
  by_size.first[kNameBytesMax + 1] = count;
  return by_size;
}();
static_assert(kRowsBySize.first.back() == kRows.size());  // no name is longer

bool is_of_class(std::string_view text, std::string_view also) noexcept {
  return !holds_address(text) && std::ranges::all_of(text, [also](char c) {
    return has_class(c, kToken) || also.find(c) != std::string_view::npos;
  });
}

// "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on". Those of source descriptions (mid, rid) belong to
// BUNDLE; URIs of others name makers.
bool is_known_extension(std::string_view value) noexcept {
  constexpr std::string_view kRegistered = "urn:ietf:params:rtp-hdrext:";
  std::uint64_t number = 0;
  const std::string_view id = take_word(value);
  if (!read_number(id.substr(0, id.find('/')), 4096, number) || !is_of_class(id, "/")) return false;
  std::string_view uri = take_word(value);
  if (!uri.starts_with(kRegistered)) return false;
  uri.remove_prefix(kRegistered.size());
  return !uri.starts_with("sdes:") && uri != "encrypt" && is_of_class(uri, ":") && is_of_class(value, " =");
}

}  // namespace

AttributeForm form_of_attribute(std::string_view name) noexcept {
  if (name.size() > kNameBytesMax) return Never;
  for (std::size_t i = kRowsBySize.first[name.size()]; i < kRowsBySize.first[name.size() + 1]; ++i)
    if (const Row& row = kRows[kRowsBySize.rows[i]]; same_word(row.name, name)) return row.form;
  return Never;
}

bool may_cross(AttributeForm form, std::string_view value) noexcept {
  switch (form) {
    case Never:
      return false;
    case FormatMap:
      return true;
    case FormatText:
    case FeedbackText:
      return !value.empty() && !holds_address(value);
    case Number:
      return !value.empty() && std::ranges::count(value, '.') <= 1 &&
             value.find_first_not_of("0123456789. ") == std::string_view::npos;
    case Tokens:
      return !value.empty() && is_of_class(value, " ");
    case Flag:
      return is_of_class(value, ":");
    case Extension:
      return is_known_extension(value);
  }
  return false;
}

bool holds_address(std::string_view text) noexcept {
  std::size_t points = 0, colons = 0, digits = 0;
  for (const char c : text) {
    if (has_class(c, kDigit)) {
      ++digits;
    } else if (c == '.' && digits > 0 && digits <= 3) {
      if (++points == 3) return true;
      digits = 0;
      continue;
    } else {
      points = digits = 0;
    }
    if (c == ':') {
      if (++colons == 2) return true;
    } else if (!has_class(c, kHex)) {
      colons = 0;
    }
  }
  return false;
}

}  // namespace sallyport::sip
