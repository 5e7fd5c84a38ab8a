// source_classifier.h — who is a source: the TrustClass of a remote address in a realm, and the Peer it is.
//
// An access rule that denies comes before all. Then a configured peer (its targets' addresses and its
// `sources`; the longest prefix wins, then the order of the file) is Known; after those the peer whose name
// stands for that address just now. Then the access rule that names the source, and last the realm's own
// trust.
#pragma once

#include <span>
#include <vector>

#include "policy/decide/access_list.h"
#include "policy/decide/prefix_map.h"
#include "policy/decide/trust_class.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::policy {

struct SourceClass {
  TrustClass trust = TrustClass::Untrusted;
  PeerIndex peer = PeerIndex::kNone;  // kNone unless trust is Known
  friend bool operator==(const SourceClass&, const SourceClass&) = default;
};

struct PeerSource {
  PeerIndex peer = PeerIndex::kNone;
  bool was_there = false;  // a reload says that it is there no more: only calls that are up are still heard
  bool is_by_name = false;
  friend bool operator==(const PeerSource&, const PeerSource&) = default;
};

// What a name among a peer's targets stands for just now.
struct NamedAddress {
  PeerIndex peer = PeerIndex::kNone;
  IpAddress address;
  friend bool operator==(const NamedAddress&, const NamedAddress&) = default;
};

// Immutable; the configuration may go afterwards.
class SourceClassifier {
 public:
  // `named`: of the peers in `config`; another classifier when it changes.
  explicit SourceClassifier(const SbcConfig& config, std::span<const NamedAddress> named = {});

  // `realm` must be one of the configuration.
  [[nodiscard]] SourceClass classify(RealmIndex realm, const IpAddress& source) const noexcept {
    const RealmRules& rules = realms_[to_position(realm)];
    const AccessRuleIndex rule = access_.find(realm, source);
    const bool has_rule = rule != AccessRuleIndex::kNone;
    if (has_rule && access_.action(rule) == AccessAction::Deny) return {TrustClass::Denied, PeerIndex::kNone};
    const PeerIndex peer = rules.peers.find(source).peer;
    if (peer != PeerIndex::kNone) return {TrustClass::Known, peer};
    if (!has_rule) return {rules.trust, PeerIndex::kNone};
    return {access_.action(rule) == AccessAction::Trusted ? TrustClass::Trusted : TrustClass::Untrusted,
            PeerIndex::kNone};
  }

  // For packets that belong to no realm yet (a fragment, an ICMP echo): the best class that any realm of the
  // port gives the source. Denied only when every one denies it; Untrusted on a port without realms.
  [[nodiscard]] SourceClass classify_on_port(PortIndex port, const IpAddress& source) const noexcept;
  [[nodiscard]] std::span<const RealmIndex> realms_of(PortIndex port) const noexcept {
    return realms_of_port_[to_position(port)];
  }

 private:
  struct RealmRules {
    PrefixMap<PeerSource> peers;
    TrustClass trust;
  };
  AccessList access_;
  std::vector<RealmRules> realms_;
  std::vector<std::vector<RealmIndex>> realms_of_port_;
};

}  // namespace sallyport::policy
