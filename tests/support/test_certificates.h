// test_certificates.h — certificates and keys made by a test for itself: authorities, chains, and everything
// that can be wrong with them; as PEM text, or as files in a folder that goes with the test.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::test {

struct CertificateWish {
  std::string common_name = "test";
  // As OpenSSL's configuration writes it: "DNS:sip.example.net,URI:sip:example.net,IP:198.18.1.2"; empty:
  // none.
  std::string alternative_names{};
  bool is_authority = false;
  long begins_in = -3600, ends_in = 30 * 86400;  // seconds from now
  std::string extended_key_usage{};              // as in "serverAuth"; empty: none
  std::vector<std::string> dns_octets{};         // SAN DNS names taken octet by octet, NUL and all
};

class TestCertificate {
 public:
  // Signed by `issuer`, or by itself when that is null. Keys are on P-256.
  [[nodiscard]] static TestCertificate make(const CertificateWish& wish,
                                            const TestCertificate* issuer = nullptr);

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;
  [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }
  [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }

 private:
  struct Free {
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
};

// A folder of its own, removed with all that is in it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  // Put in place as a whole, as a careful tool does it. The path.
  std::string put(std::string_view name, std::string_view text) const;
  [[nodiscard]] std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace sallyport::test
