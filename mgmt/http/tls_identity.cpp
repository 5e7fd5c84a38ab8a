// tls_identity.cpp — files to an OpenSSL context. RFC 9325 §3.1, §4.2.
#include "mgmt/http/tls_identity.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <system_error>

namespace sallyport::mgmt {
namespace {

// Forward secrecy and authenticated encryption only.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

[[nodiscard]] FileStamp stamp_of(const std::string& path) {
  FileStamp out;
  std::error_code problem;
  out.changed = std::filesystem::last_write_time(path, problem);
  out.size = std::filesystem::file_size(path, problem);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) out.inode = status.st_ino;
  return out;
}

// OpenSSL's reason for what failed last on this thread.
[[nodiscard]] std::string why() {
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return reason == nullptr ? "it is not in PEM form" : reason;
}

[[nodiscard]] auto refused(const TlsIdentityFiles& files, const std::string& file) {
  return fail(fmt::format("certificate {} of management.tls_certificate: {} can't be used: {}", files.name,
                          file, why()));
}

[[nodiscard]] std::int64_t end_of(SSL_CTX* context) {
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  std::tm time{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 0;
  return ::timegm(&time);
}

}  // namespace

std::optional<TlsIdentityFiles> management_identity(const SbcConfig& config) {
  const std::string& name = config.management.tls_certificate;
  const auto found = std::ranges::find(config.tls.certificates, name, &CertificateConfig::name);
  if (name.empty() || found == config.tls.certificates.end()) return std::nullopt;
  return TlsIdentityFiles{name, found->certificate_file, found->key_file, config.tls.minimum_version,
                          found->warn_before};
}

Result<LoadedIdentity, std::string> load_identity(const TlsIdentityFiles& files) {
  // Before they are read: who changes them meanwhile is seen at the next look.
  LoadedIdentity out{
      .context = nullptr, .certificate = stamp_of(files.certificate), .key = stamp_of(files.key)};
  out.context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  SSL_CTX* const context = out.context->native_handle();
  const int version = files.minimum_version == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  SSL_CTX_set_options(context,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(context, version) != 1 || SSL_CTX_set_cipher_list(context, kCiphers) != 1)
    return refused(files, "OpenSSL");
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return refused(files, files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return refused(files, files.key);
  out.not_after = end_of(context);
  return out;
}

bool has_changed(const TlsIdentityFiles& files, const LoadedIdentity& loaded) {
  return stamp_of(files.certificate) != loaded.certificate || stamp_of(files.key) != loaded.key;
}

}  // namespace sallyport::mgmt
