// peer_names.cpp — from locations to lists of targets, in the order of the configuration: RFC 3263 §4.
#include "sipalg/location/peer_names.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kQuestionsOfName =
    3 + 2 * Locator::kHostsMax;  // NAPTR, two SRV; A, AAAA of each host
constexpr std::uint32_t kQuestionsMax = 1u << 17;

bool is_name(const PeerTarget& target) noexcept { return !target.address && !target.domain.empty(); }

std::uint32_t questions_of(const SbcConfig& config) noexcept {
  std::uint64_t names = 0;
  for (const PeerConfig& peer : config.peers)
    if (!peer.is_retired) names += static_cast<std::uint64_t>(std::ranges::count_if(peer.targets, is_name));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(names * kQuestionsOfName, kQuestionsMax));
}

NameCacheSettings cache_settings(const SbcConfig& config, const HashKey& key) {
  return {.key = key,
          .names_max = questions_of(config),
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
    : config_(&config),
      board_(board),
      edition_(board.edition()),
      allowed_(config),
      locator_(cache_settings(config, key), allowed_) {
  list_names();
}

// What was asked before, for whichever peer, is not asked again.
void PeerNames::list_names() {
  std::multimap<LocateQuestion, std::uint32_t> known;
  for (const Name& name : names_) known.emplace(locator_.question(name.location), name.location);
  names_.clear();
  first_of_peer_.clear();
  std::vector<std::pair<std::size_t, LocateQuestion>> fresh;
  for (std::size_t i = 0; i < config_->peers.size(); ++i) {
    const PeerConfig& peer = config_->peers[i];
    first_of_peer_.push_back(static_cast<std::uint32_t>(names_.size()));
    for (std::size_t j = 0; j < peer.targets.size() && !peer.is_retired; ++j) {
      if (!is_name(peer.targets[j])) continue;
      Name& name = names_.emplace_back(PeerIndex(i), static_cast<std::uint16_t>(j));
      LocateQuestion question = question_of(*config_, peer, peer.targets[j]);
      if (const auto found = known.extract(question))
        name.location = found.mapped();
      else
        fresh.emplace_back(names_.size() - 1, std::move(question));
    }
  }
  for (const auto& [question, location] : known) locator_.remove(location);
  locator_.set_names_max(questions_of(*config_));
  for (auto& [position, question] : fresh) names_[position].location = locator_.add(std::move(question));
  for (const Name& name : names_) {
    if (peer_of_location_.size() <= name.location)
      peer_of_location_.resize(name.location + 1, PeerIndex::kNone);
    peer_of_location_[name.location] = name.peer;
  }
  said_.resize(std::max(said_.size(), config_->peers.size()));
}

void PeerNames::adopt(const SbcConfig& next, Timestamp now, EngineOutput& out) {
  config_ = &next;
  edition_ = board_.edition();
  list_names();
  for (std::size_t i = 0; i < said_.size(); ++i) {
    Said& said = said_[i];
    const bool is_there = i < next.peers.size() && !next.peers[i].is_retired;
    if (said.detail.empty() || (is_there && next.peers[i].name == said.peer)) continue;
    out.add(now, AlarmEvent{"dns_failed", false, {}, said.peer});
    said = {};
  }
  for (std::size_t i = 0; i < next.peers.size(); ++i) {
    const bool has_names =
        first_of(PeerIndex(i)) < names_.size() && names_[first_of(PeerIndex(i))].peer == PeerIndex(i);
    if (has_names) publish(PeerIndex(i));
    tell(PeerIndex(i), now, out);
  }
  settle(now, out);
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
    publish(peer_of_location_[*changed]);
    tell(peer_of_location_[*changed], now, out);
  }
  DnsQuery query;
  while (locator_.next_query(now, query)) out.dns().push_back(query);
}

void PeerNames::publish(PeerIndex index) {
  const PeerConfig& peer = config_->peers[to_position(index)];
  policy::BoardTargets targets;
  std::uint32_t number = first_of(index);
  for (std::size_t i = 0; i < peer.targets.size(); ++i) {
    if (!is_name(peer.targets[i])) {
      targets.push_back(policy::board_target(peer, i));
      continue;
    }
    for (const LocatedTarget& located : locator_.location(names_[number++].location).targets) {
      auto target = policy::board_target(peer, i);
      target->address = located.address;
      target->priority = located.priority;
      target->srv_weight = located.weight;
      targets.push_back(std::move(target));
    }
  }
  board_.publish(index, targets, edition_);
}

// An alarm for each peer is up while any of its names can't be resolved; it says which, and why.
void PeerNames::tell(PeerIndex index, Timestamp now, EngineOutput& out) {
  const PeerConfig& peer = config_->peers[to_position(index)];
  std::string detail;
  for (std::uint32_t i = first_of(index); i < names_.size() && names_[i].peer == index; ++i) {
    const LocationState state = locator_.location(names_[i].location).state;
    if (state == LocationState::Found || state == LocationState::Unknown) continue;
    if (!detail.empty()) detail += "; ";
    detail += shown_name(peer.targets[names_[i].configured]) + ": ";
    detail += to_string(state);
  }
  Said& said = said_[to_position(index)];
  if (detail == said.detail) return;
  said = {peer.name, detail};
  out.add(now, AlarmEvent{"dns_failed", !detail.empty(), std::move(detail), peer.name});
}

std::vector<NameView> PeerNames::views(Timestamp now) const {
  std::vector<NameView> views;
  for (const Name& name : names_) {
    const Location& location = locator_.location(name.location);
    const LocationAge age = locator_.age(name.location, now);
    const PeerConfig& peer = config_->peers[to_position(name.peer)];
    views.push_back({.peer = name.peer,
                     .configured = name.configured,
                     .name = shown_name(peer.targets[name.configured]),
                     .state = to_string(location.state),
                     .targets = location.targets,
                     .ttl_left = age.left,
                     .is_stale = age.is_stale});
  }
  return views;
}

}  // namespace sallyport::sip
