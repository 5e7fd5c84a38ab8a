// validate_trunks.cpp — peers and the listeners of their realm: transports, TLS identities (RFC 5922), and
// what Teams asks for besides its profile.
#include <algorithm>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

const RealmConfig* realm_named(const SbcConfig& config, const std::string& name) {
  const auto found = std::ranges::find(config.realms, name, &RealmConfig::name);
  return found == config.realms.end() ? nullptr : &*found;
}

bool has_listener(const RealmConfig& realm, Transport transport, std::optional<bool> is_v4) {
  return std::ranges::any_of(realm.listen, [&](const ListenerConfig& listener) {
    return listener.transport == transport &&
           (!is_v4 || std::ranges::any_of(listener.addresses,
                                          [&](const IpAddress& own) { return own.is_v4() == *is_v4; }));
  });
}

// One peer with all that its checks look at.
struct Trunk {
  const Checked& checked;
  const Section& section;
  const PeerConfig& peer;
  const RealmConfig& realm;

  void error(std::string_view key, ValueError why) const {
    const bool is_written = section.written(key) != nullptr;
    checked.problems.error(is_written ? section.place(key) : section.place(), section.shown(key),
                           std::move(why));
  }
};

// What it sends us goes to the Contact of that transport, so there must be a listener for it.
void check_transport(const Trunk& trunk) {
  const std::string word(to_string(trunk.peer.transport));
  if (!has_listener(trunk.realm, trunk.peer.transport, std::nullopt)) {
    const std::string keys = trunk.peer.transport == Transport::Tls
                                 ? "{ transport: tls, port: 5061, certificate: NAME }"
                                 : "{ transport: " + word + ", port: 5060 }";
    return trunk.error("transport", {"realm " + in_quotes(trunk.realm.name) + " has no " + word +
                                         " listener, so the peer could not be called or call back",
                                     "add " + keys + " to realms[" + trunk.realm.name + "].listen"});
  }
  for (const PeerTarget& target : trunk.peer.targets) {
    if (!target.address) continue;
    const bool is_v4 = target.address->address.is_v4();
    if (has_listener(trunk.realm, trunk.peer.transport, is_v4)) continue;
    const std::string family = is_v4 ? "IPv4" : "IPv6";
    return trunk.error("transport",
                       {"no " + word + " listener of realm " + in_quotes(trunk.realm.name) + " has an " +
                            family + " address, as " + to_string(*target.address) + " needs",
                        "add an " + family + " address to the listener or the port"});
  }
}

// RFC 5922 §7.3
void check_identity(const Trunk& trunk) {
  if (trunk.peer.transport != Transport::Tls || !trunk.peer.tls.name.empty()) return;
  const bool by_address = std::ranges::any_of(
      trunk.peer.targets, [](const PeerTarget& target) { return target.address.has_value(); });
  if (by_address)
    trunk.checked.problems.warning(
        trunk.section.place("targets"), trunk.section.shown("tls.name"),
        {"is auto, so the peer's certificate must have the target's IP address as a SAN",
         "write the name that its certificate shows"});
}

// Each of these is a call that Teams would refuse, or never send.
void check_teams(const Trunk& trunk) {
  const bool is_shipped =
      trunk.peer.profile.name == "teams" &&
      std::ranges::none_of(trunk.checked.config.profiles,
                           [](const ProfileConfig& profile) { return profile.name == "teams"; });
  if (!is_shipped) return;
  if (trunk.peer.transport != Transport::Tls)
    trunk.error("transport", {"is not tls, and Teams speaks nothing else", "write transport: tls"});
  if (trunk.realm.advertise.domain.empty())
    trunk.checked.problems.error(
        trunk.section.place("profile"), "realms[" + trunk.realm.name + "].advertise.domain",
        {"is none, and Teams takes a Contact only with the name that our certificate shows",
         "write advertise: { domain: NAME } in that realm"});
  if (!trunk.peer.health.ping)
    trunk.error("health", {"never pings, and Teams sends calls only to who sends it OPTIONS",
                           "write health: { ping: 60s }"});
  const bool shows_certificate = !trunk.peer.tls.certificate.empty() ||
                                 std::ranges::any_of(trunk.realm.listen, [](const ListenerConfig& listener) {
                                   return !listener.certificate.empty();
                                 });
  if (!shows_certificate)
    trunk.error("tls", {"has no certificate, and Teams asks for ours", "write tls: { certificate: NAME }"});
  if (trunk.peer.profile.media.hold != HoldMode::Inactive)
    trunk.error("media", {"changes hold, and Teams understands a=inactive alone", "leave hold out"});
}

}  // namespace

void validate_trunks(const Checked& checked) {
  const std::vector<Section> peers = checked.root.items("peers");
  for (std::size_t i = 0; i < peers.size() && i < checked.config.peers.size(); ++i) {
    const PeerConfig& peer = checked.config.peers[i];
    const RealmConfig* const realm = realm_named(checked.config, peer.realm);
    if (realm == nullptr) continue;  // said already
    const Trunk trunk{checked, peers[i], peer, *realm};
    check_transport(trunk);
    check_identity(trunk);
    check_teams(trunk);
  }
}

}  // namespace sallyport::mgmt
