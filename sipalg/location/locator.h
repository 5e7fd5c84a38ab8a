// locator.h — where a SIP server of a domain is: the client's side of RFC 3263 §4, with RFC 2782, RFC 3403,
// RFC 3958 §6.5 (no expressions) and RFC 7984 §4 (both address families).
//
// The transport is the configured one; NAPTR only chooses the name of the SRV records for it, and no
// replacement in another transport is taken.
//   with a port       A and AAAA of the domain
//   without           NAPTR of the domain (SIP+D2U, SIP+D2T, SIPS+D2T) names SRV records, else _sip._udp,
//                     _sip._tcp or _sips._tcp does; their hosts' A and AAAA
//   no SRV records    A and AAAA of the domain, default port
// A location keeps what was found while servers don't answer, as long as NameCache lets it, and is worked out
// anew when an answer changes. Everything is bounded, whatever the answers say: kHostsMax hosts,
// kAddressesMax addresses, no step leads back to an earlier one.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model/sbc_config.h"
#include "policy/model/transport.h"
#include "sipalg/location/name_cache.h"
#include "sipalg/media/media_targets.h"

namespace sallyport::sip {

struct LocateQuestion {
  std::string domain;
  std::uint16_t port = 0;  // 0: by NAPTR and SRV
  Transport transport = Transport::Udp;
  bool wants_v4 = true, wants_v6 = true;  // families that we can send from
  friend auto operator<=>(const LocateQuestion&, const LocateQuestion&) = default;
};

struct LocatedTarget {
  Endpoint address;
  std::uint16_t priority = 0, weight = 0;  // of the SRV record. RFC 2782
  friend auto operator<=>(const LocatedTarget&, const LocatedTarget&) = default;
};

enum class LocationState : std::uint8_t {
  Unknown,     // no answer yet
  Found,       // there are targets
  NoRecords,   // the servers say that there are none
  NotOffered,  // an SRV record says so. RFC 2782, target "."
  Refused,     // only addresses that are our own or no host's (threats R14)
  NoAnswer,    // no server could say, and nothing that was said before still serves
};
[[nodiscard]] std::string_view to_string(LocationState state) noexcept;  // as people read it

struct Location {
  LocationState state = LocationState::Unknown;
  std::vector<LocatedTarget> targets;  // the lower priority first; then the higher weight, IPv6, IPv4
  friend bool operator==(const Location&, const Location&) = default;
};

// How fresh it is what a location rests on.
struct LocationAge {
  std::optional<Duration> left;  // until the first of its answers ends; nothing before the first answer
  bool is_stale = false;         // an answer has ended and no server answers
};

class Locator {
 public:
  static constexpr std::size_t kHostsMax = 16, kAddressesMax = 32;
  static constexpr std::uint32_t kWorkMax = 64;  // locations worked out in one call

  // `allowed` must outlive it.
  Locator(const NameCacheSettings& settings, const MediaTargets& allowed);

  // The number of a new location: 0, 1, 2, ...; that of one that was removed is used anew.
  std::uint32_t add(LocateQuestion question);
  // Forgets it, and every name that no other location rests on.
  void remove(std::uint32_t number);
  void set_names_max(std::uint32_t most) { cache_.set_names_max(most); }
  [[nodiscard]] const LocateQuestion& question(std::uint32_t number) const noexcept {
    return places_[number].question;
  }
  [[nodiscard]] const Location& location(std::uint32_t number) const noexcept {
    return places_[number].location;
  }
  [[nodiscard]] LocationAge age(std::uint32_t number, Timestamp now) const noexcept;

  void on_reply(Timestamp now, const DnsReply& reply) { cache_.on_reply(now, reply); }
  void on_deadline(Timestamp now) { cache_.on_deadline(now); }
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  // After each of the above, until it says nothing: a location that is another than before.
  [[nodiscard]] std::optional<std::uint32_t> next_change(Timestamp now);
  // After that: what is to be asked.
  [[nodiscard]] bool next_query(Timestamp now, DnsQuery& query) { return cache_.next_query(now, query); }
  [[nodiscard]] const NameCache::Figures& figures() const noexcept { return cache_.figures(); }

 private:
  struct Place {
    LocateQuestion question;
    Location location;
    std::vector<NameSlot> held;  // questions that it rests on
    bool is_due = false;         // listed in due_
    bool is_free = false;        // nobody's
  };
  // One working out of a location.
  struct Walk {
    Timestamp now;
    const LocateQuestion& question;
    std::vector<NameSlot> held;
    std::vector<LocatedTarget> targets;
    bool is_pending = false, has_failed = false, has_refused = false, is_not_offered = false;
  };
  enum class Step : std::uint8_t { Done, NoRecords };

  bool work_out(Timestamp now, std::uint32_t number);
  void walk(Walk& walk);
  [[nodiscard]] const NameCache::Entry* look(Walk& walk, DnsType type, std::string_view name);
  [[nodiscard]] std::string service_by_pointer(Walk& walk);
  Step walk_services(Walk& walk, std::string_view name);
  void walk_host(Walk& walk, std::string_view host, const LocatedTarget& like);
  void hold(std::uint32_t number, std::vector<NameSlot>&& held);
  void mark_dependents(NameSlot slot);
  void mark(std::uint32_t number);

  const MediaTargets& allowed_;
  NameCache cache_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;                     // places that may be used anew
  std::vector<std::vector<std::uint32_t>> dependents_;  // by slot: places
  std::deque<std::uint32_t> due_;
  std::uint32_t work_left_ = kWorkMax;
};

}  // namespace sallyport::sip
