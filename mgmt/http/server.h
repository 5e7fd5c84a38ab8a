// server.h — the embedded HTTP server (RFC 9112), in clear or over TLS, on the management thread's loop.
//
// Everything a client can make it hold is bounded: header and body octets, connections of all and of one
// source, and the time for a handshake, for a request to come whole, for an answer to be taken, and for an
// idle connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "mgmt/http/router.h"
#include "policy/base/ip_address.h"
#include "policy/base/result.h"

namespace boost::asio {
class io_context;
}

namespace sallyport::mgmt {

class TlsIdentity;

struct HttpLimits {
  std::uint32_t header_bytes_max = 8192;
  std::uint64_t body_bytes_max = 65536;
  std::size_t connections_max = 256;
  std::size_t connections_per_source_max = 32;  // of another machine
  std::chrono::milliseconds handshake_time_max{5'000};
  std::chrono::milliseconds request_time_max{10'000};  // also for idle connections
  std::chrono::milliseconds answer_time_max{10'000};
};

class HttpServer {
 public:
  // Port 0: any free one. `loop`, `router` and `identity` must outlive the server; no identity: no TLS. The
  // error says what can't be had.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>, std::string> open(
      boost::asio::io_context& loop, const Endpoint& listen, const Router& router,
      const HttpLimits& limits = {}, const TlsIdentity* identity = nullptr);
  ~HttpServer();  // closes the listener and all connections
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] Endpoint local() const;

  struct State;
  explicit HttpServer(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sallyport::mgmt
