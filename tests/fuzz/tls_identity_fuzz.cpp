// tls_identity_fuzz.cpp — whom a certificate names, for certificates that nobody honest wrote. RFC 5922 §7.
#include <openssl/err.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dataplane/tls/certificate_names.h"
#include "dataplane/tls/openssl_ptr.h"

using namespace sallyport;
using namespace sallyport::dataplane;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const unsigned char* at = bytes;
  const CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(size)));
  ERR_clear_error();
  if (!certificate) return 0;
  const CertificateNames names = names_of(certificate.get());
  ERR_clear_error();
  for (const std::string& name : names.sip_domains) {
    const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
             c == '*' || c == ':';
    });
    if (name.empty() || name.size() > 253 || !is_plain) std::abort();
    if (!shows_name(names, name)) std::abort();
    // A wildcard never stands for a plain name.
    if (name.starts_with("*.") && names.sip_domains.size() == 1 && shows_name(names, "a" + name.substr(1)))
      std::abort();
  }
  return 0;
}
