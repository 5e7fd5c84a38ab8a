// connection.h — one client's connection, in clear or over TLS: requests one after the other, or an answer
// that goes on. RFC 9112. Boost.Beast is in this file and its .cpp alone.
#pragma once

#include <array>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "mgmt/http/body_stream.h"
#include "mgmt/http/server_state.h"

namespace sallyport::mgmt {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(boost::asio::ip::tcp::socket socket, std::shared_ptr<HttpServer::State> server);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void read_next();
  void close();
  // Its turn among those that wait for their clients to say something; 0: it does not.
  [[nodiscard]] std::uint64_t waiting_since() const noexcept { return waiting_since_; }

 private:
  using ErrorCode = boost::system::error_code;
  using Clear = boost::beast::tcp_stream;
  using Secured = boost::beast::ssl_stream<Clear>;
  using Header = boost::beast::http::response<boost::beast::http::empty_body>;
  // What of a request its answer depends on.
  struct Manner {
    bool keep_alive = false, head_only = false, chunked = true;
  };

  template <class Work>
  void with_stream(Work work);
  [[nodiscard]] Clear& transport();
  void shake_hands();
  void on_request(ErrorCode error);
  [[nodiscard]] bool is_for_us(boost::beast::string_view host) const;
  void on_broken_request(ErrorCode error);
  void answer(HttpResponse answer, Manner manner);
  void send(HttpResponse answer, Manner manner);
  void finish();

  // An answer that goes on.
  void begin_stream(const HttpResponse& answer, Manner manner);
  void watch_reader();
  void send_waiting();
  void send_piece(std::string piece, bool is_last);
  template <class Fields>
  void fill(Fields& response, const HttpResponse& answer) const;

  std::shared_ptr<HttpServer::State> server_;
  std::variant<std::monostate, Clear, Secured> stream_;
  IpAddress source_;
  bool has_place_ = false, is_ready_ = false;
  std::uint64_t waiting_since_ = 0;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;

  std::shared_ptr<BodyStream> body_;  // of an answer that goes on
  Header header_;
  std::optional<boost::beast::http::response_serializer<boost::beast::http::empty_body>> serializer_;
  std::string piece_;  // on its way
  bool is_sending_ = false, is_chunked_ = true;
  std::array<char, 256> unasked_{};
};

}  // namespace sallyport::mgmt
