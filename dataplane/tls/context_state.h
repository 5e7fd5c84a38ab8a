// context_state.h — what belongs to one SSL_CTX and lives as long as it does, so that sessions of an older
// configuration keep theirs: keys of tickets, sessions to resume, certificates to choose from.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tls/certificate_names.h"
#include "dataplane/tls/openssl_ptr.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// A certificate with its key, as OpenSSL shows it.
struct KeyPair {
  CertificatePtr certificate;
  PrivateKeyPtr key;
  CertificateChainPtr chain;  // the authorities between it and its root; null: none
  CertificateNames names;
};

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{}, mac{};
};

// Tickets are sealed by the newest key and opened by it or the one before it. RFC 5077 §4, RFC 8446 §4.6.1
class TicketKeys {
 public:
  static constexpr Duration kKeyAge = std::chrono::hours(1);
  static constexpr long kTicketSeconds = 3600;

  TicketKeys() noexcept;
  [[nodiscard]] TicketKey newest() const noexcept;
  [[nodiscard]] std::optional<TicketKey> find(const std::uint8_t* name) const noexcept;
  // A new key once the newest is kKeyAge old. False: there was no randomness.
  bool rotate(Timestamp now) noexcept;

 private:
  mutable std::mutex mutex_;
  std::array<std::optional<TicketKey>, 2> keys_;  // the newest first
  std::optional<Timestamp> since_;
};

// A client's last session with each server. RFC 8446 §2.2
class ResumableSessions {
 public:
  static constexpr std::size_t kMax = 1024;

  void put(const std::string& server, SslSessionPtr session);
  // A session of TLS 1.3 is used once (RFC 8446 §C.4). Null: none, or its certificate has expired.
  [[nodiscard]] SslSessionPtr take(const std::string& server);
  [[nodiscard]] std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, SslSessionPtr> sessions_;
};

struct ContextState {
  TicketKeys tickets;
  ResumableSessions sessions;
  std::vector<KeyPair> choices;  // a server's, by the name in the client's hello; the first is the listener's

  [[nodiscard]] static ContextState* of(const SSL_CTX* context) noexcept;
  // Makes the state of a new context. False: no memory.
  [[nodiscard]] static bool attach(SSL_CTX* context);
};

}  // namespace sallyport::dataplane
