// certificate_names.cpp — SAN and CN read octet by octet: no C string ever holds a stranger's name.
#include "dataplane/tls/certificate_names.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "dataplane/tls/openssl_ptr.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kHostOctetsMax = 253;
constexpr std::size_t kUriOctetsMax = 512;

bool is_host_octet(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

char to_small(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view text_of(const ASN1_STRING* string) noexcept {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// Nothing when it is not a name that a host can have.
std::optional<std::string> host_name(std::string_view text) {
  std::string_view body = text;
  if (body.starts_with("*.")) body.remove_prefix(2);
  if (body.ends_with('.')) body.remove_suffix(1);
  const bool is_host = !body.empty() && text.size() <= kHostOctetsMax && body.front() != '.' &&
                       body.back() != '.' && body.find("..") == std::string_view::npos &&
                       std::all_of(body.begin(), body.end(), is_host_octet);
  if (!is_host) return std::nullopt;
  return plain_host(text);
}

bool is_scheme_sip(std::string_view uri) noexcept {
  return uri.size() > 4 && to_small(uri[0]) == 's' && to_small(uri[1]) == 'i' && to_small(uri[2]) == 'p' &&
         uri[3] == ':';
}

// The host of "sip:HOST" with or without port, parameters and headers; nothing when there is a user part.
std::optional<std::string> sip_host(std::string_view uri) {
  if (uri.size() > kUriOctetsMax || !is_scheme_sip(uri)) return std::nullopt;
  if (uri.find('@') != std::string_view::npos) return std::nullopt;  // RFC 5922 §7.1
  std::string_view host = uri.substr(4);
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const auto address = IpAddress::parse(host.substr(1, end - 1));
    return address ? std::optional(to_string(*address)) : std::nullopt;
  }
  host = host.substr(0, host.find_first_of(":;?"));
  if (host.starts_with('*')) return std::nullopt;
  return host_name(host);
}

std::optional<IpAddress> ip_address(const ASN1_OCTET_STRING* octets) {
  const unsigned char* at = ASN1_STRING_get0_data(octets);
  switch (ASN1_STRING_length(octets)) {
    case 4:
      return IpAddress::v4_from_wire(at);
    case 16:
      return IpAddress::v6_from_wire(at);
    default:
      return std::nullopt;
  }
}

struct SanNames {
  std::vector<std::string> uris, dns;
  std::vector<IpAddress> addresses;
};

void add_name(const GENERAL_NAME* name, SanNames& out) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  if (value == nullptr) return;
  if (type == GEN_URI) {
    if (auto host = sip_host(text_of(static_cast<const ASN1_STRING*>(value)))) out.uris.push_back(*host);
  } else if (type == GEN_DNS) {
    if (auto host = host_name(text_of(static_cast<const ASN1_STRING*>(value)))) out.dns.push_back(*host);
  } else if (type == GEN_IPADD) {
    if (auto address = ip_address(static_cast<const ASN1_OCTET_STRING*>(value)))
      out.addresses.push_back(*address);
  }
}

// Only as a certificate without any SAN shows it. RFC 5922 §7.1
std::vector<std::string> common_names(const X509* certificate) {
  std::vector<std::string> out;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  for (int seen = 0; at >= 0 && seen < kNamesMax; ++seen) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, at);
    if (auto host = host_name(text_of(X509_NAME_ENTRY_get_data(entry)))) out.push_back(*host);
    at = X509_NAME_get_index_by_NID(subject, NID_commonName, at);
  }
  return out;
}

bool contains(const std::vector<std::string>& names, std::string_view wanted) {
  return std::find(names.begin(), names.end(), wanted) != names.end();
}

// "*.DOMAIN" covers LABEL.DOMAIN, and no more labels than one.
bool covers(std::string_view wildcard, std::string_view host) noexcept {
  if (!wildcard.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot != 0 && host.substr(dot) == wildcard.substr(1);
}

}  // namespace

std::string plain_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string out(host);
  std::transform(out.begin(), out.end(), out.begin(), to_small);
  return out;
}

std::vector<std::string> CertificateNames::all() const {
  std::vector<std::string> out = sip_domains;
  for (const IpAddress& address : addresses) out.push_back(to_string(address));
  return out;
}

CertificateNames names_of(const X509* certificate) {
  CertificateNames out;
  if (certificate == nullptr) return out;
  int critical = -1;
  const OpensslPtr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  if (!names) {
    // -1: none there. Else it is broken or there twice, and the certificate names nobody.
    if (critical == -1) out.sip_domains = common_names(certificate);
    return out;
  }
  SanNames san;
  const int count = std::min(sk_GENERAL_NAME_num(names.get()), kNamesMax);
  for (int i = 0; i < count; ++i) add_name(sk_GENERAL_NAME_value(names.get(), i), san);
  out.sip_domains = std::move(san.uris.empty() ? san.dns : san.uris);  // RFC 5922 §7.1
  out.addresses = std::move(san.addresses);
  return out;
}

bool shows_name(const std::vector<std::string>& proved, std::string_view wanted) {
  const std::string host = plain_host(wanted);
  if (host.empty()) return false;
  if (const auto address = IpAddress::parse(host)) return contains(proved, to_string(*address));
  if (contains(proved, host)) return true;  // RFC 5922 §7.2
  return std::any_of(proved.begin(), proved.end(),
                     [&host](const std::string& name) { return covers(host, name); });
}

bool shows_name(const CertificateNames& names, std::string_view wanted) {
  return shows_name(names.all(), wanted);
}

bool serves_host(const CertificateNames& names, std::string_view host) {
  const std::string plain = plain_host(host);
  return std::any_of(names.sip_domains.begin(), names.sip_domains.end(),
                     [&plain](const std::string& name) { return name == plain || covers(name, plain); });
}

}  // namespace sallyport::dataplane
