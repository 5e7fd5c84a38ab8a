// tls_contexts.h — certificates, keys and authorities of the configuration as OpenSSL contexts, one for each
// TLS listener and each TLS peer; read again when the files change, without touching sessions that are open.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/tls_session.h"
#include "policy/base/result.h"
#include "policy/base/time.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

struct CertificateExpiry {
  std::string name;            // tls.certificates[].name
  std::int64_t not_after = 0;  // Unix seconds
  Duration warn_before{};
};

class TlsContexts {
 public:
  // Reads all files. The error names certificate and file.
  [[nodiscard]] static Result<std::unique_ptr<TlsContexts>, std::string> create(const SbcConfig& config);
  virtual ~TlsContexts() = default;

  // Any thread. Null when there is no memory.
  [[nodiscard]] virtual std::unique_ptr<TlsSession> accept_on(ListenerIndex listener) = 0;
  // `name`: the SAN that the peer must show where the configuration says `auto`: the target's domain, or its
  // address as text. RFC 5922 §4, §7.2
  [[nodiscard]] virtual std::unique_ptr<TlsSession> connect_to(PeerIndex peer, std::string_view name) = 0;

  // Any thread, every few seconds: files that changed are read again; a bad pair leaves the old one in use.
  // One sentence for each thing that was done or went wrong.
  // It waits for the disk.
  [[nodiscard]] virtual std::vector<std::string> refresh() = 0;
  // Another configuration: places that want what they had keep their context. On error nothing changes. It
  // waits for the disk. What was made is used from take_effect() on, which who knows listeners and peers by
  // their numbers calls when he takes the new numbers.
  [[nodiscard]] virtual Result<void, std::string> prepare(const SbcConfig& config) = 0;
  virtual void take_effect() noexcept = 0;
  // Both.
  [[nodiscard]] Result<void, std::string> reconfigure(const SbcConfig& config) {
    auto done = prepare(config);
    if (done) take_effect();
    return done;
  }
  // Any thread, now and then: the keys of tickets grow old.
  virtual void rotate_tickets(Timestamp now) = 0;
  [[nodiscard]] virtual std::vector<CertificateExpiry> expiries() const = 0;
};

}  // namespace sallyport::dataplane
