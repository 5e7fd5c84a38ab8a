// validate_unwise.cpp — what is legal, and hardly what was meant: warnings, never errors.
#include <algorithm>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

// No organisation has so many addresses; 2000::/3 is all of the world's.
[[nodiscard]] bool is_half_the_world(const Prefix& prefix) {
  return prefix.length < (prefix.address.is_v4() ? 8 : 16);
}

[[nodiscard]] bool covers(const Prefix& wide, const Prefix& narrow) {
  return wide.address.is_v4() == narrow.address.is_v4() && wide.length <= narrow.length &&
         wide.contains(narrow.address);
}

void check_access(const Checked& checked) {
  const std::vector<AccessRule>& rules = checked.config.security.access;
  const std::vector<Section> sections = checked.root.child("security").items("access");
  for (std::size_t i = 0; i < sections.size() && i < rules.size(); ++i) {
    if (rules[i].action == AccessAction::Trusted && is_half_the_world(rules[i].source))
      checked.problems.warning(sections[i].place("source"), sections[i].shown("source"),
                               {to_string(rules[i].source) + " makes strangers trusted, whom no limit holds",
                                "write the prefixes that are meant"});
    // The first match wins.
    const auto later = rules.begin() + static_cast<std::ptrdiff_t>(i);
    const auto before = std::find_if(rules.begin(), later, [&](const AccessRule& one) {
      return (one.realm.empty() || one.realm == rules[i].realm) && covers(one.source, rules[i].source);
    });
    if (before != later)
      checked.problems.warning(sections[i].place("source"), sections[i].shown("source"),
                               {"an earlier rule decides of all of it, that of " + to_string(before->source),
                                "put this rule before that one, or leave it out"});
  }
}

[[nodiscard]] bool is_untrusted(const Checked& checked, const std::string& realm) {
  const auto found = std::ranges::find(checked.config.realms, realm, &RealmConfig::name);
  return found != checked.config.realms.end() && found->trust == RealmTrust::Untrusted;
}

void check_peer(const Checked& checked, const Section& section, const PeerConfig& peer) {
  for (const Prefix& source : peer.sources)
    if (is_half_the_world(source))
      checked.problems.warning(
          section.place("sources"), section.shown("sources"),
          {to_string(source) + " makes strangers this peer", "write the prefixes that it sends from"});
  // Whose packet comes first has the other party's voice.
  if (peer.profile.media.latch == LatchMode::Any && is_untrusted(checked, peer.realm))
    checked.problems.warning(section.place(), section.shown("media.latch"),
                             {"is any in an untrusted realm: whoever sends first hears the call",
                              "write signalled, which is enough for a peer behind NAT"});
}

}  // namespace

void validate_unwise(const Checked& checked) {
  check_access(checked);
  const std::vector<Section> peers = checked.root.items("peers");
  for (std::size_t i = 0; i < peers.size() && i < checked.config.peers.size(); ++i)
    check_peer(checked, peers[i], checked.config.peers[i]);
}

}  // namespace sallyport::mgmt
