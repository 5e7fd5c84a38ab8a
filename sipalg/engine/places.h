// places.h — our own listeners: where each realm may send from, and how we show ourselves there.
#pragma once

#include <optional>
#include <vector>

#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {

struct Place {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint endpoint;
  Transport transport = Transport::Udp;
  OwnNames names;
  IpAddress shown;         // in SDP: the advertised address, or our own
  bool is_former = false;  // ListenerConfig::is_former
};

class Places {
 public:
  explicit Places(const SbcConfig& config);
  // Of the listener that the path begins at; null when there is none.
  [[nodiscard]] const Place* at(const Path& path) const noexcept;
  // The realm's first listener of the transport and the address family, former ones left out; null when there
  // is none.
  [[nodiscard]] const Place* towards(RealmIndex realm, const IpAddress& remote,
                                     Transport transport) const noexcept;

 private:
  std::vector<Place> places_;
};

[[nodiscard]] RealmIndex realm_named(const SbcConfig& config, std::string_view name) noexcept;

}  // namespace sallyport::sip
