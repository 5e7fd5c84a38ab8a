// media_targets.h — where media may be sent to: not to ourselves, but for a stream of another call of ours,
// nor to what reaches more or less than one host far away. RFC 3264 §8.4, RFC 6890; threats P11, M11.
#pragma once

#include <optional>
#include <vector>

#include "media-relay/control/port_pool.h"
#include "policy/model/sbc_config.h"

namespace sallyport::sip {

inline constexpr std::uint16_t kMediaPortMin = 1024;  // below: services, which have no use for RTP

class MediaTargets {
 public:
  explicit MediaTargets(const SbcConfig& config);

  // An unspecified address is no target at all: the caller looks for it before. IpAddress holds mapped IPv4
  // addresses as IPv4 ones, so that both ways of writing get the same answer.
  [[nodiscard]] bool is_allowed(const Endpoint& target) const noexcept;
  // The same without regard to the port: one host that is not we.
  [[nodiscard]] bool is_host(const IpAddress& address) const noexcept;
  // A target that is not allowed may still be a port that we have shown in this realm for a stream, by its
  // own address or the one advertised for it: a proxy in between has led the call back to us. That port then,
  // as the relay knows it.
  [[nodiscard]] std::optional<Endpoint> own_stream(RealmIndex realm, const Endpoint& target,
                                                   const media::PortPool& ports) const noexcept;

 private:
  std::vector<IpAddress> refused_;           // own ones, advertised ones, broadcast of own networks; sorted
  std::vector<AdvertiseConfig> advertised_;  // by realm
};

}  // namespace sallyport::sip
