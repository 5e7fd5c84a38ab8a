// peer_names.cpp — from locations to lists of targets, in the order of the configuration: RFC 3263 §4.
#include "sipalg/location/peer_names.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kQuestionsOfName =
    3 + 2 * Locator::kHostsMax;  // NAPTR, two SRV; A, AAAA of each host
constexpr std::uint32_t kQuestionsMax = 1u << 17;

bool is_name(const PeerTarget& target) noexcept { return !target.address && !target.domain.empty(); }

NameCacheSettings cache_settings(const SbcConfig& config, const HashKey& key) {
  std::uint64_t names = 0;
  for (const PeerConfig& peer : config.peers)
    names += static_cast<std::uint64_t>(std::ranges::count_if(peer.targets, is_name));
  return {.key = key,
          .names_max =
              static_cast<std::uint32_t>(std::min<std::uint64_t>(names * kQuestionsOfName, kQuestionsMax)),
          .serve_stale = config.dns.serve_stale,
          .timeout = config.dns.timeout};
}

// The families of the listeners that we could send from.
LocateQuestion question_of(const SbcConfig& config, const PeerConfig& peer, const PeerTarget& target) {
  LocateQuestion question{target.domain, target.domain_port, peer.transport, false, false};
  const auto realm = std::ranges::find(config.realms, peer.realm, &RealmConfig::name);
  if (realm == config.realms.end()) return question;
  const bool has_transport = std::ranges::any_of(
      realm->listen, [&](const ListenerConfig& listener) { return listener.transport == peer.transport; });
  for (const ListenerConfig& listener : realm->listen) {
    if (has_transport && listener.transport != peer.transport) continue;
    for (const IpAddress& address : listener.addresses)
      (address.is_v4() ? question.wants_v4 : question.wants_v6) = true;
  }
  return question;
}

std::string shown_name(const PeerTarget& target) {
  return target.domain_port == 0 ? target.domain : target.domain + ":" + std::to_string(target.domain_port);
}

}  // namespace

PeerNames::PeerNames(const SbcConfig& config, policy::TargetBoard& board, const HashKey& key)
    : config_(config), board_(board), allowed_(config), locator_(cache_settings(config, key), allowed_) {
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const PeerConfig& peer = config.peers[i];
    first_of_peer_.push_back(static_cast<std::uint32_t>(names_.size()));
    for (std::size_t j = 0; j < peer.targets.size(); ++j) {
      if (!is_name(peer.targets[j])) continue;
      (void)locator_.add(question_of(config, peer, peer.targets[j]));
      names_.push_back({PeerIndex(i), static_cast<std::uint16_t>(j)});
    }
  }
}

void PeerNames::on_reply(Timestamp now, const DnsReply& reply, EngineOutput& out) {
  locator_.on_reply(now, reply);
  settle(now, out);
}

void PeerNames::on_deadline(Timestamp now, EngineOutput& out) {
  locator_.on_deadline(now);
  settle(now, out);
}

void PeerNames::settle(Timestamp now, EngineOutput& out) {
  while (const auto changed = locator_.next_change(now)) {
    publish(names_[*changed].peer);
    tell(now, *changed, out);
  }
  DnsQuery query;
  while (locator_.next_query(now, query)) out.dns().push_back(query);
}

void PeerNames::publish(PeerIndex index) {
  const PeerConfig& peer = config_.peers[to_position(index)];
  policy::BoardTargets targets;
  std::uint32_t number = first_of_peer_[to_position(index)];
  for (std::size_t i = 0; i < peer.targets.size(); ++i) {
    if (!is_name(peer.targets[i])) {
      targets.push_back(policy::board_target(peer, i));
      continue;
    }
    for (const LocatedTarget& located : locator_.location(number++).targets) {
      auto target = policy::board_target(peer, i);
      target->address = located.address;
      target->priority = located.priority;
      target->srv_weight = located.weight;
      targets.push_back(std::move(target));
    }
  }
  board_.publish(index, targets);
}

// An alarm for each peer is up while any of its names can't be resolved; it says which, and why.
void PeerNames::tell(Timestamp now, std::uint32_t number, EngineOutput& out) {
  const PeerIndex index = names_[number].peer;
  const PeerConfig& peer = config_.peers[to_position(index)];
  bool was_up = false;
  std::string detail;
  for (std::uint32_t i = first_of_peer_[to_position(index)]; i < names_.size() && names_[i].peer == index;
       ++i) {
    const LocationState state = locator_.location(i).state;
    was_up = was_up || names_[i].is_alarmed;
    names_[i].is_alarmed = state != LocationState::Found && state != LocationState::Unknown;
    if (!names_[i].is_alarmed) continue;
    if (!detail.empty()) detail += "; ";
    detail += shown_name(peer.targets[names_[i].configured]) + ": ";
    detail += to_string(state);
  }
  if (detail.empty() && !was_up) return;
  AlarmEvent alarm{"dns_failed", !detail.empty(), std::move(detail)};
  alarm.subject = peer.name;
  out.add(now, std::move(alarm));
}

std::vector<NameView> PeerNames::views(Timestamp now) const {
  std::vector<NameView> views;
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    const Location& location = locator_.location(i);
    const LocationAge age = locator_.age(i, now);
    const PeerConfig& peer = config_.peers[to_position(names_[i].peer)];
    views.push_back({.peer = names_[i].peer,
                     .configured = names_[i].configured,
                     .name = shown_name(peer.targets[names_[i].configured]),
                     .state = to_string(location.state),
                     .targets = location.targets,
                     .ttl_left = age.left,
                     .is_stale = age.is_stale});
  }
  return views;
}

}  // namespace sallyport::sip
