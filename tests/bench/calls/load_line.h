// load_line.h — one end of a SIP wire for load generators: a UDP socket, or a TCP or TLS connection, whose
// messages are cut by their Content-Length. RFC 3261 §18.3
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sallyport::bench {

// Says why and ends the process: a generator that can't work measures nothing.
[[noreturn]] void give_up(std::string_view what);

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;
// Shows that certificate, if any, and believes everybody: load does not test certificates.
[[nodiscard]] TlsContext make_tls_context(bool is_server, const std::string& certificate,
                                          const std::string& key);

// The calling thread makes its sockets in that network namespace from now on.
void enter_namespace(const std::string& name);

[[nodiscard]] sockaddr_in ipv4_endpoint(const std::string& address, std::uint16_t port);
// Connected to `to`; one that does not block yet. Gives up when nobody is there.
[[nodiscard]] int connect_socket(int kind, const sockaddr_in& own, const sockaddr_in& to);
[[nodiscard]] int listen_at(const sockaddr_in& own);

class Line {
 public:
  // Takes the socket. `tls`: both sides have yet to shake hands, which waits; null: in clear.
  Line(int socket, bool is_stream, SSL_CTX* tls, bool is_server);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line();

  void say(std::string_view message);
  // Whatever say() left. Call it once a turn; messages of one turn leave together.
  void flush();
  // Each message that is here by now. False: the other side has ended.
  bool hear(const std::function<void(std::string_view)>& on_message);

  [[nodiscard]] int socket() const noexcept { return socket_; }
  [[nodiscard]] bool is_stream() const noexcept { return is_stream_; }
  // Datagrams that Linux did not take.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  [[nodiscard]] std::ptrdiff_t receive(char* room, std::size_t size);
  void cut(const std::function<void(std::string_view)>& on_message);

  int socket_;
  bool is_stream_;
  SSL* tls_ = nullptr;
  std::string in_, out_;
  std::uint64_t lost_ = 0;
};

// The value of the first header with this name as Sallyport writes it; empty: none.
[[nodiscard]] std::string_view header_value(std::string_view message, std::string_view name) noexcept;

}  // namespace sallyport::bench
