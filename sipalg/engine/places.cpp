// places.cpp — listeners of the configuration as places.
#include "sipalg/engine/places.h"

namespace sallyport::sip {

Places::Places(const SbcConfig& config) {
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm)
    for (const ListenerConfig& listener : config.realms[realm].listen) {
      for (const IpAddress& address : listener.addresses) {
        const Endpoint endpoint{address, listener.port};
        const AdvertiseConfig& advertise = config.realms[realm].advertise;
        const auto& shown = address.is_v4() ? advertise.ipv4 : advertise.ipv6;
        places_.push_back({RealmIndex(realm), endpoint, listener.transport,
                           own_names(config.realms[realm], endpoint, listener.transport),
                           shown.value_or(address), listener.is_former});
      }
    }
}

const Place* Places::at(const Path& path) const noexcept {
  for (const Place& place : places_)
    if (place.realm == path.realm && place.transport == path.transport && place.endpoint == path.local)
      return &place;
  return nullptr;
}

const Place* Places::towards(RealmIndex realm, const IpAddress& remote, Transport transport) const noexcept {
  for (const Place& place : places_)
    if (place.realm == realm && place.transport == transport && !place.is_former &&
        place.endpoint.address.is_v4() == remote.is_v4())
      return &place;
  return nullptr;
}

RealmIndex realm_named(const SbcConfig& config, std::string_view name) noexcept {
  for (std::size_t i = 0; i < config.realms.size(); ++i)
    if (config.realms[i].name == name) return RealmIndex(i);
  return RealmIndex::kNone;
}

}  // namespace sallyport::sip
