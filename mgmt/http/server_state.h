// server_state.h — what the connections of one HTTP server share. For http/ alone.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <map>

#include "mgmt/http/guess_limit.h"
#include "mgmt/http/server.h"
#include "mgmt/http/tls_identity.h"
#include "mgmt/net/accept_loop.h"

namespace sallyport::mgmt {

class HttpConnection;

struct HttpServer::State : AcceptLoop<HttpServer::State, HttpConnection, boost::asio::ip::tcp> {
  State(boost::asio::io_context& loop, const Router& routes, const HttpLimits& bounds)
      : AcceptLoop(loop, bounds.connections_max), router(routes), limits(bounds) {}

  // Whoever has kept us waiting for longest goes, so that a newcomer always finds room but for answers that
  // go on. False: nobody waits.
  [[nodiscard]] bool make_room();
  // In which order connections began to wait.
  [[nodiscard]] std::uint64_t next_turn() noexcept { return ++turns; }
  // Of one source; to be given back when true. This machine has no bound of its own.
  [[nodiscard]] bool take_place(const IpAddress& source) {
    if (source.is_loopback()) return true;
    std::size_t& taken = places[source_of(source)];
    return taken < limits.connections_per_source_max ? (++taken, true) : false;
  }
  void give_place_back(const IpAddress& source) {
    const auto found = places.find(source_of(source));
    if (found != places.end() && --found->second == 0) places.erase(found);
  }

  const Router& router;
  HttpLimits limits;
  bool is_loopback = true;
  const TlsIdentity* identity = nullptr;  // null: no TLS
  std::map<IpAddress, std::size_t> places;
  std::uint64_t turns = 0;
};

}  // namespace sallyport::mgmt
