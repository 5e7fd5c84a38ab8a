// header_name.cpp — a table of names and a look-up that ends in a whole comparison (RFC 3261 §7.3.1, §7.3.3).
#include "sipalg/message/header_name.h"

#include <emmintrin.h>

#include <array>
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

// Where to look first; what is found there is compared as a whole.
constexpr std::size_t kBuckets = 1024;
constexpr std::size_t bucket_of(std::string_view name) noexcept {
  const unsigned first = static_cast<unsigned char>(name[0]) | 0x20u;
  const unsigned middle = static_cast<unsigned char>(name[name.size() / 2]) | 0x20u;
  const unsigned last = static_cast<unsigned char>(name[name.size() - 1]) | 0x20u;
  return (first * 37 + middle * 151 + last * 5 + static_cast<unsigned>(name.size()) * 77) % kBuckets;
}

struct Bucket {
  HeaderName candidates[2]{HeaderName::Other, HeaderName::Other};
};

consteval std::array<Bucket, kBuckets> make_buckets() {
  std::array<Bucket, kBuckets> buckets{};
  for (std::size_t i = 1; i < kHeaderNameCount; ++i) {
    Bucket& bucket = buckets[bucket_of(kNames[i])];
    const std::size_t slot = bucket.candidates[0] == HeaderName::Other ? 0 : 1;
    SALLYPORT_CHECK(bucket.candidates[slot] == HeaderName::Other);  // three in one bucket: does not compile
    bucket.candidates[slot] = static_cast<HeaderName>(i);
  }
  return buckets;
}
constexpr std::array<Bucket, kBuckets> kTable = make_buckets();

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

bool same_half(const char* name, std::size_t size, const char* padded) noexcept {
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const __m128i folded = _mm_or_si128(load(name), _mm_set1_epi8(kCaseBit));
  const __m128i cut = _mm_and_si128(folded, load(kMask.data() + 16 - size));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(cut, load(padded))) == 0xffff;
}

// `name` may be read up to sixteen octets beyond its end.
bool same_name(std::string_view name, HeaderName candidate) noexcept {
  const char* padded = kPaddedNames[static_cast<std::size_t>(candidate)].octets;
  if (name.size() > kWidth) return false;
  if (name.size() <= 16) return same_half(name.data(), name.size(), padded) && padded[16] == 0;
  return same_half(name.data(), 16, padded) && same_half(name.data() + 16, name.size() - 16, padded + 16);
}

}  // namespace

HeaderName header_name_of(std::string_view name, const char* readable_end) noexcept {
  if (name.size() < 2) return name.empty() ? HeaderName::Other : compact_form(name[0]);
  if (name.size() > kWidth) return HeaderName::Other;
  char copy[kWidth + 16];
  if (readable_end - name.data() < static_cast<std::ptrdiff_t>(sizeof copy)) {
    std::memset(copy, 0, sizeof copy);
    std::memcpy(copy, name.data(), name.size());
    name = {copy, name.size()};
  }
  for (const HeaderName candidate : kTable[bucket_of(name)].candidates) {
    if (candidate == HeaderName::Other) break;
    if (same_name(name, candidate)) return candidate;
  }
  return HeaderName::Other;
}

std::string_view to_string(HeaderName name) noexcept { return kNames[static_cast<std::size_t>(name)]; }

}  // namespace sallyport::sip
