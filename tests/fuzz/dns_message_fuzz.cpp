// dns_message_fuzz.cpp — answers of name servers: the parser reads nothing beyond the octets and keeps no
// more than it says; the locator, fed with the same octets for every query, comes to rest within its bounds.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "policy/base/check.h"
#include "sipalg/location/dns_message.h"
#include "sipalg/location/locator.h"

namespace {

using namespace sallyport;
using namespace sallyport::sip;

constexpr DnsType kTypes[] = {DnsType::A, DnsType::Aaaa, DnsType::Srv, DnsType::Naptr};

void check(const DnsAnswer& answer) {
  SALLYPORT_CHECK(answer.ttl >= Duration::zero() && answer.ttl <= kDnsTtlMax);
  const std::size_t kept = answer.addresses.size() + answer.services.size() + answer.pointers.size();
  SALLYPORT_CHECK(kept <= kDnsKeptMax);
  SALLYPORT_CHECK((answer.outcome == DnsOutcome::Records) == (kept != 0));
  for (const SrvRecord& service : answer.services)
    SALLYPORT_CHECK(service.target.empty() || normal_dns_name(service.target) == service.target);
  for (const NaptrRecord& pointer : answer.pointers)
    SALLYPORT_CHECK(pointer.replacement.empty() ||
                    normal_dns_name(pointer.replacement) == pointer.replacement);
}

// The question of each query is put before the fuzzer's octets, so that they are looked at.
std::vector<std::uint8_t> as_answer(const DnsQuery& query, const std::uint8_t* bytes, std::size_t size) {
  std::vector<std::uint8_t> message{0, 1, 0x81, 0x80, 0, 1, 0, 4, 0, 1, 0, 0};
  std::size_t length_at = message.size();
  message.push_back(0);
  for (const char c : query.name) {
    if (c == '.') {
      length_at = message.size();
      message.push_back(0);
    } else {
      message.push_back(static_cast<std::uint8_t>(c));
      ++message[length_at];
    }
  }
  for (const unsigned octet : {0u, 0u, static_cast<unsigned>(query.type), 0u, 1u})
    message.push_back(static_cast<std::uint8_t>(octet));
  message.insert(message.end(), bytes, bytes + size);
  return message;
}

void locate(const std::uint8_t* bytes, std::size_t size) {
  const SbcConfig config;
  const MediaTargets allowed(config);
  Locator locator({.key = {1, 2}, .names_max = 64}, allowed);
  (void)locator.add({"sip.test"});
  Timestamp now{std::chrono::hours(1)};
  std::size_t asked = 0;
  for (unsigned turn = 0; turn < 64; ++turn) {
    while (locator.next_change(now)) {
    }
    DnsQuery query;
    bool has_asked = false;
    while (locator.next_query(now, query)) {
      has_asked = true;
      ++asked;
      const std::vector<std::uint8_t> message = as_answer(query, bytes, size);
      locator.on_reply(now, {query.id, true, message});
    }
    if (!has_asked && locator.next_deadline() != Timestamp{}) break;
  }
  SALLYPORT_CHECK(asked <= 3 + 2 * Locator::kHostsMax + 1);
  const Location& location = locator.location(0);
  SALLYPORT_CHECK(location.targets.size() <= Locator::kAddressesMax);
  SALLYPORT_CHECK(location.state != LocationState::Unknown);
  for (const LocatedTarget& target : location.targets)
    SALLYPORT_CHECK(allowed.is_host(target.address.address) && target.address.port != 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size > (1u << 14)) return 0;
  const std::vector<std::uint8_t> message(bytes, bytes + size);  // of exactly this size
  for (const DnsType type : kTypes) {
    check(parse_dns_answer(message, type, "sip.test"));
    const std::vector<std::uint8_t> answer = as_answer({1, type, "sip.test"}, bytes, size);
    check(parse_dns_answer(answer, type, "sip.test"));
  }
  locate(bytes, size);
  return 0;
}
