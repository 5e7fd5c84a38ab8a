// own_names.cpp — our own address and domain as they are shown on one listener: RFC 3261 §18.1.1, §19.1.1,
// §25.1.
#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

std::string host_text(const IpAddress& address) {
  return address.is_v4() ? to_string(address) : "[" + to_string(address) + "]";
}

std::string with_port(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

}  // namespace

OwnNames own_names(const RealmConfig& realm, const Endpoint& listener, Transport transport) {
  const AdvertiseConfig& advertise = realm.advertise;
  const std::optional<IpAddress>& shown = listener.address.is_v4() ? advertise.ipv4 : advertise.ipv6;
  const std::string host = host_text(shown.value_or(listener.address));
  OwnNames names;
  // Via keeps an address: the answer must come back to this listener, not to whatever the domain resolves to.
  names.sent_by = with_port(host, listener.port);
  names.uri_host = advertise.domain.empty() ? host : advertise.domain;
  names.contact_host =
      listener.port == default_port(transport) ? names.uri_host : with_port(names.uri_host, listener.port);
  if (transport == Transport::Tcp) {
    names.via_transport = "TCP";
    names.contact_params = ";transport=tcp";
  } else if (transport == Transport::Tls) {
    names.via_transport = "TLS";  // RFC 3261 §26.2.2
    names.contact_params = ";transport=tls";
  }
  names.via_start = "SIP/2.0/" + names.via_transport + " " + names.sent_by + ";branch=";
  names.via_start += kBranchCookie;
  return names;
}

}  // namespace sallyport::sip
