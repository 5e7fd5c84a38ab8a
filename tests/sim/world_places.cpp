// The border's configuration: peers on two sides, two registrars, a route for each.
#include "tests/sim/world_places.h"

#include <fmt/format.h>

#include <vector>

#include "tests/sim/agent_digest.h"
#include "tests/sim/border_checks.h"

namespace sallyport::sim {
namespace {

ProfileConfig profile() {
  ProfileConfig profile;
  profile.name = "default";
  profile.timers.call = 5min;
  profile.timers.session = 90s;
  for (const char* const method : {"SUBSCRIBE", "PUBLISH", "REGISTER"}) profile.methods.emplace_back(method);
  return profile;
}

PeerConfig peer(const char* name, const char* realm, std::vector<const char*> targets) {
  PeerConfig config;
  config.name = name;
  config.realm = realm;
  config.profile = profile();
  for (const char* target : targets) config.targets.push_back({place_at(target), {}, 0, 1});
  config.health.ping.reset();
  return config;
}

RealmConfig realm(const char* name, const char* v4, const char* v6) {
  RealmConfig config;
  config.name = config.port = name;
  ListenerConfig listener;
  listener.addresses = {place_at(v4).address, place_at(v6).address};
  config.listen = {listener};
  config.media.addresses = listener.addresses;
  config.limits.rate = {1'000'000, 1s};
  return config;
}

// Endpoints outside, and their place among the peers.
void add_registrar(SbcConfig& config, const char* name, const char* domain, const char* upstream) {
  PeerConfig place = peer(name, "outside", {});
  place.registrar = static_cast<std::uint16_t>(config.registrars.size());
  config.peers.push_back(place);
  RegistrarConfig registrar;
  registrar.name = name;
  registrar.realm = "outside";
  registrar.mode = *upstream == '\0' ? RegistrarMode::Local : RegistrarMode::PassThrough;
  registrar.upstream = upstream;
  registrar.domains = {domain};
  registrar.refresh_outside = 60s;
  registrar.refresh_inside = 3min;
  if (registrar.mode == RegistrarMode::Local) {
    auto users = make_value<RegistrarUsers>();
    for (const AgentPlace& phone : kPlaces)
      if (std::string_view(phone.domain) == domain) {
        const std::string secret = fmt::format("{}:{}:{}", phone.user, domain, password_of(phone));
        users->push_back({phone.user, "", digest_hash("MD5", secret), digest_hash("SHA-256", secret)});
      }
    registrar.users = users;
  }
  config.registrars.push_back(registrar);
}

}  // namespace

Endpoint place_at(const char* text) { return *parse_endpoint(text, 0); }

std::size_t side_of(const IpAddress& address) {
  const std::string text = to_string(address);
  return text.starts_with(kAddresses[0][0]) || text.starts_with(kAddresses[0][1]) ? 0 : 1;
}

PeerIndex peer_of(const IpAddress& address) {
  for (const AgentPlace& place : kPlaces)
    if (place_at(place.own).address == address) return place.peer;
  return place_at(kProxy).address == address ? PeerIndex{4} : PeerIndex::kNone;
}

std::string password_of(const AgentPlace& place) { return fmt::format("secret of {}", place.user); }

SbcConfig world_config(bool passes_refer) {
  SbcConfig config;
  config.node.name = "sim";
  config.dataplane.capacity.sources = 4096;
  config.realms = {realm("outside", kListeners[0], kListeners[1]),
                   realm("inside", kListeners[2], kListeners[3])};
  config.realms[1].trust = RealmTrust::Trusted;
  config.peers = {peer("carrier", "outside", {kPlaces[0].own}),
                  peer("trunk", "outside", {kPlaces[1].own}),
                  peer("pbx", "inside", {kPlaces[2].own, kPlaces[3].own}),
                  peer("office", "inside", {kPlaces[4].own}),
                  peer("fork", "inside", {kProxy}),
                  peer("home", "inside", {kPlaces[kHome].own})};
  config.peers[4].sources = {*parse_prefix("198.18.2.8/29")};
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (passes_refer) config.peers[i].profile.refer = ReferMode::Pass;
    RouteConfig route;
    route.name = "to-" + config.peers[i].name;
    route.match.called = {fmt::format("^\\+1555{}", i)};
    route.to = {RouteToPeer{config.peers[i].name}};
    config.routes.push_back(std::move(route));
  }
  add_registrar(config, "phones", kPhonesDomain, "home");
  add_registrar(config, "desks", kDesksDomain, "");
  RouteConfig desks;
  desks.name = "to-desks";
  desks.match.called = {"^\\+15557"};
  desks.to = {RouteToRegistrar{"desks"}};
  config.routes.push_back(std::move(desks));
  return config;
}

}  // namespace sallyport::sim
