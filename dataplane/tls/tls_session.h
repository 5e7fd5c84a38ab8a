// tls_session.h — the TLS of one connection, without I/O: octets off the wire go in, octets for the wire and
// plain text come out. RFC 8446, RFC 5246, RFC 5922.
//
// The handshake is done by tls_handshakes.h on a thread of its own; from then on the session belongs to the
// thread of its connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

enum class TlsState : std::uint8_t {
  Handshaking,
  Open,
  Closed,  // the other side said close_notify
  Failed,  // see failure()
};

// Why a handshake or a session failed: values of the label `result` of sallyport_tls_handshakes_total.
enum class TlsResult : std::uint8_t {
  Ok,
  Protocol,       // no version or cipher in common, renegotiation, a broken record
  NoCertificate,  // the other side had none and must
  Untrusted,      // no authority of ours signed it
  Expired,        // or not yet valid
  WrongName,      // RFC 5922 §7
  Timeout,
  Refused,  // by an alert of the other side
  Closed,   // the connection ended in the middle
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(TlsResult::kCount)> kTlsResultNames{
    "ok", "protocol", "no_certificate", "untrusted", "expired", "wrong_name", "timeout", "refused", "closed"};
[[nodiscard]] constexpr std::string_view to_string(TlsResult result) noexcept {
  return kTlsResultNames[static_cast<std::size_t>(result)];
}

class TlsSession {
 public:
  virtual ~TlsSession() = default;

  // Octets off the wire. All of them are taken.
  virtual void take(std::span<const std::uint8_t> from_wire) = 0;
  // Goes on with handshake and records. Appends what arrived as plain text, at most `plain_max` octets of it;
  // when it appended as many there may be more. Octets for the wire may be left after any state, alerts too.
  [[nodiscard]] virtual TlsState advance(std::string& plain, std::size_t plain_max) = 0;
  // Plain text to send; only when Open. False: the session has failed.
  [[nodiscard]] virtual bool send(std::string_view plain) = 0;
  // Says close_notify.
  virtual void close() = 0;
  // Octets for the wire, and how many of them were written.
  [[nodiscard]] virtual std::span<const std::uint8_t> to_wire() const = 0;
  virtual void written(std::size_t octets) = 0;

  [[nodiscard]] virtual TlsResult failure() const noexcept = 0;  // Ok while not Failed
  [[nodiscard]] virtual std::string why() const = 0;             // one sentence for a log
  // The SIP identities that the other side's certificate proved against the authorities of this context: its
  // SAN URIs sip:DOMAIN (host part), else its SAN DNS names; in small letters; then its SAN addresses as
  // text. Empty: none shown, not verified, or not Open. Compare with shows_name() of certificate_names.h, for
  // a name may be a wildcard. RFC 5922 §7.1
  [[nodiscard]] virtual const std::vector<std::string>& proved_names() const noexcept = 0;
  [[nodiscard]] virtual std::size_t memory() const noexcept = 0;  // octets it holds in buffers
};

}  // namespace sallyport::dataplane
