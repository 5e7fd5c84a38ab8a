// dns_message.h — what an answer of a name server says about one question: RFC 1035 §4, RFC 2181 §8,
// RFC 2308, RFC 2782, RFC 3403 §4.1, RFC 3596.
//
// The octets are a stranger's. Pointers of compressed names only lead backwards and are counted, counts that
// lie end the reading, and what is kept is bounded; the work is linear in the number of records, of which
// there may be kRecordsMax. Only names of letters, digits, hyphens and underscores are taken.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "sipalg/location/dns_query.h"

namespace sallyport::sip {

inline constexpr std::size_t kDnsNameMax = 253;     // octets of a name as text, without a final dot
inline constexpr std::size_t kDnsRecordsMax = 512;  // of one message that are looked at; more is refused
inline constexpr std::size_t kDnsKeptMax = 64;      // of the type that was asked for; more is left out
inline constexpr unsigned kDnsAliasesMax = 8;       // CNAMEs in a row
inline constexpr Duration kDnsTtlMax = std::chrono::hours(24);
inline constexpr Duration kNegativeTtl = std::chrono::seconds(30);  // when no SOA says more. RFC 2308 §5
inline constexpr Duration kNegativeTtlMax =
    std::chrono::minutes(15);  // a name that is put right is soon seen

struct SrvRecord {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;  // small letters; empty: "decidedly not available here". RFC 2782
  friend auto operator<=>(const SrvRecord&, const SrvRecord&) = default;
};

// The regular expression of a record is not kept: it is a stranger's text (threats R14).
struct NaptrRecord {
  std::uint16_t order = 0, preference = 0;
  std::string flags, service;  // small letters
  std::string replacement;     // small letters; empty: the root, so the record has an expression instead
  friend auto operator<=>(const NaptrRecord&, const NaptrRecord&) = default;
};

enum class DnsOutcome : std::uint8_t {
  Records,    // there are some
  NoRecords,  // the name is there, or an alias leads nowhere; no record of this type. RFC 2308 §2.2
  NoName,     // NXDOMAIN
  Failed,     // the server could not or would not say: SERVFAIL, REFUSED, truncated, aliases in a circle
  Malformed,  // not an answer to this question
};

struct DnsAnswer {
  DnsOutcome outcome = DnsOutcome::Malformed;
  Duration ttl{};  // of the shortest-lived record or alias; of an absence, what its SOA allows
  // In an order that is the same however the server turned its list round. One of these, by the type.
  std::vector<IpAddress> addresses;
  std::vector<SrvRecord> services;
  std::vector<NaptrRecord> pointers;
};

// `name` as it was asked, without a final dot.
[[nodiscard]] DnsAnswer parse_dns_answer(std::span<const std::uint8_t> message, DnsType type,
                                         std::string_view name);

// Small letters of a name that can be asked for; empty when it can't be: too long, an empty label, one of
// more than 63 octets, or an octet that host and service names don't have.
[[nodiscard]] std::string normal_dns_name(std::string_view name);

}  // namespace sallyport::sip
