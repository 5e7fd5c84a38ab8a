// openssl_session.h — TlsSession on OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/openssl_ptr.h"
#include "dataplane/tls/tls_session.h"
#include "dataplane/tls/wire_bio.h"

namespace sallyport::dataplane {

// What a client wants of the server that it speaks to.
struct ServerWish {
  std::string name;          // that the certificate must show
  std::string hello_name;    // for the server's choice of a certificate; empty: none. RFC 6066 §3
  std::string resumes_with;  // sessions are resumed only where this is the same
};

class OpensslSession final : public TlsSession {
 public:
  // A handshake may bring so many octets, more than any honest one: chain and hellos.
  static constexpr std::size_t kHandshakeOctetsMax = 128 * 1024;

  // `context` is shared. Null: no memory.
  [[nodiscard]] static std::unique_ptr<TlsSession> accept(SSL_CTX* context);
  [[nodiscard]] static std::unique_ptr<TlsSession> connect(SSL_CTX* context, ServerWish wish);
  [[nodiscard]] static OpensslSession* of(const SSL* ssl) noexcept;
  OpensslSession(const OpensslSession&) = delete;
  OpensslSession& operator=(const OpensslSession&) = delete;
  ~OpensslSession() override;

  [[nodiscard]] const ServerWish* wish() const noexcept { return wish_.get(); }  // null: this is the server
  // For the callbacks: the names of a certificate whose chain is good, before its key was proved.
  void set_claimed(std::vector<std::string> names) { claimed_ = std::move(names); }
  void on_renegotiation() noexcept { is_renegotiated_ = true; }

 private:
  OpensslSession() = default;
  void take(std::span<const std::uint8_t> from_wire) override;
  [[nodiscard]] TlsState advance(std::string& plain, std::size_t plain_max) override;
  [[nodiscard]] bool send(std::string_view plain) override;
  void close() override;
  [[nodiscard]] std::span<const std::uint8_t> to_wire() const override { return wire_.out(); }
  void written(std::size_t octets) override { wire_.written(octets); }
  [[nodiscard]] TlsResult failure() const noexcept override { return failure_; }
  [[nodiscard]] std::string why() const override { return why_; }
  [[nodiscard]] const std::vector<std::string>& proved_names() const noexcept override { return proved_; }
  [[nodiscard]] std::size_t memory() const noexcept override { return wire_.memory(); }

  [[nodiscard]] static std::unique_ptr<OpensslSession> make(SSL_CTX* context);
  void shake_hands();
  void on_open();
  void read(std::string& plain, std::size_t plain_max);
  void on_error(int result);
  void fail(TlsResult result, std::string why);

  SslPtr ssl_;
  WireBuffers wire_;
  TlsState state_ = TlsState::Handshaking;
  TlsResult failure_ = TlsResult::Ok;
  bool is_renegotiated_ = false, is_closing_ = false;
  std::size_t handshake_octets_ = 0;
  std::unique_ptr<const ServerWish> wish_;
  std::vector<std::string> claimed_, proved_;
  std::string why_;
};

}  // namespace sallyport::dataplane
