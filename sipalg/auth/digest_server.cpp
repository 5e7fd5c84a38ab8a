// digest_server.cpp — nonces that prove themselves, and the proof of answers: RFC 7616 §3.3, §3.4; RFC 8760
// §2; RFC 3261 §22.4; threats I1, I2, P12.
#include "sipalg/auth/digest_server.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <system_error>

#include "sipalg/message/lexer.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/registrar/contact_uri.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kWordDigits = 11;  // 64 bits, six a digit
constexpr std::size_t kNonceDigits = 3 * kWordDigits;
constexpr std::size_t kAnswerBytesMax = 1024;  // of each text in it
constexpr std::size_t kCountDigits = 8;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kNonceAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// What an unknown user's password is measured against: no hash has this value.
constexpr std::string_view kNobody = "----------------------------------------------------------------";

// The first octets that a stranger gets are counted (engine/short_answer.h): no hexadecimal digits.
void add_word(std::string& out, std::uint64_t word) {
  for (unsigned shift = 6 * kWordDigits; shift != 0;) out += kNonceAlphabet[word >> (shift -= 6) & 63];
}

std::uint64_t word_in(std::string_view digits) noexcept {
  std::uint64_t word = 0;
  for (const char digit : digits) word = word << 6 | (kNonceAlphabet.find(digit) & 63);
  return word;
}

bool read_hex(std::string_view digits, std::uint64_t& value) noexcept {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return error == std::errc{} && end == digits.data() + digits.size();
}

std::string nonce_text(const HashKey& key, std::uint64_t time, const IpAddress& source,
                       std::string_view realm) {
  std::string proved(sizeof time, '\0');
  std::memcpy(proved.data(), &time, sizeof time);
  const auto& address = source.bytes();
  proved.append(reinterpret_cast<const char*>(address.data()), address.size());
  proved.append(realm);
  const Hash128 proof = keyed_hash128(key, proved);
  std::string text;
  text.reserve(kNonceDigits);
  add_word(text, time);
  add_word(text, proof.high);
  add_word(text, proof.low);
  return text;
}

bool is_equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

const EVP_MD* hash_of(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::Sha256 ? EVP_sha256() : EVP_md5();
}
std::size_t digits_of(DigestAlgorithm algorithm) noexcept {
  return algorithm == DigestAlgorithm::Sha256 ? 64 : 32;
}

// Of the pieces with colons between them, in small hexadecimal digits; empty where the system has no such
// hash.
std::string hash_text(DigestAlgorithm algorithm, std::initializer_list<std::string_view> pieces) {
  std::string text;
  for (const std::string_view& piece : pieces) {
    if (&piece != pieces.begin()) text += ':';
    text += piece;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned used = 0;
  if (EVP_Digest(text.data(), text.size(), bytes.data(), &used, hash_of(algorithm), nullptr) != 1) return {};
  std::string digits;
  digits.reserve(std::size_t{2} * used);
  for (unsigned i = 0; i < used; ++i) {
    digits += kHexDigits[bytes[i] >> 4];
    digits += kHexDigits[bytes[i] & 15];
  }
  return digits;
}

std::string_view without_quotes(std::string_view value) noexcept {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

// Reads the parameters of one Digest credentials, each at most once. Threats P12
class AnswerReader {
 public:
  [[nodiscard]] bool read(std::string_view value) noexcept {
    Lexer lexer(value);
    lexer.skip_space();
    if (!equals_ignoring_case(lexer.take_while<kToken>(), "digest") || !lexer.skip_space()) return false;
    while (true) {
      const std::string_view name = lexer.take_while<kToken>();
      lexer.skip_space();
      if (name.empty() || !lexer.take('=')) return false;
      lexer.skip_space();
      std::string_view text;
      if (lexer.next_is('"')) {
        if (!lexer.take_quoted_string(text)) return false;
      } else {
        text = lexer.take_while<kToken>();
      }
      if (!take(name, without_quotes(text))) return false;
      lexer.skip_space();
      if (lexer.done()) return has_all();
      if (!lexer.take(',')) return false;
      lexer.skip_space();
    }
  }
  [[nodiscard]] const DigestAnswer& answer() const noexcept { return answer_; }

 private:
  enum Said : unsigned { kUser = 1, kRealm = 2, kNonce = 4, kUri = 8, kResponse = 16, kOthers = 32 };

  [[nodiscard]] bool has_all() const noexcept { return (said_ & (kOthers - 1)) == kOthers - 1; }
  [[nodiscard]] bool once(unsigned which) noexcept {
    const bool is_first = (said_ & which) == 0;
    said_ |= which;
    return is_first;
  }
  [[nodiscard]] bool take(std::string_view name, std::string_view value) noexcept {
    const auto is = [name](std::string_view lower) { return equals_ignoring_case(name, lower); };
    if (value.size() > kAnswerBytesMax || !is_plain(value)) return false;
    if (is("username")) return once(kUser) && keep(value, answer_.user);
    if (is("realm")) return once(kRealm) && keep(value, answer_.realm);
    if (is("nonce")) return once(kNonce) && keep(value, answer_.nonce);
    if (is("uri")) return once(kUri) && keep(value, answer_.uri);
    if (is("response")) return once(kResponse) && keep(value, answer_.response);
    if (is("cnonce")) return once(kOthers) && keep(value, answer_.cnonce);
    if (is("algorithm")) return once(kOthers << 1) && take_algorithm(value);
    if (is("qop")) return once(kOthers << 2) && take_qop(value);
    if (is("nc")) return once(kOthers << 3) && take_count(value);
    return true;  // opaque, userhash and what is to come. RFC 7616 §3.4
  }
  static bool keep(std::string_view value, std::string_view& into) noexcept {
    into = value;
    return true;
  }
  [[nodiscard]] bool take_algorithm(std::string_view value) noexcept {
    if (equals_ignoring_case(value, "sha-256"))
      answer_.algorithm = DigestAlgorithm::Sha256;
    else if (!equals_ignoring_case(value, "md5"))
      return false;  // none that was offered
    return true;
  }
  [[nodiscard]] bool take_qop(std::string_view value) noexcept {
    answer_.qop = DigestQop::Auth;
    return equals_ignoring_case(value, "auth");
  }
  [[nodiscard]] bool take_count(std::string_view value) noexcept {
    std::uint64_t count = 0;
    if (value.size() != kCountDigits || !read_hex(value, count)) return false;  // RFC 7616 §3.4
    answer_.count = static_cast<std::uint32_t>(count);
    answer_.count_text = value;
    return true;
  }

  DigestAnswer answer_;
  unsigned said_ = 0;
};

// The digest was made with the URI that the client names; that must be the one that it asks for. RFC 7616
// §3.4.6
bool means(std::string_view named, std::string_view asked) noexcept {
  if (named == asked) return true;
  constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
  Lexer first(named), second(asked);
  Uri one, other;
  if (!parse_uri(first, kForgiving, one) || !parse_uri(second, kForgiving, other)) return false;
  one.params = other.params = one.headers = other.headers = {};  // many leave them out
  return is_same_uri(one, other);
}

}  // namespace

std::optional<DigestAnswer> digest_answer_of(const SipMessage& request, std::string_view realm,
                                             bool is_proxy) noexcept {
  const HeaderName wanted = is_proxy ? HeaderName::ProxyAuthorization : HeaderName::Authorization;
  for (std::size_t i = 0; i < request.header_count; ++i) {
    if (request.headers[i].name != wanted) continue;
    AnswerReader reader;
    if (reader.read(request.value_of(request.headers[i])) && reader.answer().realm == realm)
      return reader.answer();
  }
  return std::nullopt;
}

DigestOffer offer_for(const RegistrarUsers* users) noexcept {
  DigestOffer offer{.has_md5 = false, .has_sha256 = false};
  if (users != nullptr)
    for (const RegistrarUser& user : *users) {
      offer.has_md5 = offer.has_md5 || !user.ha1_md5.empty();
      offer.has_sha256 = offer.has_sha256 || !user.ha1_sha256.empty();
    }
  return offer.has_md5 || offer.has_sha256 ? offer : DigestOffer{};
}

std::optional<NonceUse> NonceUses::look_up(std::uint64_t nonce) const noexcept {
  for (const NonceUse& use : uses_)
    if (use.nonce == nonce) return use;
  return nonce <= floor_ ? std::nullopt : std::optional(NonceUse{.nonce = nonce, .count = 0});
}

void NonceUses::keep(const NonceUse& use) noexcept {
  const auto same = std::ranges::find(uses_, use.nonce, &NonceUse::nonce);
  NonceUse& kept = same != uses_.end() ? *same : *std::ranges::min_element(uses_, {}, &NonceUse::nonce);
  if (same == uses_.end()) floor_ = std::max(floor_, kept.nonce);
  kept = use;
}

std::string DigestServer::challenge(Timestamp now, const Endpoint& source, std::string_view realm,
                                    bool is_stale, bool is_proxy) const {
  const auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::string nonce = nonce_text(key_, time, source.address, realm);
  std::string lines;
  const auto add = [&](std::string_view algorithm) {
    lines.append(to_string(is_proxy ? HeaderName::ProxyAuthenticate : HeaderName::WwwAuthenticate));
    lines.append(": Digest realm=\"").append(realm).append("\", nonce=\"").append(nonce);
    lines.append("\", algorithm=").append(algorithm).append(", qop=\"auth\"");
    lines.append(is_stale ? ", stale=true\r\n" : "\r\n");
  };
  if (offer_.has_sha256) add("SHA-256");  // the preferred one first. RFC 8760 §2.4
  if (offer_.has_md5) add("MD5");
  return lines;
}

std::string DigestServer::short_challenge(Timestamp now, const Endpoint& source, std::string_view realm,
                                          bool is_stale) const {
  const auto time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::string line(to_string(HeaderName::WwwAuthenticate));
  line.append(": Digest realm=\"").append(realm).append("\",nonce=\"");
  line.append(nonce_text(key_, time, source.address, realm)).append("\",qop=\"auth\"");
  if (!offer_.has_md5) line.append(",algorithm=SHA-256");  // without a word it is MD5. RFC 7616 §3.3
  return line.append(is_stale ? ",stale=true\r\n" : "\r\n");
}

std::uint64_t DigestServer::nonce_number(Timestamp now, const Endpoint& source, std::string_view realm,
                                         std::string_view nonce) const noexcept {
  if (nonce.size() != kNonceDigits) return 0;
  const std::uint64_t time = word_in(nonce.substr(0, kWordDigits));  // of digits that are none of ours, any
  const auto at = static_cast<std::uint64_t>(now.time_since_epoch().count());
  if (time > at || at - time > static_cast<std::uint64_t>(kNonceLasts.count())) return 0;
  return is_equal_in_constant_time(nonce, nonce_text(key_, time, source.address, realm)) ? time : 0;
}

DigestVerdict DigestServer::verify(const DigestOccasion& occasion, const DigestAnswer& answer,
                                   const DigestSubject& subject, const RegistrarUser* user,
                                   NonceUse& use) const {
  const DigestAlgorithm algorithm = answer.algorithm;
  const bool is_sha256 = algorithm == DigestAlgorithm::Sha256;
  if (algorithm == DigestAlgorithm::Sha512_256 || !(is_sha256 ? offer_.has_sha256 : offer_.has_md5))
    return DigestVerdict::Missing;
  // Without qop nothing says how often a nonce was used: that form is not taken. RFC 7616 §3.4
  if (answer.qop != DigestQop::Auth || answer.count == 0 || answer.cnonce.empty())
    return DigestVerdict::Missing;
  const std::uint64_t nonce = nonce_number(occasion.now, occasion.source, answer.realm, answer.nonce);
  if (nonce == 0) return DigestVerdict::Stale;
  const std::string_view nobody = kNobody.substr(0, digits_of(algorithm));
  std::string_view ha1 = nobody;
  if (user != nullptr) ha1 = is_sha256 ? user->ha1_sha256 : user->ha1_md5;
  const bool is_known = user != nullptr && ha1.size() == nobody.size();
  if (!is_known) ha1 = nobody;
  const std::string a2 = hash_text(algorithm, {subject.method, answer.uri});
  const std::string expected = hash_text(
      algorithm, {ha1, answer.nonce, answer.count_text, answer.cnonce, "auth", a2});  // RFC 7616 §3.4.1
  const bool is_right = !expected.empty() && is_equal_in_constant_time(expected, answer.response);
  if (!is_right || !is_known || !means(answer.uri, subject.uri)) return DigestVerdict::Wrong;
  if (use.nonce == nonce && answer.count <= use.count)
    return DigestVerdict::Stale;  // RFC 7616 §3.4, threats I1
  use = {.nonce = nonce, .count = answer.count};
  return DigestVerdict::Right;
}

const RegistrarUser* find_user(const RegistrarUsers& users, std::string_view user,
                               std::string_view domain) noexcept {
  const auto [begin, end] = std::ranges::equal_range(
      users, user, {}, [](const RegistrarUser& one) { return std::string_view(one.user); });
  const RegistrarUser* of_any = nullptr;
  for (auto at = begin; at != end; ++at) {
    if (equals_ignoring_case(at->domain, domain)) return &*at;
    if (at->domain.empty()) of_any = &*at;
  }
  return of_any;
}

}  // namespace sallyport::sip
