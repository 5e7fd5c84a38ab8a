// tls_material.cpp — a stamp says whether to look, a digest whether anything is new.
#include "dataplane/tls/tls_material.h"

#include <utility>

namespace sallyport::dataplane {
namespace {

std::vector<FileStamp> stamps_of(const std::vector<std::string>& files) {
  std::vector<FileStamp> out;
  for (const std::string& file : files) out.push_back(stamp_of(file));
  return out;
}

// Once, not every few seconds.
void tell_trouble(const std::string& what, std::string& last, std::vector<std::string>& told) {
  if (last != what) told.push_back(what + "; the old one stays in use");
  last = what;
}

}  // namespace

Result<TlsMaterial, std::string> TlsMaterial::read(const TlsConfig& config, bool needs_system) {
  TlsMaterial out;
  for (const CertificateConfig& certificate : config.certificates) {
    PairFiles& files = out.pairs_.emplace_back();
    files.config = certificate;
    files.stamps = stamps_of({certificate.certificate_file, certificate.key_file});
    auto loaded = load_pair(certificate.certificate_file, certificate.key_file);
    if (!loaded) return fail("certificate " + certificate.name + ": " + loaded.error());
    files.loaded = std::move(*loaded);
  }
  for (const AuthorityConfig& authority : config.authorities) {
    AuthorityFiles& files = out.authorities_.emplace_back();
    files.config = authority;
    files.stamps = stamps_of(authority.files);
    auto loaded = load_authorities(authority.files);
    if (!loaded) return fail("authority " + authority.name + ": " + loaded.error());
    files.loaded = std::move(*loaded);
  }
  if (needs_system) {
    auto loaded = load_system_authorities();
    if (!loaded) return fail("no tls.authorities are named, and the system's: " + loaded.error());
    out.system_ = std::move(*loaded);
  }
  return out;
}

bool TlsMaterial::read_pair(PairFiles& files, std::vector<std::string>& told) {
  std::vector<FileStamp> stamps = stamps_of({files.config.certificate_file, files.config.key_file});
  if (stamps == files.stamps) return false;
  auto loaded = load_pair(files.config.certificate_file, files.config.key_file);
  if (!loaded) {
    // Its other half may be on its way: the stamps stay old, so that the next look reads both again.
    tell_trouble("certificate " + files.config.name + ": " + loaded.error(), files.trouble, told);
    return false;
  }
  files.stamps = std::move(stamps);
  files.trouble.clear();
  if (loaded->digest == files.loaded.digest) return false;
  files.loaded = std::move(*loaded);
  told.push_back("certificate " + files.config.name + " was read again");
  return true;
}

bool TlsMaterial::read_authority(AuthorityFiles& files, std::vector<std::string>& told) {
  std::vector<FileStamp> stamps = stamps_of(files.config.files);
  if (stamps == files.stamps) return false;
  auto loaded = load_authorities(files.config.files);
  if (!loaded) {
    tell_trouble("authority " + files.config.name + ": " + loaded.error(), files.trouble, told);
    return false;
  }
  files.stamps = std::move(stamps);
  files.trouble.clear();
  if (loaded->digest == files.loaded.digest) return false;
  files.loaded = std::move(*loaded);
  told.push_back("authority " + files.config.name + " was read again");
  return true;
}

bool TlsMaterial::read_again(std::vector<std::string>& told) {
  bool is_new = false;
  for (PairFiles& files : pairs_) is_new = read_pair(files, told) || is_new;
  for (AuthorityFiles& files : authorities_) is_new = read_authority(files, told) || is_new;
  return is_new;
}

}  // namespace sallyport::dataplane
