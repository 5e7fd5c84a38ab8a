// certificate_names.h — which SIP domains a certificate speaks for, and whether one of them is the one that
// was wanted. RFC 5922 §7.1, §7.2.
#pragma once

#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

// In small letters, without a dot at the end. Only names made of letters, digits, hyphens, underscores and
// dots: a name with a NUL, with other octets or with a wildcard elsewhere than in its first label is as if it
// were not there.
struct CertificateNames {
  std::vector<std::string> sip_domains;  // hosts of SAN URIs sip:HOST, else SAN DNS names, else the CN
  std::vector<IpAddress> addresses;      // SAN IP addresses

  // sip_domains, then addresses as text.
  [[nodiscard]] std::vector<std::string> all() const;
};

inline constexpr int kNamesMax = 128;  // more are not looked at

[[nodiscard]] CertificateNames names_of(const X509* certificate);

// `wanted` is a domain, an address as text, or a wildcard "*.DOMAIN" that the operator wrote. A domain needs
// an equal name: a wildcard in the certificate is no match for it (RFC 5922 §7.2). A wildcard wanted is
// matched by the same wildcard and by one more label in front of its domain. Deviates: a wildcard never
// matches in RFC 5922, but services that show one exist; it takes the operator's word to accept it.
[[nodiscard]] bool shows_name(const CertificateNames& names, std::string_view wanted);
// The same for names that CertificateNames::all() gave.
[[nodiscard]] bool shows_name(const std::vector<std::string>& proved, std::string_view wanted);

// Whether a server of this name may show this certificate to a client that asks for `host` in its hello: the
// certificate's wildcards count, for the client is the one who judges them. RFC 6066 §3
[[nodiscard]] bool serves_host(const CertificateNames& names, std::string_view host);

// Small letters, no dot at the end.
[[nodiscard]] std::string plain_host(std::string_view host);

}  // namespace sallyport::dataplane
