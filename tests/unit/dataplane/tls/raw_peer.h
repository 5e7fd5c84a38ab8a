// raw_peer.h — the other side made of plain OpenSSL, so that it can do what ours never does.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/tls/tls_session.h"

namespace sallyport::dataplane::test {

class RawClient {
 public:
  RawClient() : context_(SSL_CTX_new(TLS_client_method())) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    if (ssl_ != nullptr) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN);  // it may be resumed
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  [[nodiscard]] SSL_CTX* context() const noexcept { return context_; }
  // Once the context is as wished.
  SSL* begin() {
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
    return ssl_;
  }
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_; }

  // Turns of handshake and reading on both sides until nothing moves.
  TlsState run(TlsSession& server, std::string& at_server) {
    TlsState state = TlsState::Handshaking;
    for (bool moved = true; moved;) {
      if (SSL_do_handshake(ssl_) == 1) read();
      moved = give(server);
      state = server.advance(at_server, 1 << 20);
      moved = !server.to_wire().empty() || moved;
      BIO_write(SSL_get_rbio(ssl_), server.to_wire().data(), static_cast<int>(server.to_wire().size()));
      server.written(server.to_wire().size());
    }
    return state;
  }
  void read() {
    std::array<char, 4096> buffer{};
    SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
  }

 private:
  bool give(TlsSession& server) {
    std::array<std::uint8_t, 4096> octets{};
    bool moved = false;
    for (int got = 0; (got = BIO_read(SSL_get_wbio(ssl_), octets.data(), 4096)) > 0; moved = true)
      server.take(std::span(octets).first(static_cast<std::size_t>(got)));
    return moved;
  }

  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

}  // namespace sallyport::dataplane::test
