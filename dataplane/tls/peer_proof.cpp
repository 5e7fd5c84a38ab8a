// peer_proof.cpp — OpenSSL verifies the chain; whom the certificate names is judged here.
#include "dataplane/tls/peer_proof.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>

#include "dataplane/tls/certificate_names.h"
#include "dataplane/tls/openssl_ptr.h"
#include "dataplane/tls/openssl_session.h"

namespace sallyport::dataplane {
namespace {

bool is_sip_domain_purpose(const ASN1_OBJECT* purpose) noexcept {
  std::array<char, 32> text{};
  return OBJ_obj2txt(text.data(), static_cast<int>(text.size()), purpose, 1) > 0 &&
         std::string_view(text.data()) == "1.3.6.1.5.5.7.3.20";  // id-kp-sipDomain
}

// RFC 5924 §4. Deviates: either of TLS's two purposes will do on either side, because a SIP server is client
// and server with one certificate, and public authorities no longer write the client's purpose into it.
bool may_speak_sip(X509* certificate) {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
    return false;
  if ((flags & EXFLAG_XKUSAGE) == 0) return true;
  constexpr std::uint32_t kTls = XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU;
  if ((X509_get_extended_key_usage(certificate) & kTls) != 0) return true;
  auto* purposes =
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(purposes) && !found; ++i)
    found = is_sip_domain_purpose(sk_ASN1_OBJECT_value(purposes, i));
  EXTENDED_KEY_USAGE_free(purposes);
  return found;
}

// X509_V_OK, or why not.
int verdict_on(X509_STORE_CTX* store) {
  if (X509_verify_cert(store) <= 0) {
    const int error = X509_STORE_CTX_get_error(store);
    return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
  }
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  if (ssl == nullptr || certificate == nullptr) return X509_V_ERR_UNSPECIFIED;
  if (!may_speak_sip(certificate)) return X509_V_ERR_INVALID_PURPOSE;
  OpensslSession* session = OpensslSession::of(ssl);
  std::vector<std::string> names = names_of(certificate).all();
  if (session->wish() != nullptr && !shows_name(names, session->wish()->name))
    return X509_V_ERR_HOSTNAME_MISMATCH;  // RFC 5922 §7.3
  session->set_claimed(std::move(names));
  return X509_V_OK;
}

bool is_in_time(const X509* certificate) noexcept {
  return X509_cmp_time(X509_get0_notBefore(certificate), nullptr) < 0 &&
         X509_cmp_time(X509_get0_notAfter(certificate), nullptr) > 0;
}

}  // namespace

int verify_peer(X509_STORE_CTX* store, void*) noexcept {
  const int verdict = verdict_on(store);
  X509_STORE_CTX_set_error(store, verdict);
  return verdict == X509_V_OK ? 1 : 0;
}

TlsResult result_of_verdict(long x509_verdict) noexcept {
  switch (x509_verdict) {
    case X509_V_OK:
      return TlsResult::Ok;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsResult::Expired;
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return TlsResult::WrongName;
    default:
      return TlsResult::Untrusted;
  }
}

ProofAgain prove_again(const SSL* ssl, std::string_view wanted) {
  ProofAgain out;
  const X509* certificate = SSL_SESSION_get0_peer(SSL_get_session(ssl));
  if (certificate != nullptr && SSL_get_verify_result(ssl) == X509_V_OK) {
    if (!is_in_time(certificate)) return {TlsResult::Expired, {}};
    out.names = names_of(certificate).all();
  }
  if (!wanted.empty() && !shows_name(out.names, wanted)) return {TlsResult::WrongName, {}};
  return out;
}

bool is_in_time(const SSL_SESSION* session) noexcept {
  const X509* certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return certificate == nullptr || is_in_time(certificate);
}

}  // namespace sallyport::dataplane
