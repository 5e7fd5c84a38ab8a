// locator.cpp — from a domain to addresses, answer by answer: RFC 3263 §4.1, §4.2.
#include "sipalg/location/locator.h"

#include <algorithm>
#include <utility>

namespace sallyport::sip {
namespace {

struct ServiceNames {
  std::string_view naptr_service, srv_prefix;
  std::uint16_t default_port;
};

ServiceNames names_of(Transport transport) noexcept {
  switch (transport) {
    case Transport::Tcp:
      return {"sip+d2t", "_sip._tcp.", 5060};
    case Transport::Tls:
      return {"sips+d2t", "_sips._tcp.", 5061};
    default:
      return {"sip+d2u", "_sip._udp.", 5060};
  }
}

bool comes_before(const LocatedTarget& a, const LocatedTarget& b) noexcept {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.weight != b.weight) return a.weight > b.weight;
  if (a.address.address.is_v4() != b.address.address.is_v4()) return b.address.address.is_v4();
  return a.address < b.address;
}

LocationState state_of_nothing(bool has_failed, bool has_refused, bool is_not_offered) noexcept {
  if (has_refused) return LocationState::Refused;
  if (has_failed) return LocationState::NoAnswer;
  return is_not_offered ? LocationState::NotOffered : LocationState::NoRecords;
}

}  // namespace

std::string_view to_string(LocationState state) noexcept {
  switch (state) {
    case LocationState::Found:
      return "found";
    case LocationState::NoRecords:
      return "no such name or no such records";
    case LocationState::NotOffered:
      return "its SRV record says that the service is not offered";
    case LocationState::Refused:
      return "it has only addresses that are our own or no host's";
    case LocationState::NoAnswer:
      return "no name server could say";
    default:
      return "not asked yet";
  }
}

Locator::Locator(const NameCacheSettings& settings, const MediaTargets& allowed)
    : allowed_(allowed), cache_(settings) {}

std::uint32_t Locator::add(LocateQuestion question) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  Place& place = places_[number];
  place.question = std::move(question);
  place.is_free = false;
  mark(number);
  return number;
}

void Locator::remove(std::uint32_t number) {
  Place& place = places_[number];
  hold(number, {});
  place.question = {};
  place.location = {};
  place.is_free = true;  // it may still be listed in due_, once
  free_.push_back(number);
}

void Locator::mark(std::uint32_t number) {
  if (!std::exchange(places_[number].is_due, true)) due_.push_back(number);
}

void Locator::mark_dependents(NameSlot slot) {
  if (slot < dependents_.size())
    for (const std::uint32_t number : dependents_[slot]) mark(number);
}

std::optional<Timestamp> Locator::next_deadline() const noexcept {
  if (!due_.empty()) return Timestamp{};  // at once
  return cache_.next_deadline();
}

std::optional<std::uint32_t> Locator::next_change(Timestamp now) {
  for (NameSlot slot = cache_.take_changed(); slot != kNoNameSlot; slot = cache_.take_changed())
    mark_dependents(slot);
  while (!due_.empty() && work_left_ != 0) {
    --work_left_;
    const std::uint32_t number = due_.front();
    due_.pop_front();
    places_[number].is_due = false;
    if (!places_[number].is_free && work_out(now, number)) return number;
  }
  work_left_ = kWorkMax;
  return std::nullopt;
}

// True: it is another than before.
bool Locator::work_out(Timestamp now, std::uint32_t number) {
  Walk one{.now = now, .question = places_[number].question, .held = {}, .targets = {}};
  walk(one);
  hold(number, std::move(one.held));
  // The names of a new set of hosts are still being asked for: until then the old ones serve.
  if (one.targets.empty() && one.is_pending) return false;
  Location found;
  std::ranges::sort(one.targets, comes_before);
  found.state = one.targets.empty() ? state_of_nothing(one.has_failed, one.has_refused, one.is_not_offered)
                                    : LocationState::Found;
  found.targets = std::move(one.targets);
  Location& location = places_[number].location;
  if (found == location) return false;
  location = std::move(found);
  return true;
}

void Locator::walk(Walk& walk) {
  const LocateQuestion& question = walk.question;
  if (question.port != 0)  // RFC 3263 §4.2
    return walk_host(walk, question.domain, {.address = {{}, question.port}});
  const ServiceNames names = names_of(question.transport);
  const std::string pointed = service_by_pointer(walk);
  if (walk.is_pending) return;
  const std::string usual = std::string(names.srv_prefix) + question.domain;
  if (!pointed.empty() && pointed != usual && walk_services(walk, pointed) == Step::Done) return;
  if (walk_services(walk, usual) == Step::Done) return;
  walk_host(walk, question.domain, {.address = {{}, names.default_port}});
}

// The name of the SRV records for our transport, if NAPTR gives one. Without an answer we go on as if there
// were no such records: not every resolver knows the type. RFC 3263 §4.1; RFC 3403 §4.1
std::string Locator::service_by_pointer(Walk& walk) {
  const NameCache::Entry* const entry = look(walk, DnsType::Naptr, walk.question.domain);
  if (entry == nullptr || entry->knowledge != NameCache::Knowledge::Records) return {};
  const NaptrRecord* best = nullptr;
  for (const NaptrRecord& record : entry->answer.pointers) {
    if (record.flags != "s" || record.replacement.empty() ||
        record.service != names_of(walk.question.transport).naptr_service)
      continue;
    if (best == nullptr ||
        std::pair(record.order, record.preference) < std::pair(best->order, best->preference))
      best = &record;
  }
  return best == nullptr ? std::string() : best->replacement;
}

// Done: there is no further step to take.
Locator::Step Locator::walk_services(Walk& walk, std::string_view name) {
  const NameCache::Entry* const entry = look(walk, DnsType::Srv, name);
  if (entry == nullptr) {
    walk.has_failed = true;
    return Step::Done;
  }
  if (entry->knowledge == NameCache::Knowledge::None) return Step::NoRecords;
  if (entry->knowledge != NameCache::Knowledge::Records) {
    walk.has_failed = entry->knowledge == NameCache::Knowledge::Nothing;
    return Step::Done;
  }
  // A copy: the entries may move while the hosts are looked up.
  std::vector<SrvRecord> services = entry->answer.services;  // sorted by priority
  if (services.size() > kHostsMax) services.resize(kHostsMax);
  for (const SrvRecord& service : services) {
    if (service.target.empty()) {
      walk.is_not_offered = true;
    } else if (service.port == 0) {
      walk.has_refused = true;
    } else {
      walk_host(walk, service.target, {{{}, service.port}, service.priority, service.weight});
    }
  }
  return Step::Done;
}

// All its addresses, each with the port, priority and weight of `like`.
void Locator::walk_host(Walk& walk, std::string_view host, const LocatedTarget& like) {
  const auto take = [&](DnsType type) {
    const NameCache::Entry* const entry = look(walk, type, host);
    if (entry == nullptr || entry->knowledge == NameCache::Knowledge::Nothing) walk.has_failed = true;
    if (entry == nullptr || entry->knowledge != NameCache::Knowledge::Records) return;
    for (const IpAddress& address : entry->answer.addresses) {
      LocatedTarget target = like;
      target.address.address = address;
      if (!allowed_.is_host(address)) {
        walk.has_refused = true;
      } else if (walk.targets.size() < kAddressesMax &&
                 std::ranges::find(walk.targets, target.address, &LocatedTarget::address) ==
                     walk.targets.end()) {
        walk.targets.push_back(target);
      }
    }
  };
  if (walk.question.wants_v4) take(DnsType::A);
  if (walk.question.wants_v6) take(DnsType::Aaaa);
}

// Null: it can't be asked. Good until the next look.
const NameCache::Entry* Locator::look(Walk& walk, DnsType type, std::string_view name) {
  const NameSlot slot = cache_.hold(walk.now, type, name);
  if (slot == kNoNameSlot) return nullptr;
  if (std::ranges::find(walk.held, slot) == walk.held.end()) {
    walk.held.push_back(slot);
  } else {
    cache_.release(slot);  // held already
  }
  const NameCache::Entry& entry = cache_.entry(slot);
  walk.is_pending = walk.is_pending || entry.knowledge == NameCache::Knowledge::Unknown;
  return &entry;
}

// What it rested on before is let go only now, so that what it still needs stays.
void Locator::hold(std::uint32_t number, std::vector<NameSlot>&& held) {
  std::vector<NameSlot>& old = places_[number].held;
  for (const NameSlot slot : held) {
    if (std::ranges::find(old, slot) != old.end()) continue;
    if (slot >= dependents_.size()) dependents_.resize(slot + 1);
    dependents_[slot].push_back(number);
  }
  for (const NameSlot slot : old) {
    cache_.release(slot);
    if (std::ranges::find(held, slot) == held.end()) std::erase(dependents_[slot], number);
  }
  old = std::move(held);
}

LocationAge Locator::age(std::uint32_t number, Timestamp now) const noexcept {
  LocationAge age;
  for (const NameSlot slot : places_[number].held) {
    const NameCache::Entry& entry = cache_.entry(slot);
    const bool has_answer =
        entry.knowledge == NameCache::Knowledge::Records || entry.knowledge == NameCache::Knowledge::None;
    if (!has_answer) continue;
    const Duration left = std::max<Duration>(entry.expires - now, Duration::zero());
    if (!age.left || left < *age.left) age.left = left;
    age.is_stale = age.is_stale || (entry.is_failing && entry.expires <= now);
  }
  return age;
}

}  // namespace sallyport::sip
