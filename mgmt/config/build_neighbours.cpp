// build_neighbours.cpp — profiles, peers and registrars as values.
#include "mgmt/config/build_config.h"
#include "mgmt/config/secret_line.h"

namespace sallyport::mgmt {
namespace {

void build_profile_media(const Section& section, ProfileMedia& media) {
  media.latch = read_word<LatchMode>(section, "latch");
  media.ice = read_word<FeatureMode>(section, "ice");
  media.rtcp = read_word<RtcpMode>(section, "rtcp");
  media.codecs = section.texts("codecs");
  media.dtmf = read_word<DtmfMode>(section, "dtmf");
  media.hold = read_word<HoldMode>(section, "hold");
  media.inactivity = read_duration(section, "inactivity");
  media.policing_percent = read(section, "policing", parse_percent);
}

void build_profile_timers(const Section& section, ProfileTimers& timers) {
  timers.t1 = read_duration(section, "t1");
  timers.setup = read_duration(section, "setup");
  timers.ring = read_duration(section, "ring");
  timers.early_media = read_duration(section, "early_media");
  timers.call = read_duration(section, "call");
  timers.session = read_duration(section, "session");
}

ProfileConfig build_profile(const Section& section, std::string name) {
  ProfileConfig profile;
  profile.name = std::move(name);
  profile.strictness = read_word<Strictness>(section, "strictness");
  profile.methods = section.texts("methods");
  profile.events = section.texts("events");
  build_profile_timers(section.child("timers"), profile.timers);
  const Section features = section.child("features");
  profile.prack = read_word<FeatureMode>(features, "prack");
  profile.update = read_word<FeatureMode>(features, "update");
  profile.refer = read_word<ReferMode>(features, "refer");
  profile.redirect = read_word<RedirectMode>(features, "redirect");
  const Section responses = section.child("responses");
  profile.responses_to = read_word<ResponsesTo>(responses, "to");
  for (const Section& item : responses.items("map"))
    profile.response_map.push_back(
        {read_number<std::uint16_t>(item, "in"), read_number<std::uint16_t>(item, "out")});
  for (const Section& item : responses.items("causes"))
    profile.cause_map.push_back(
        {read_number<std::uint8_t>(item, "cause"), read_number<std::uint16_t>(item, "code")});
  profile.send_cause = responses.is("send_cause", "auto");
  const Section identity = section.child("identity");
  profile.identity_accept = read_word<IdentityAccept>(identity, "accept");
  profile.identity_send = read_word<IdentitySend>(identity, "send");
  profile.honour_privacy = identity.is("privacy", "honour");
  const Section headers = section.child("headers");
  profile.headers_pass = headers.texts("pass");
  profile.header_rules_in = headers.texts("in");
  profile.header_rules_out = headers.texts("out");
  const Section srtp = section.child("srtp");
  profile.srtp.mode = read_word<SrtpMode>(srtp, "mode");
  profile.srtp.sdes_only_over_tls = srtp.is("sdes_over", "tls");
  profile.srtp.keying = read_words<SrtpKeying>(srtp, "keying");
  profile.srtp.suites = read_words<SrtpSuite>(srtp, "suites");
  build_profile_media(section.child("media"), profile.media);
  return profile;
}

PeerTarget build_target(const Section& section) {
  PeerTarget target;
  if (section.written("domain") != nullptr) target = read(section, "domain", parse_domain);
  if (const YamlNode* address = section.written("address"))
    if (const auto endpoint = parse_address_and_port(address->text, 0)) target.address = *endpoint;
  target.weight = read_number<std::uint32_t>(section, "weight");
  return target;
}

// Each direction of a peer's limits; a key that is left out counts as the realm's.
std::optional<CallLimits> build_limits(const Section& section, std::string_view key,
                                       const CallLimits& of_realm) {
  if (section.written(key) == nullptr) return std::nullopt;
  const Section direction = section.child(key);
  CallLimits limits = of_realm;
  if (direction.written("calls") != nullptr) limits.calls = read_number<std::uint32_t>(direction, "calls");
  if (direction.written("rate") != nullptr) limits.rate = read(direction, "rate", parse_rate);
  return limits;
}

void build_peer_security(const Section& section, PeerConfig& peer) {
  for (const Section& item : section.items("credentials"))
    peer.credentials.push_back({item.text_unless("digest_realm", "any"), item.text("user"),
                                item.file("password_file"), read_secret_line(item.file("password_file"))});
  const Section tls = section.child("tls");
  peer.tls.certificate = tls.text("certificate");
  peer.tls.authorities = tls.texts("authorities");
  peer.tls.name = tls.text_unless("name", "auto");
  const YamlNode* written = section.written("register");
  if (written == nullptr || !written->is_map()) return;
  const Section registration = section.child("register");
  peer.registration.emplace();
  peer.registration->aor = registration.text("aor");
  peer.registration->expires = read_duration(registration, "expires");
  peer.registration->mode = read_word<RegisterMode>(registration, "mode");
}

CallLimits limits_of(const SbcConfig& config, const std::string& realm_name) {
  for (const RealmConfig& realm : config.realms)
    if (realm.name == realm_name) return realm.limits;
  return {};
}

// The last of a name counts: a file may have a profile of its own in place of a shipped one.
std::vector<Section> all_profiles(const Section& root) {
  std::vector<Section> profiles = shipped_profile_sections(root);
  const std::vector<Section> written = root.items("profiles");
  profiles.insert(profiles.end(), written.begin(), written.end());
  return profiles;
}

// Null: it is the default, which no file need have.
const Section* profile_named(const std::vector<Section>& profiles, std::string_view name) {
  const Section* found = nullptr;
  for (const Section& candidate : profiles)
    if (candidate.is("name", name)) found = &candidate;
  return found;
}

PeerConfig build_peer(const Section& section, const std::vector<Section>& profiles, const SbcConfig& config) {
  PeerConfig peer;
  peer.name = section.text("name");
  peer.realm = section.text("realm");
  const std::string profile_name = section.text("profile");
  peer.profile =
      build_profile(section.over(profile_named(profiles, profile_name), "profiles[]"), profile_name);
  peer.transport = read_word<Transport>(section, "transport");
  for (const Section& item : section.items("targets")) peer.targets.push_back(build_target(item));
  peer.balance = read_word<Balance>(section, "balance");
  peer.sources = read_list(section, "sources", parse_network);
  const Section health = section.child("health");
  peer.health.ping = read_unless(health, "ping", "never", parse_duration);
  peer.health.down_after = read_number<std::uint32_t>(health, "down_after");
  peer.health.up_after = read_number<std::uint32_t>(health, "up_after");
  const CallLimits of_realm = limits_of(config, peer.realm);
  peer.limits_in = build_limits(section.child("limits"), "in", of_realm);
  peer.limits_out = build_limits(section.child("limits"), "out", of_realm);
  build_peer_security(section, peer);
  return peer;
}

RegistrarConfig build_registrar(const Section& section) {
  RegistrarConfig registrar;
  registrar.name = section.text("name");
  registrar.realm = section.text("realm");
  registrar.mode = read_word<RegistrarMode>(section, "mode");
  registrar.upstream = section.text("upstream");
  registrar.users_file = section.file("users_file");
  registrar.profile = section.text("profile");
  registrar.domains = section.texts("domains");
  const Section refresh = section.child("refresh");
  registrar.refresh_outside = read_duration(refresh, "outside");
  registrar.refresh_inside = read_duration(refresh, "inside");
  registrar.keepalive = read_unless(section, "keepalive", "never", parse_duration).value_or(Duration{});
  registrar.contacts_per_aor = read_number<std::uint32_t>(section, "contacts_per_aor");
  return registrar;
}

}  // namespace

void build_neighbours(const Section& root, SbcConfig& config) {
  for (const Section& item : root.items("profiles"))
    config.profiles.push_back(build_profile(item, item.text("name")));
  const std::vector<Section> profiles = all_profiles(root);
  for (const Section& item : root.items("peers")) config.peers.push_back(build_peer(item, profiles, config));
  for (const Section& item : root.items("registrars")) config.registrars.push_back(build_registrar(item));
}

void add_registrar_places(const Section& root, SbcConfig& config) {
  const std::vector<Section> profiles = all_profiles(root);
  for (std::size_t i = 0; i < config.registrars.size(); ++i) {
    const RegistrarConfig& registrar = config.registrars[i];
    PeerConfig& place = config.peers.emplace_back();
    place.name = registrar.name;
    place.realm = registrar.realm;
    // A map without keys lies over the profile.
    const Section nothing = root.child("");
    place.profile = build_profile(nothing.over(profile_named(profiles, registrar.profile), "profiles[]"),
                                  registrar.profile);
    place.health.ping.reset();
    place.registrar = static_cast<std::uint16_t>(i);
  }
}

}  // namespace sallyport::mgmt
