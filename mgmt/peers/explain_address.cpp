// explain_address.cpp — asks the same classifier as the data plane, and says what it went by.
#include "mgmt/peers/explain_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mgmt/blocks/blocks_json.h"
#include "mgmt/detections/detections_json.h"
#include "mgmt/log/log_line.h"
#include "policy/decide/access_list.h"
#include "policy/decide/source_classifier.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

class AddressExplanation {
 public:
  AddressExplanation(const IpAddress& address, const SbcConfig& config)
      : address_(address), config_(config), access_(config), classifier_(config) {}

  void explain_blocks(const AddressFacts& facts);
  void explain_detections(const AddressFacts& facts);
  void explain_drops(const AddressFacts& facts);
  void explain_realm(std::size_t position);
  void explain_targets(const PeerView& peer);
  void explain_endpoints(const EndpointsAt& found);
  [[nodiscard]] Json take() {
    return {{"address", to_string(address_)},   {"realms", std::move(realms_)},
            {"blocks", std::move(block_list_)}, {"detections", std::move(detection_list_)},
            {"drops", std::move(drop_list_)},   {"reasons", std::move(reasons_)}};
  }

 private:
  void say(const std::string& text) { reasons_.push_back({{"text", text}}); }
  [[nodiscard]] bool has_family(const RealmConfig& realm) const;
  [[nodiscard]] std::string rule_text(policy::AccessRuleIndex rule) const;
  [[nodiscard]] std::string peer_text(const PeerConfig& peer) const;

  const IpAddress& address_;
  const SbcConfig& config_;
  policy::AccessList access_;
  policy::SourceClassifier classifier_;
  std::vector<policy::Block> blocks_;
  Json realms_ = Json::array(), block_list_ = Json::array(), detection_list_ = Json::array(),
       drop_list_ = Json::array(), reasons_ = Json::array();
};

void AddressExplanation::explain_blocks(const AddressFacts& facts) {
  for (const policy::BlockView& one : facts.blocks) {
    if (one.block.until <= facts.clocks.core) continue;
    blocks_.push_back(one.block);
    block_list_.push_back(block_json(one, facts.clocks));
    say(block_text(one, facts.clocks));
  }
}

// The first comes first: what was done last is understood from what came before.
void AddressExplanation::explain_detections(const AddressFacts& facts) {
  if (!facts.detections) return;
  std::vector<std::string> realms;
  for (const RealmConfig& realm : config_.realms) realms.push_back(realm.name);
  const auto& found = facts.detections->detections;
  if (facts.detections->next != 0)
    say(fmt::format("detectors found more than the last {} of what follows", found.size()));
  for (auto one = found.rbegin(); one != found.rend(); ++one) {
    detection_list_.push_back(detection_json(*one, realms, facts.clocks));
    say(detection_text(*one, facts.clocks));
  }
  if (found.empty())
    say(facts.detections->forgotten == 0
            ? std::string("no detector has found anything of it since Sallyport was started")
            : fmt::format("no detector has found anything of it among the last {} findings of all sources",
                          facts.detections->kept));
}

// Before anything of it is read: the guard, fragments, and the way to the signalling threads.
void AddressExplanation::explain_drops(const AddressFacts& facts) {
  for (const dataplane::DroppedSource& one : facts.drops) {
    const std::size_t at = to_position(one.port);
    const std::string port = at < config_.ports.size() ? config_.ports[at].name : std::string();
    const std::string since = iso_8601(facts.clocks.wall_at(one.since)),
                      last = iso_8601(facts.clocks.wall_at(one.last));
    drop_list_.push_back({{"port", port},
                          {"reason", to_string(one.reason)},
                          {"packets", one.packets},
                          {"since", since},
                          {"last", last}});
    say(fmt::format("since {} {} of its packets dropped on port {}, the last at {}: {}{}", since, one.packets,
                    port, last, to_string(one.reason),
                    one.reason == dataplane::DropReason::PeerRate
                        ? ", more than the limits of its peer's calls can need (alarm peer_over_budget)"
                        : ""));
  }
}

bool AddressExplanation::has_family(const RealmConfig& realm) const {
  return std::ranges::any_of(realm.listen, [this](const ListenerConfig& listener) {
    return std::ranges::any_of(listener.addresses,
                               [this](const IpAddress& own) { return own.is_v4() == address_.is_v4(); });
  });
}

std::string AddressExplanation::rule_text(policy::AccessRuleIndex rule) const {
  const AccessRule& written = config_.security.access[to_position(rule)];
  const std::string_view action = written.action == AccessAction::Deny      ? "denies"
                                  : written.action == AccessAction::Trusted ? "trusts"
                                                                            : "does not trust";
  return fmt::format("access rule {} ({}) {} it", to_position(rule) + 1, to_string(written.source), action);
}

// By which of the peer's addresses it is that peer.
std::string AddressExplanation::peer_text(const PeerConfig& peer) const {
  for (const PeerTarget& target : peer.targets)
    if (target.address && target.address->address == address_)
      return fmt::format("it is peer {}, whose target {} it is", peer.name, to_string(*target.address));
  for (const Prefix& source : peer.sources)
    if (source.contains(address_))
      return fmt::format("it is peer {}, whose sources have {}", peer.name, to_string(source));
  return fmt::format("it is peer {}", peer.name);
}

void AddressExplanation::explain_realm(std::size_t position) {
  const RealmConfig& realm = config_.realms[position];
  if (!has_family(realm)) return;
  const auto index = static_cast<RealmIndex>(position);
  const policy::SourceClass found = classifier_.classify(index, address_);
  const policy::AccessRuleIndex rule = access_.find(index, address_);
  const bool is_peer = found.peer != PeerIndex::kNone, has_rule = rule != policy::AccessRuleIndex::kNone;
  const std::string why = is_peer    ? peer_text(config_.peers[to_position(found.peer)])
                          : has_rule ? rule_text(rule)
                                     : "no peer and no access rule names it; that is the realm's own trust";
  const bool is_blocked =
      found.trust != TrustClass::Denied && std::ranges::any_of(blocks_, [&](const policy::Block& block) {
        return policy::touches(block, found.trust);
      });
  realms_.push_back({{"realm", realm.name},
                     {"class", to_string(found.trust)},
                     {"blocked", is_blocked},
                     {"peer", is_peer ? Json(config_.peers[to_position(found.peer)].name) : Json(nullptr)}});
  const bool is_retired = is_peer && config_.peers[to_position(found.peer)].is_retired;
  say(fmt::format(
      "realm {}: {}{}: {}{}", realm.name, is_blocked ? "blocked, else " : "", to_string(found.trust), why,
      is_retired ? ", which a reload took out: it is known for the calls that it still has" : ""));
}

void AddressExplanation::explain_targets(const PeerView& peer) {
  for (const PeerTargetView& target : peer.targets) {
    if (!target.address || target.address->address != address_) continue;
    std::string text = fmt::format("target {} of peer {} over {} is {}", to_string(*target.address),
                                   peer.name, to_string(target.transport), target.state);
    if (target.since) text += " since " + iso_8601(*target.since);
    if (target.round_trip)
      text += fmt::format(", round trip {:.1f} ms", static_cast<double>(target.round_trip->count()) / 1e6);
    if (target.last_code != 0) text += fmt::format(", last answer {}", target.last_code);
    say(text + fmt::format(", {} calls", target.calls));
  }
}

void AddressExplanation::explain_endpoints(const EndpointsAt& found) {
  for (const sip::EndpointView& one : found.endpoints) {
    std::string text = fmt::format("{} registered from {} over {} at registrar {}", one.aor,
                                   to_string(one.remote), to_string(one.transport), one.registrar);
    if (one.since != Timestamp{}) text += " since " + iso_8601(found.clocks.wall_at(one.since));
    if (one.expires != Timestamp{}) text += ", until " + iso_8601(found.clocks.wall_at(one.expires));
    say(text + (one.is_behind_nat ? ", behind a NAT" : ""));
  }
  if (found.is_cut) say("there may be more registrations from there: not all were looked at");
}

}  // namespace

Json explain_address(const IpAddress& address, const SbcConfig& config, const AddressFacts& facts) {
  AddressExplanation explanation(address, config);
  explanation.explain_blocks(facts);
  explanation.explain_detections(facts);
  explanation.explain_drops(facts);
  for (std::size_t i = 0; i < config.realms.size(); ++i)
    if (!config.realms[i].is_retired) explanation.explain_realm(i);
  for (const PeerView& peer : facts.peers) explanation.explain_targets(peer);
  explanation.explain_endpoints(facts.endpoints);
  return explanation.take();
}

}  // namespace sallyport::mgmt
