// make_context.h — an SSL_CTX for a listener or a peer: versions, ciphers, what is switched off, and who is
// believed. RFC 9325, RFC 5922, RFC 7301.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/tls/context_state.h"
#include "dataplane/tls/openssl_ptr.h"
#include "policy/base/result.h"
#include "policy/model/realm.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

using ContextSignature = std::array<std::uint8_t, 32>;

// Pointers are borrowed for the call; what the context keeps it shares.
struct ContextRecipe {
  TlsVersion minimum_version = TlsVersion::Tls12;
  ContextSignature signature{};       // of all that follows; tickets of another one are not taken
  std::vector<const KeyPair*> pairs;  // the first is shown; a server chooses among all by the client's wish
  X509_STORE* authorities = nullptr;
  ClientCertificate client_certificate = ClientCertificate::None;  // a server's
};

[[nodiscard]] Result<SslContextPtr, std::string> make_server_context(const ContextRecipe& recipe);
[[nodiscard]] Result<SslContextPtr, std::string> make_client_context(const ContextRecipe& recipe);

}  // namespace sallyport::dataplane
