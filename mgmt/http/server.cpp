// server.cpp — listens, and hands over who comes.
#include "mgmt/http/server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "mgmt/http/connection.h"
#include "mgmt/http/server_state.h"

namespace sallyport::mgmt {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

[[nodiscard]] asio::ip::address to_asio(const IpAddress& address) {
  if (address.is_v4()) return asio::ip::address_v4(address.v4_host_order());
  return asio::ip::address_v6(address.bytes());
}

[[nodiscard]] IpAddress from_asio(const asio::ip::address& address) {
  return address.is_v4() ? IpAddress::v4(address.to_v4().to_uint())
                         : IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { state_->close(); }

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::open(asio::io_context& loop,
                                                                  const Endpoint& listen,
                                                                  const Router& router,
                                                                  const HttpLimits& limits,
                                                                  const TlsIdentity* identity) {
  auto state = std::make_shared<State>(loop, router, limits);
  state->identity = identity;
  state->is_loopback = listen.address.is_loopback();
  const tcp::endpoint address(to_asio(listen.address), listen.port);
  ErrorCode error;
  state->acceptor().open(address.protocol(), error);
  if (!error) state->acceptor().set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor().bind(address, error);
  if (!error) state->acceptor().listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(
        fmt::format("can't listen on {} for HTTP: {}; choose another management.listen or end the "
                    "program that holds it",
                    to_string(listen), error.message()));
  state->accept_next();
  return std::make_unique<HttpServer>(std::move(state));
}

Endpoint HttpServer::local() const {
  const tcp::endpoint address = state_->acceptor().local_endpoint();
  return {from_asio(address.address()), address.port()};
}

}  // namespace sallyport::mgmt
