// header_name.cpp — a table of names and a look-up that ends in a whole comparison (RFC 3261 §7.3.1, §7.3.3).
#include "sipalg/message/header_name.h"

#include <smmintrin.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "policy/base/check.h"

namespace sallyport::sip {
namespace {

constexpr std::array<std::string_view, kHeaderNameCount> kNames{"",
                                                                "Accept",
                                                                "Accept-Encoding",
                                                                "Accept-Language",
                                                                "Allow",
                                                                "Allow-Events",
                                                                "Authorization",
                                                                "Call-ID",
                                                                "Call-Info",
                                                                "Contact",
                                                                "Content-Disposition",
                                                                "Content-Encoding",
                                                                "Content-Language",
                                                                "Content-Length",
                                                                "Content-Type",
                                                                "CSeq",
                                                                "Date",
                                                                "Diversion",
                                                                "Error-Info",
                                                                "Event",
                                                                "Expires",
                                                                "From",
                                                                "History-Info",
                                                                "Identity",
                                                                "In-Reply-To",
                                                                "Join",
                                                                "Max-Breadth",
                                                                "Max-Forwards",
                                                                "MIME-Version",
                                                                "Min-Expires",
                                                                "Min-SE",
                                                                "Organization",
                                                                "P-Asserted-Identity",
                                                                "Path",
                                                                "P-Preferred-Identity",
                                                                "Priority",
                                                                "Privacy",
                                                                "Proxy-Authenticate",
                                                                "Proxy-Authorization",
                                                                "Proxy-Require",
                                                                "RAck",
                                                                "Reason",
                                                                "Record-Route",
                                                                "Referred-By",
                                                                "Refer-To",
                                                                "Remote-Party-ID",
                                                                "Replaces",
                                                                "Reply-To",
                                                                "Require",
                                                                "Retry-After",
                                                                "Route",
                                                                "RSeq",
                                                                "Server",
                                                                "Service-Route",
                                                                "Session-Expires",
                                                                "SIP-ETag",
                                                                "SIP-If-Match",
                                                                "Subject",
                                                                "Subscription-State",
                                                                "Supported",
                                                                "Timestamp",
                                                                "To",
                                                                "Unsupported",
                                                                "User-Agent",
                                                                "Via",
                                                                "Warning",
                                                                "WWW-Authenticate"};

// Compact forms: RFC 3261 §20, RFC 3515, RFC 3892, RFC 4028, RFC 6665, RFC 8224.
constexpr HeaderName compact_form(char letter) noexcept {
  switch (letter | 0x20) {
    case 'b':
      return HeaderName::ReferredBy;
    case 'c':
      return HeaderName::ContentType;
    case 'e':
      return HeaderName::ContentEncoding;
    case 'f':
      return HeaderName::From;
    case 'i':
      return HeaderName::CallId;
    case 'k':
      return HeaderName::Supported;
    case 'l':
      return HeaderName::ContentLength;
    case 'm':
      return HeaderName::Contact;
    case 'o':
      return HeaderName::Event;
    case 'r':
      return HeaderName::ReferTo;
    case 's':
      return HeaderName::Subject;
    case 't':
      return HeaderName::To;
    case 'u':
      return HeaderName::AllowEvents;
    case 'v':
      return HeaderName::Via;
    case 'x':
      return HeaderName::SessionExpires;
    case 'y':
      return HeaderName::Identity;
    default:
      return HeaderName::Other;
  }
}

// Setting bit 5 folds case; among token characters no other one turns into a letter or '-' by it.
constexpr char kCaseBit = 0x20;
constexpr std::size_t kWidth = 32;  // no known name is longer

// The known names so folded, filled up with zeros, to be compared sixteen octets at a time.
struct alignas(16) PaddedName {
  char octets[kWidth]{};
};
consteval std::array<PaddedName, kHeaderNameCount> make_padded_names() {
  std::array<PaddedName, kHeaderNameCount> padded{};
  for (std::size_t i = 0; i < kHeaderNameCount; ++i) {
    SALLYPORT_CHECK(kNames[i].size() <= kWidth);
    for (std::size_t j = 0; j < kNames[i].size(); ++j)
      padded[i].octets[j] = static_cast<char>(kNames[i][j] | kCaseBit);
  }
  return padded;
}
constexpr std::array<PaddedName, kHeaderNameCount> kPaddedNames = make_padded_names();

// kMask + 16 - n begins with n octets of ones, for n up to 16.
constexpr std::array<std::uint8_t, 32> kMask = [] {
  std::array<std::uint8_t, 32> mask{};
  for (std::size_t i = 0; i < 16; ++i) mask[i] = 0xff;
  return mask;
}();

// Names of up to sixteen octets are found by all of them at once: a slot for each name, chosen when this is
// compiled so that no two share one, and then one comparison of the whole.
constexpr std::size_t kShort = 16;
constexpr unsigned kSlotBits = 9;
constexpr std::size_t slot_of(std::uint64_t low, std::uint64_t high, std::uint64_t multiplier) noexcept {
  return ((low ^ std::rotl(high, 23)) * multiplier) >> (64 - kSlotBits);
}

struct SlotTable {
  std::uint64_t multiplier = 0;
  std::array<HeaderName, std::size_t{1} << kSlotBits> names{};
};

consteval std::uint64_t octets_at(const PaddedName& name, std::size_t offset) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(name.octets[offset + i])} << (8 * i);
  return value;
}

consteval bool fill_slots(SlotTable& table) noexcept {
  table.names.fill(HeaderName::Other);
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    if (kNames[i].size() > kShort) continue;
    const PaddedName& name = kPaddedNames[i];
    HeaderName& slot = table.names[slot_of(octets_at(name, 0), octets_at(name, 8), table.multiplier)];
    if (slot != HeaderName::Other) return false;
    slot = static_cast<HeaderName>(i);
  }
  return true;
}

consteval SlotTable make_slots() {
  SlotTable table;
  table.multiplier = 0x9e3779b97f4a7c15u;
  while (!fill_slots(table))
    table.multiplier = table.multiplier * 6364136223846793005u + 1442695040888963407u;
  return table;
}
constexpr SlotTable kSlots = make_slots();

__m128i load(const void* at) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }

// The first `size` octets, at most sixteen, folded; zeros behind them.
__m128i folded(const char* name, std::size_t size) noexcept {
  return _mm_and_si128(_mm_or_si128(load(name), _mm_set1_epi8(kCaseBit)), load(kMask.data() + 16 - size));
}

bool same(__m128i octets, const char* padded) noexcept {
  return _mm_movemask_epi8(_mm_cmpeq_epi8(octets, load(padded))) == 0xffff;
}

HeaderName short_name_of(const char* name, std::size_t size) noexcept {
  const __m128i octets = folded(name, size);
  const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(octets));
  const auto high = static_cast<std::uint64_t>(_mm_extract_epi64(octets, 1));
  const HeaderName candidate = kSlots.names[slot_of(low, high, kSlots.multiplier)];
  // An empty slot holds Other, whose padded name is all zeros and like no name.
  return same(octets, kPaddedNames[static_cast<std::size_t>(candidate)].octets) ? candidate
                                                                                : HeaderName::Other;
}

// The few that are longer, one after the other.
HeaderName long_name_of(const char* name, std::size_t size) noexcept {
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    if (kNames[i].size() != size) continue;
    const char* padded = kPaddedNames[i].octets;
    if (same(folded(name, 16), padded) && same(folded(name + 16, size - 16), padded + 16))
      return static_cast<HeaderName>(i);
  }
  return HeaderName::Other;
}

}  // namespace

HeaderName header_name_of(std::string_view name, const char* readable_end) noexcept {
  if (name.size() < 2) return name.empty() ? HeaderName::Other : compact_form(name[0]);
  if (name.size() > kWidth) return HeaderName::Other;
  const auto readable = static_cast<std::size_t>(readable_end - name.data());
  if (name.size() <= kShort && readable >= kShort) return short_name_of(name.data(), name.size());
  char copy[kWidth]{};
  std::memcpy(copy, name.data(), name.size());
  return name.size() <= kShort ? short_name_of(copy, name.size()) : long_name_of(copy, name.size());
}

std::string_view to_string(HeaderName name) noexcept { return kNames[static_cast<std::size_t>(name)]; }

}  // namespace sallyport::sip
