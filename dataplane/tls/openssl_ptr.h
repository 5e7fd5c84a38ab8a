// openssl_ptr.h — owners of OpenSSL's objects. Where OpenSSL counts references, one owner holds one of them.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sallyport::dataplane {

struct OpensslDeleter {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_STORE* store) const noexcept { X509_STORE_free(store); }
  void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter>;
using SslPtr = OpensslPtr<SSL>;
using SslContextPtr = OpensslPtr<SSL_CTX>;
using SslSessionPtr = OpensslPtr<SSL_SESSION>;
using BioPtr = OpensslPtr<BIO>;
using CertificatePtr = OpensslPtr<X509>;
using CertificateChainPtr = OpensslPtr<STACK_OF(X509)>;
using CertificateStorePtr = OpensslPtr<X509_STORE>;
using PrivateKeyPtr = OpensslPtr<EVP_PKEY>;

// Another reference to the same object.
[[nodiscard]] inline SslContextPtr share(const SslContextPtr& context) noexcept {
  if (context) SSL_CTX_up_ref(context.get());
  return SslContextPtr(context.get());
}
[[nodiscard]] inline CertificatePtr share(const CertificatePtr& certificate) noexcept {
  if (certificate) X509_up_ref(certificate.get());
  return CertificatePtr(certificate.get());
}
[[nodiscard]] inline CertificateStorePtr share(const CertificateStorePtr& store) noexcept {
  if (store) X509_STORE_up_ref(store.get());
  return CertificateStorePtr(store.get());
}
[[nodiscard]] inline PrivateKeyPtr share(const PrivateKeyPtr& key) noexcept {
  if (key) EVP_PKEY_up_ref(key.get());
  return PrivateKeyPtr(key.get());
}

}  // namespace sallyport::dataplane
