// tls_handshakes.h — does TLS handshakes on threads of their own, so that no flood of them delays signalling
// or the connections that are open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tls/tls_session.h"

namespace sallyport::dataplane {

// A session travels to a handshake thread with what the wire brought, and comes back with what it wants
// written; to and fro until its state is no longer Handshaking.
struct HandshakeStep {
  std::uint64_t connection = 0;
  std::unique_ptr<TlsSession> session;
  std::vector<std::uint8_t> from_wire;
  std::string early_plain;  // plain text that came with the last step
  TlsState state = TlsState::Handshaking;
};

class TlsHandshakes {
 public:
  // `waiting_max`: steps that may wait at once; beyond them submit() refuses.
  [[nodiscard]] static std::unique_ptr<TlsHandshakes> start(unsigned threads, std::size_t waiting_max);
  virtual ~TlsHandshakes() = default;  // ends the threads; sessions that wait are freed

  // False when too many wait: the step is still the caller's.
  [[nodiscard]] virtual bool submit(HandshakeStep& step) = 0;
  [[nodiscard]] virtual std::optional<HandshakeStep> take_done() = 0;
  // Readable while take_done() has something.
  [[nodiscard]] virtual int fd() const noexcept = 0;
  [[nodiscard]] virtual std::size_t waiting() const noexcept = 0;
};

}  // namespace sallyport::dataplane
