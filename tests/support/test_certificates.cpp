// test_certificates.cpp — X.509 by OpenSSL's API: no program is started and no clock but OpenSSL's is read.
#include "tests/support/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sallyport::test {
namespace {

template <class Write>
std::string pem_of(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string out(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void add_octet_names(X509* certificate, const std::vector<std::string>& names) {
  GENERAL_NAMES* list = sk_GENERAL_NAME_new_null();
  for (const std::string& name : names) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
    GENERAL_NAME* entry = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    sk_GENERAL_NAME_push(list, entry);
  }
  X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT);
  GENERAL_NAMES_free(list);
}

void set_random_serial(X509* certificate) {
  std::array<unsigned char, 8> octets{};
  RAND_bytes(octets.data(), static_cast<int>(octets.size()));
  octets[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
}

void set_subject(X509* certificate, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.data()),
                             static_cast<int>(common_name.size()), -1, 0);
}

}  // namespace

TestCertificate TestCertificate::make(const CertificateWish& wish, const TestCertificate* issuer) {
  TestCertificate out;
  out.key_.reset(EVP_EC_gen("P-256"));
  out.certificate_.reset(X509_new());
  X509* certificate = out.certificate_.get();
  X509* signer = issuer == nullptr ? certificate : issuer->certificate();
  X509_set_version(certificate, 2);
  set_random_serial(certificate);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wish.begins_in);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.ends_in);
  set_subject(certificate, wish.common_name);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509_set_pubkey(certificate, out.key());
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  if (wish.is_authority) {
    add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  if (!wish.extended_key_usage.empty())
    add_extension(certificate, signer, NID_ext_key_usage, wish.extended_key_usage);
  if (!wish.alternative_names.empty())
    add_extension(certificate, signer, NID_subject_alt_name, wish.alternative_names);
  if (!wish.dns_octets.empty()) add_octet_names(certificate, wish.dns_octets);
  if (X509_sign(certificate, issuer == nullptr ? out.key() : issuer->key(), EVP_sha256()) == 0) std::abort();
  return out;
}

std::string TestCertificate::certificate_pem() const {
  return pem_of([this](BIO* bio) { PEM_write_bio_X509(bio, certificate()); });
}

std::string TestCertificate::key_pem() const {
  return pem_of(
      [this](BIO* bio) { PEM_write_bio_PrivateKey(bio, key(), nullptr, nullptr, 0, nullptr, nullptr); });
}

TestFolder::TestFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "sallyport-test-").string() + std::string(6, 'X');
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TestFolder::put(std::string_view name, std::string_view text) const {
  const std::string whole = path(name), part = whole + ".part";
  {
    std::ofstream file(part, std::ios::binary | std::ios::trunc);
    file << text;
  }
  std::filesystem::rename(part, whole);
  return whole;
}

}  // namespace sallyport::test
