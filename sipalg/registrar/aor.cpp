// aor.cpp — RFC 3261 §10.3 step 5, §19.1.4.
#include "sipalg/registrar/aor.h"

#include "policy/model/index.h"
#include "policy/route/dialled.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

char folded(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

}  // namespace

std::string aor_of(const Uri& uri) {
  const bool is_sip = uri.scheme == UriScheme::Sip || uri.scheme == UriScheme::Sips;
  std::string_view host = uri.address.host;
  if (!is_sip || uri.user.empty() || host.empty()) return {};
  if (host.back() == '.') host.remove_suffix(1);  // the root may be written
  if (uri.user.size() + host.size() >= kAorBytesMax) return {};
  std::string aor = policy::unescaped_user(uri.user);
  if (aor.empty() || !is_plain(aor)) return {};
  aor.reserve(aor.size() + 1 + host.size());
  aor += '@';
  for (const char c : host) aor += folded(c);
  return aor;
}

// A user part holds no '@' that is not escaped.
std::string_view user_of(std::string_view aor) noexcept { return aor.substr(0, aor.find('@')); }

std::string_view domain_of(std::string_view aor) noexcept {
  const std::size_t at = aor.find('@');
  return at == std::string_view::npos ? std::string_view{} : aor.substr(at + 1);
}

std::string uri_of_aor(std::string_view aor) {
  std::string uri = "sip:";
  const std::string_view domain = domain_of(aor);
  const bool is_ipv6 = domain.find(':') != std::string_view::npos;
  uri.reserve(uri.size() + aor.size() + 2);
  uri.append(user_of(aor)).append(is_ipv6 ? "@[" : "@").append(domain).append(is_ipv6 ? "]" : "");
  return uri;
}

std::uint8_t shard_of_aor(const HashKey& key, std::string_view aor) noexcept {
  return static_cast<std::uint8_t>(keyed_hash(key, aor) % kShardCount);
}

}  // namespace sallyport::sip
