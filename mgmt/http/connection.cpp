// connection.cpp — reads requests, asks the router, sends what it says. RFC 9110, RFC 9112.
#include "mgmt/http/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "mgmt/http/host_check.h"

namespace sallyport::mgmt {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t kPieceBytesMax = 65536;  // each has its time to be taken

[[nodiscard]] IpAddress from_asio(const asio::ip::address& address) {
  return address.is_v4() ? IpAddress::v4(address.to_v4().to_uint())
                         : IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

template <class Work>
void HttpConnection::with_stream(Work work) {
  if (auto* const secured = std::get_if<Secured>(&stream_)) return work(*secured);
  work(std::get<Clear>(stream_));
}

HttpConnection::Clear& HttpConnection::transport() {
  if (auto* const secured = std::get_if<Secured>(&stream_)) return secured->next_layer();
  return std::get<Clear>(stream_);
}

HttpConnection::HttpConnection(tcp::socket socket, std::shared_ptr<HttpServer::State> server)
    : server_(std::move(server)) {
  ErrorCode error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (!error) source_ = from_asio(remote.address());
  if (server_->identity != nullptr)
    stream_.emplace<Secured>(Clear(std::move(socket)), server_->identity->context());
  else
    stream_.emplace<Clear>(std::move(socket)), is_ready_ = true;
  has_place_ = server_->take_place(source_);
  server_->enter(*this);
}

HttpConnection::~HttpConnection() {
  if (body_) body_->leave();
  if (has_place_) server_->give_place_back(source_);
  server_->leave(*this);
}

bool HttpServer::State::make_room() {
  HttpConnection* longest = nullptr;
  for (HttpConnection* const one : connections())
    if (one->waiting_since() != 0 && (longest == nullptr || one->waiting_since() < longest->waiting_since()))
      longest = one;
  if (longest != nullptr) longest->close();
  return longest != nullptr;
}

void HttpConnection::close() {
  waiting_since_ = 0;
  ErrorCode ignored;
  transport().socket().close(ignored);
  transport().cancel();
}

void HttpConnection::shake_hands() {
  transport().expires_after(server_->limits.handshake_time_max);
  std::get<Secured>(stream_).async_handshake(asio::ssl::stream_base::server,
                                             [self = shared_from_this()](ErrorCode error) {
                                               if (error || self->server_->is_closed()) return;
                                               self->is_ready_ = true;
                                               self->read_next();
                                             });
}

void HttpConnection::read_next() {
  if (!has_place_) return;  // its source has as many as it may: the last one to hold it lets it go
  if (waiting_since_ == 0) waiting_since_ = server_->next_turn();
  if (!is_ready_) return shake_hands();
  parser_.emplace();
  parser_->header_limit(server_->limits.header_bytes_max);
  parser_->body_limit(server_->limits.body_bytes_max);
  transport().expires_after(server_->limits.request_time_max);
  with_stream([this](auto& stream) {
    http::async_read(stream, buffer_, *parser_,
                     [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_request(error); });
  });
}

void HttpConnection::on_request(ErrorCode error) {
  waiting_since_ = 0;
  if (server_->is_closed()) return;
  if (error) return on_broken_request(error);
  const auto& request = parser_->get();
  const std::size_t hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11))  // RFC 9112 §3.2
    return send(problem(400, "Bad Request", "There must be exactly one Host."), {});
  const std::string_view method(request.method_string().data(), request.method_string().size());
  const std::string_view target(request.target().data(), request.target().size());
  const Manner refused{.keep_alive = false, .head_only = method == "HEAD"};
  if (hosts != 0 && !is_for_us(request[http::field::host]))  // RFC 9110 §7.4
    return send(
        problem(421, "Misdirected Request", "Host names another server; use an address or localhost."),
        refused);
  if (request.count(http::field::authorization) > 1)  // RFC 9110 §5.3: it is no list
    return send(problem(400, "Bad Request", "There may be one Authorization."), refused);
  const auto field = [&request](http::field name) {
    const beast::string_view value = request[name];
    return std::string_view(value.data(), value.size());
  };
  const Manner manner{
      .keep_alive = request.keep_alive(), .head_only = method == "HEAD", .chunked = request.version() >= 11};
  server_->router.answer({method, target, request.body(), field(http::field::authorization),
                          field(http::field::content_type), source_},
                         [self = shared_from_this(), manner](HttpResponse answered) {
                           if (!self->server_->is_closed()) self->answer(std::move(answered), manner);
                         });
}

// What listens for this machine alone has no name that leads to it but localhost; an open address may have
// names that only its operator knows.
bool HttpConnection::is_for_us(beast::string_view host) const {
  return !server_->is_loopback || is_local_host_name({host.data(), host.size()});
}

void HttpConnection::on_broken_request(ErrorCode error) {
  if (error == http::error::header_limit)
    return send(problem(431, "Request Header Fields Too Large", "The header is too long."), {});
  if (error == http::error::body_limit)
    return send(problem(413, "Content Too Large", "The body is too long."), {});
  const bool peer_left = error == http::error::end_of_stream || error == http::error::partial_message ||
                         error == beast::error::timeout ||
                         error.category() != make_error_code(http::error::bad_method).category();
  if (!peer_left) send(problem(400, "Bad Request", "This is not HTTP/1.1."), {});
}

void HttpConnection::answer(HttpResponse answer, Manner manner) {
  if (!answer.stream) return send(std::move(answer), manner);
  body_ = answer.stream;
  if (manner.head_only) {
    body_->leave();  // RFC 9110 §9.3.2
    return send(std::move(answer), {.keep_alive = false, .head_only = true});
  }
  begin_stream(answer, manner);
}

template <class Fields>
void HttpConnection::fill(Fields& response, const HttpResponse& answer) const {
  response.result(answer.status);
  response.version(11);
  response.set(http::field::content_type, answer.content_type);
  if (!answer.allow.empty()) response.set(http::field::allow, answer.allow);
  if (!answer.authenticate.empty()) response.set(http::field::www_authenticate, answer.authenticate);
  if (!answer.disposition.empty()) response.set(http::field::content_disposition, answer.disposition);
  if (answer.retry_after_s != 0) response.set(http::field::retry_after, std::to_string(answer.retry_after_s));
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Content-Security-Policy",
               beast::string_view(answer.security_policy.data(), answer.security_policy.size()));
  response.set("Referrer-Policy", "no-referrer");
}

void HttpConnection::send(HttpResponse answer, Manner manner) {
  response_ = {};
  fill(response_, answer);
  response_.content_length(answer.body.size());
  if (!manner.head_only) response_.body() = std::move(answer.body);  // RFC 9110 §9.3.2
  response_.keep_alive(manner.keep_alive);
  transport().expires_after(server_->limits.answer_time_max);
  with_stream([this, keep_alive = manner.keep_alive](auto& stream) {
    http::async_write(stream, response_,
                      [self = shared_from_this(), keep_alive](ErrorCode error, std::size_t) {
                        if (error || self->server_->is_closed()) return;
                        if (keep_alive) return self->read_next();
                        self->finish();
                      });
  });
}

void HttpConnection::finish() {
  ErrorCode ignored;
  if (auto* const secured = std::get_if<Secured>(&stream_)) {
    transport().expires_after(server_->limits.answer_time_max);
    return secured->async_shutdown([self = shared_from_this()](ErrorCode) {});
  }
  transport().socket().shutdown(tcp::socket::shutdown_send, ignored);
}

void HttpConnection::begin_stream(const HttpResponse& answer, Manner manner) {
  is_chunked_ = manner.chunked;  // HTTP/1.0 knows the end by the connection's. RFC 9112 §6.3
  fill(header_, answer);
  header_.chunked(is_chunked_);
  header_.keep_alive(false);
  serializer_.emplace(header_);
  body_->follow([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self) self->send_waiting();
  });
  is_sending_ = true;
  transport().expires_never();  // of what is read from now on
  watch_reader();
  transport().expires_after(server_->limits.answer_time_max);
  with_stream([this](auto& stream) {
    http::async_write_header(stream, *serializer_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      self->is_sending_ = false;
      if (error || self->server_->is_closed()) return self->close();
      self->send_waiting();
    });
  });
}

// A client that goes, or that says anything more, ends it.
void HttpConnection::watch_reader() {
  with_stream([this](auto& stream) {
    stream.async_read_some(asio::buffer(unasked_), [self = shared_from_this()](ErrorCode, std::size_t) {
      self->body_->leave();
      self->close();
    });
  });
}

void HttpConnection::send_waiting() {
  if (server_->is_closed() || body_->was_cut()) return close();
  if (is_sending_) return;
  std::string piece = body_->take(kPieceBytesMax);
  const bool is_last = body_->is_over() && body_->waiting() == 0;
  if (!piece.empty() || is_last) send_piece(std::move(piece), is_last);
}

// RFC 9112 §7.1
void HttpConnection::send_piece(std::string piece, bool is_last) {
  piece_.clear();
  if (is_chunked_ && !piece.empty()) {
    constexpr const char* kHex = "0123456789abcdef";
    for (std::size_t shift = 2 * sizeof(std::size_t); shift-- > 0;) {
      const std::size_t digit = piece.size() >> (4 * shift) & 0xf;
      if (digit != 0 || !piece_.empty()) piece_ += kHex[digit];
    }
    piece_ += "\r\n" + piece + "\r\n";
  } else {
    piece_ = std::move(piece);
  }
  if (is_chunked_ && is_last) piece_ += "0\r\n\r\n";
  is_sending_ = true;
  transport().expires_after(server_->limits.answer_time_max);
  with_stream([this, is_last](auto& stream) {
    asio::async_write(stream, asio::buffer(piece_),
                      [self = shared_from_this(), is_last](ErrorCode error, std::size_t) {
                        self->is_sending_ = false;
                        // The last chunk has said that nothing is missing: no need to wait for the client.
                        if (error || is_last) return self->close();
                        self->send_waiting();
                      });
  });
}

}  // namespace sallyport::mgmt
