// validate_srtp.cpp — whether keys of media can travel as the profiles want it: RFC 4568 §8.1, RFC 8643 §5;
// threats M10.
#include <algorithm>

#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

bool has_sdes(const ProfileSrtp& srtp) {
  return std::ranges::find(srtp.keying, SrtpKeying::Sdes) != srtp.keying.end();
}

// Whoever uses a profile: a peer, or the endpoints of a registrar.
struct User {
  const Checked& checked;
  const Section& section;
  const ProfileSrtp& srtp;
  std::string transport;  // the least of those that its signalling may come over
  bool has_tls = false;
  bool is_written = false;  // the file says something of srtp.mode

  [[nodiscard]] YamlPlace place() const {
    const Section own = section.child("srtp");
    if (own.has_key("mode")) return own.place("mode");
    return section.has_key("profile") ? section.place("profile") : section.place();
  }
  [[nodiscard]] std::string shown() const {
    return section.child("srtp").has_key("mode") || !section.has_key("profile") ? section.shown("srtp.mode")
                                                                                : section.shown("profile");
  }
};

void check_user(const User& user) {
  const bool is_required = user.srtp.mode == SrtpMode::Required;
  if (user.srtp.mode == SrtpMode::None || !has_sdes(user.srtp)) return;
  if (user.srtp.sdes_only_over_tls) {
    if (is_required && !user.has_tls)
      user.checked.problems.error(
          user.place(), user.shown(),
          {"encrypted media is required with keys over TLS alone, and the signalling is " + user.transport,
           "write transport: tls, or sdes_over: any"});
    return;
  }
  if (user.transport == "tls" || (!is_required && !user.is_written)) return;
  user.checked.problems.warning(
      user.place(), user.shown(),
      {"SDES keys over unencrypted signalling (" + user.transport + "): whoever reads it can hear the media",
       "write transport: tls, and sdes_over: tls"});
}

// Keys by DTLS are not built: with those alone each call would be refused.
void check_keying(const Checked& checked, const Section& section, const ProfileSrtp& srtp) {
  const Section own = section.child("srtp");
  if (srtp.mode != SrtpMode::Required || has_sdes(srtp) || (!own.has_key("mode") && !own.has_key("keying")))
    return;
  const std::string_view key = own.has_key("keying") ? "keying" : "mode";
  checked.problems
      .warning(own.place(key), own.shown(key),
               {"encrypted media is required with keys by DTLS alone, which is not built yet, and to go on "
                "without it would weaken security",
                "run refuses it; add sdes to keying"})
      .weakens_security = true;
}

bool says_mode(const Checked& checked, const std::string& profile) {
  return std::ranges::any_of(checked.root.items("profiles"), [&profile](const Section& section) {
    return section.is("name", profile) && section.child("srtp").has_key("mode");
  });
}

void check_peers(const Checked& checked) {
  const std::vector<Section> sections = checked.root.items("peers");
  for (std::size_t i = 0; i < sections.size() && i < checked.config.peers.size(); ++i) {
    const PeerConfig& peer = checked.config.peers[i];
    check_keying(checked, sections[i], peer.profile.srtp);
    check_user(
        {.checked = checked,
         .section = sections[i],
         .srtp = peer.profile.srtp,
         .transport = std::string(to_string(peer.transport)),
         .has_tls = peer.transport == Transport::Tls,
         .is_written = sections[i].child("srtp").has_key("mode") || says_mode(checked, peer.profile.name)});
  }
}

// A shipped profile that the file does not change has no word on SRTP, but for that of Teams.
void check_registrars(const Checked& checked) {
  const std::vector<Section> sections = checked.root.items("registrars");
  for (std::size_t i = 0; i < sections.size() && i < checked.config.registrars.size(); ++i) {
    const RegistrarConfig& registrar = checked.config.registrars[i];
    const std::string name = registrar.profile.empty() ? "default" : registrar.profile;
    const auto profile = std::ranges::find(checked.config.profiles, name, &ProfileConfig::name);
    const auto realm = std::ranges::find(checked.config.realms, registrar.realm, &RealmConfig::name);
    if (profile == checked.config.profiles.end() || realm == checked.config.realms.end()) continue;
    User user{.checked = checked,
              .section = sections[i],
              .srtp = profile->srtp,
              .transport = "tls",
              .is_written = says_mode(checked, name)};
    for (const ListenerConfig& listener : realm->listen) {
      user.has_tls |= listener.transport == Transport::Tls;
      if (listener.transport != Transport::Tls) user.transport = to_string(listener.transport);
    }
    check_user(user);
  }
}

}  // namespace

void validate_srtp(const Checked& checked) {
  const std::vector<Section> profiles = checked.root.items("profiles");
  for (std::size_t i = 0; i < profiles.size() && i < checked.config.profiles.size(); ++i)
    check_keying(checked, profiles[i], checked.config.profiles[i].srtp);
  check_peers(checked);
  check_registrars(checked);
}

}  // namespace sallyport::mgmt
