// server.cpp — the only translation unit with Boost.Beast: connections of the HTTP server. RFC 9112.
#include "mgmt/http/server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "mgmt/http/host_check.h"
#include "mgmt/net/accept_loop.h"

namespace sallyport::mgmt {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

class HttpConnection;

[[nodiscard]] asio::ip::address to_asio(const IpAddress& address) {
  if (address.is_v4()) return asio::ip::address_v4(address.v4_host_order());
  return asio::ip::address_v6(address.bytes());
}

[[nodiscard]] IpAddress from_asio(const asio::ip::address& address) {
  return address.is_v4() ? IpAddress::v4(address.to_v4().to_uint())
                         : IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

struct HttpServer::State : AcceptLoop<HttpServer::State, HttpConnection, tcp> {
  State(asio::io_context& loop, const Router& routes, const HttpLimits& bounds)
      : AcceptLoop(loop, bounds.connections_max), router(routes), limits(bounds) {}

  const Router& router;
  HttpLimits limits;
  bool is_loopback = true;
};

namespace {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(tcp::socket socket, std::shared_ptr<HttpServer::State> server)
      : stream_(std::move(socket)), server_(std::move(server)) {
    ErrorCode error;
    const tcp::endpoint remote = stream_.socket().remote_endpoint(error);
    if (!error) source_ = from_asio(remote.address());
    server_->enter(*this);
  }
  ~HttpConnection() { server_->leave(*this); }

  void read_next() {
    parser_.emplace();
    parser_->header_limit(server_->limits.header_bytes_max);
    parser_->body_limit(server_->limits.body_bytes_max);
    stream_.expires_after(server_->limits.request_time_max);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_request(error); });
  }
  void close() {
    ErrorCode ignored;
    stream_.socket().close(ignored);
    stream_.cancel();
  }

 private:
  void on_request(ErrorCode error) {
    if (server_->is_closed()) return;
    if (error) return on_broken_request(error);
    const auto& request = parser_->get();
    const std::size_t hosts = request.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && request.version() >= 11))  // RFC 9112 §3.2
      return send(problem(400, "Bad Request", "There must be exactly one Host."), false, false);
    const std::string_view method(request.method_string().data(), request.method_string().size());
    const std::string_view target(request.target().data(), request.target().size());
    if (hosts != 0 && !is_for_us(request[http::field::host]))  // RFC 9110 §7.4
      return send(
          problem(421, "Misdirected Request", "Host names another server; use an address or localhost."),
          false, method == "HEAD");
    if (request.count(http::field::authorization) > 1)  // RFC 9110 §5.3: it is no list
      return send(problem(400, "Bad Request", "There may be one Authorization."), false, method == "HEAD");
    const auto field = [&request](http::field name) {
      const beast::string_view value = request[name];
      return std::string_view(value.data(), value.size());
    };
    server_->router.answer({method, target, request.body(), field(http::field::authorization),
                            field(http::field::content_type), source_},
                           [self = shared_from_this(), keep_alive = request.keep_alive(),
                            head_only = method == "HEAD"](HttpResponse answer) {
                             if (!self->server_->is_closed())
                               self->send(std::move(answer), keep_alive, head_only);
                           });
  }

  // What listens for this machine alone has no name that leads to it but localhost; an open address may have
  // names that only its operator knows.
  [[nodiscard]] bool is_for_us(beast::string_view host) const {
    return !server_->is_loopback || is_local_host_name({host.data(), host.size()});
  }

  void on_broken_request(ErrorCode error) {
    if (error == http::error::header_limit)
      return send(problem(431, "Request Header Fields Too Large", "The header is too long."), false, false);
    if (error == http::error::body_limit)
      return send(problem(413, "Content Too Large", "The body is too long."), false, false);
    const bool peer_left = error == http::error::end_of_stream || error == http::error::partial_message ||
                           error == beast::error::timeout ||
                           error.category() != make_error_code(http::error::bad_method).category();
    if (!peer_left) send(problem(400, "Bad Request", "This is not HTTP/1.1."), false, false);
  }

  void send(HttpResponse answer, bool keep_alive, bool head_only) {
    response_ = {};
    response_.result(answer.status);
    response_.version(11);
    response_.set(http::field::content_type, answer.content_type);
    if (!answer.allow.empty()) response_.set(http::field::allow, answer.allow);
    if (!answer.authenticate.empty()) response_.set(http::field::www_authenticate, answer.authenticate);
    if (answer.retry_after_s != 0)
      response_.set(http::field::retry_after, std::to_string(answer.retry_after_s));
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("X-Frame-Options", "DENY");
    response_.set("Content-Security-Policy",
                  beast::string_view(answer.security_policy.data(), answer.security_policy.size()));
    response_.set("Referrer-Policy", "no-referrer");
    response_.content_length(answer.body.size());
    if (!head_only) response_.body() = std::move(answer.body);  // RFC 9110 §9.3.2
    response_.keep_alive(keep_alive);
    stream_.expires_after(server_->limits.answer_time_max);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep_alive](ErrorCode error, std::size_t) {
                        if (error || self->server_->is_closed()) return;
                        if (keep_alive) return self->read_next();
                        ErrorCode ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<HttpServer::State> server_;
  IpAddress source_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { state_->close(); }

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::open(asio::io_context& loop,
                                                                  const Endpoint& listen,
                                                                  const Router& router,
                                                                  const HttpLimits& limits) {
  auto state = std::make_shared<State>(loop, router, limits);
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
