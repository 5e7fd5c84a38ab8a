// validate_files.cpp — the files that a configuration names: there, readable, fitting, and secret where they
// should be.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "mgmt/config/quoted.h"
#include "mgmt/config/regular_file.h"
#include "mgmt/config/secret_line.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

struct CertificateDeleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct KeyDeleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using CertificatePtr = std::unique_ptr<X509, CertificateDeleter>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

// One file as it is named in the tree.
struct Named {
  YamlPlace place;
  std::string shown, path;
};

Named named(const Section& section, std::string_view key) {
  return {section.place(key), section.shown(key), section.file(key)};
}

// False after a report: there is no use in looking into it.
bool check_readable(const Checked& checked, const Named& file) {
  struct stat status{};
  std::string why;
  if (::stat(file.path.c_str(), &status) != 0) {
    why = std::strerror(errno);
  } else if (S_ISDIR(status.st_mode)) {
    why = "Is a directory";
  } else if (!S_ISREG(status.st_mode)) {
    why = "Not a regular file";  // reading a pipe or a device could wait for ever
  } else if (::access(file.path.c_str(), R_OK) != 0) {
    why = std::strerror(errno);
  } else {
    return true;
  }
  checked.problems.error(
      file.place, file.shown,
      {"can't read " + in_quotes(file.path) + ": " + why, "put a readable file there or name another"});
  return false;
}

bool check_secret(const Checked& checked, const Named& file) {
  if (!check_readable(checked, file)) return false;
  struct stat status{};
  if (::stat(file.path.c_str(), &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    checked.problems.warning(
        file.place, file.shown,
        {in_quotes(file.path) + " can be read or written by every user", "run chmod o-rw on it"});
  return true;
}

CertificatePtr read_certificate(const std::string& path) {
  const FilePtr file(std::fopen(path.c_str(), "re"));
  CertificatePtr certificate(file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  return certificate;
}

// Nobody can be asked for a passphrase while the daemon starts.
int no_passphrase(char*, int, int, void*) { return 0; }

KeyPtr read_key(const std::string& path) {
  const FilePtr file(std::fopen(path.c_str(), "re"));
  KeyPtr key(file ? PEM_read_PrivateKey(file.get(), nullptr, no_passphrase, nullptr) : nullptr);
  ERR_clear_error();
  return key;
}

CertificatePtr check_certificate(const Checked& checked, const Named& file) {
  if (!check_readable(checked, file)) return nullptr;
  CertificatePtr certificate = read_certificate(file.path);
  if (!certificate)
    checked.problems.error(file.place, file.shown,
                           {in_quotes(file.path) + " holds no certificate",
                            "write a PEM file that begins with BEGIN CERTIFICATE"});
  return certificate;
}

void check_pair(const Checked& checked, const Section& section) {
  CertificatePtr certificate;
  KeyPtr key;
  if (section.written("certificate") != nullptr)
    certificate = check_certificate(checked, named(section, "certificate"));
  if (section.written("key") == nullptr) return;
  const Named key_file = named(section, "key");
  if (!check_secret(checked, key_file)) return;
  key = read_key(key_file.path);
  if (!key) {
    checked.problems.error(key_file.place, key_file.shown,
                           {in_quotes(key_file.path) + " holds no private key without a passphrase",
                            "write a PEM file that begins with BEGIN PRIVATE KEY"});
    return;
  }
  const bool is_pair = !certificate || X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!is_pair)
    checked.problems.error(
        key_file.place, key_file.shown,
        {in_quotes(key_file.path) + " is not the key of " + in_quotes(section.file("certificate")),
         "name the key that the certificate was made with"});
}

void check_tls(const Checked& checked) {
  const Section tls = checked.root.child("tls");
  for (const Section& item : tls.items("certificates")) check_pair(checked, item);
  for (const Section& item : tls.items("authorities")) {
    const YamlNode* files = item.written("files");
    for (std::size_t i = 0; files != nullptr && i < files->items.size(); ++i) {
      const YamlNode& node = files->items[i];
      if (!node.is_scalar() || node.text.empty()) continue;
      (void)check_certificate(
          checked, {node.place, item.shown("files") + "[" + std::to_string(i) + "]", item.resolved(node)});
    }
  }
}

void check_passwords(const Checked& checked, const Section& peer) {
  for (const Section& item : peer.items("credentials")) {
    if (item.written("password_file") == nullptr) continue;
    const Named file = named(item, "password_file");
    if (check_secret(checked, file) && read_secret_line(file.path).empty())
      checked.problems.error(file.place, file.shown,
                             {in_quotes(file.path) + " holds no password",
                              "write it as the first line, with at most 1024 characters"});
  }
}

void check_each(const Checked& checked, const std::vector<Section>& items, std::string_view key,
                bool is_secret) {
  for (const Section& item : items) {
    if (item.written(key) == nullptr) continue;
    const Named file = named(item, key);
    (void)(is_secret ? check_secret(checked, file) : check_readable(checked, file));
  }
}

}  // namespace

void validate_files(const Checked& checked) {
  check_tls(checked);
  for (const Section& peer : checked.root.items("peers")) check_passwords(checked, peer);
  check_each(checked, checked.root.items("registrars"), "users_file", true);
  check_each(checked, checked.root.items("tables"), "file", false);
  const Section security = checked.root.child("security");
  check_each(checked, security.items("blocklists"), "file", false);
  check_each(checked, security.items("signatures"), "file", false);
  check_each(checked, {security.child("detectors").child("call_spam")}, "deny_file", false);
  check_each(checked, {checked.root.child("identity")}, "key", true);
  check_each(checked, checked.root.child("management").items("tokens"), "file", true);
}

}  // namespace sallyport::mgmt
