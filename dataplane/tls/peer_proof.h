// peer_proof.h — the verdict on the other side's certificate: chain, times, purpose, and the name that was
// wanted. RFC 5280 §6, RFC 5922 §7.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/tls_session.h"

namespace sallyport::dataplane {

// For SSL_CTX_set_cert_verify_callback(): chain first, then purpose and name.
int verify_peer(X509_STORE_CTX* store, void*) noexcept;

[[nodiscard]] TlsResult result_of_verdict(long x509_verdict) noexcept;

// A resumed session shows no certificate; the one that it began with must still be good.
struct ProofAgain {
  TlsResult result = TlsResult::Ok;
  std::vector<std::string> names;
};
[[nodiscard]] ProofAgain prove_again(const SSL* ssl, std::string_view wanted);
// Whether the certificate of this session is within its time. True when there is none.
[[nodiscard]] bool is_in_time(const SSL_SESSION* session) noexcept;

}  // namespace sallyport::dataplane
