// egress_permits.h — which TCP connections that we opened may leave a port's namespace: nothing else in there
// may send a SYN, whoever it is.
#pragma once

#include "policy/base/ip_address.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

// On the stream thread only.
class EgressPermits {
 public:
  virtual ~EgressPermits() = default;
  // After bind, before connect. Bounded: false when there is no room, then connect would not get through.
  [[nodiscard]] virtual bool permit_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) = 0;
  // When the socket is closed; what is still on its way (FIN, its ACK) passes for a while longer.
  virtual void revoke_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) = 0;
};

}  // namespace sallyport::dataplane
