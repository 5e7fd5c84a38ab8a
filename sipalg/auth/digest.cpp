// digest.cpp — challenges read, credentials written: RFC 7616 §3.3, §3.4; RFC 8760 §2.
#include "sipalg/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <initializer_list>

#include "sipalg/message/lexer.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

struct AlgorithmName {
  std::string_view lower, shown;
  DigestAlgorithm algorithm;
  bool is_session;
};
constexpr std::array<AlgorithmName, 6> kAlgorithms{{
    {"md5", "MD5", DigestAlgorithm::Md5, false},
    {"md5-sess", "MD5-sess", DigestAlgorithm::Md5, true},
    {"sha-256", "SHA-256", DigestAlgorithm::Sha256, false},
    {"sha-256-sess", "SHA-256-sess", DigestAlgorithm::Sha256, true},
    {"sha-512-256", "SHA-512-256", DigestAlgorithm::Sha512_256, false},
    {"sha-512-256-sess", "SHA-512-256-sess", DigestAlgorithm::Sha512_256, true},
}};

std::string_view without_quotes(std::string_view value) noexcept {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    return value.substr(1, value.size() - 2);
  return value;
}

// A parameter may be said once; the bits say which were.
enum Said : unsigned { kRealm = 1, kNonce = 2, kOpaque = 4, kStale = 8, kAlgorithm = 16, kQop = 32 };

struct Draft {
  DigestChallenge challenge;
  bool is_digest = false;
  bool is_good = true;
  unsigned said = 0;
};

bool take_text(std::string_view value, std::string_view& into) noexcept {
  if (value.size() > kChallengeBytesMax || !is_plain(value)) return false;
  into = value;
  return true;
}

bool take_algorithm(std::string_view value, DigestChallenge& challenge) noexcept {
  for (const AlgorithmName& known : kAlgorithms) {
    if (!equals_ignoring_case(value, known.lower)) continue;
    challenge.algorithm = known.algorithm;
    challenge.is_session = known.is_session;
    challenge.names_algorithm = true;
    return true;
  }
  return false;
}

// auth where it is offered: a body that somebody on the way may change is no use to us. RFC 7616 §3.3
bool take_qop(std::string_view value, DigestChallenge& challenge) noexcept {
  bool has_auth = false, has_auth_int = false;
  const bool is_list = for_each_token(value, [&](std::string_view token) {
    has_auth = has_auth || equals_ignoring_case(token, "auth");
    has_auth_int = has_auth_int || equals_ignoring_case(token, "auth-int");
  });
  challenge.qop = has_auth ? DigestQop::Auth : DigestQop::AuthInt;
  return is_list && (has_auth || has_auth_int);
}

bool take_param(std::string_view name, std::string_view quoted, Draft& draft) noexcept {
  DigestChallenge& challenge = draft.challenge;
  const std::string_view value = without_quotes(quoted);
  const auto is = [name](std::string_view lower) { return equals_ignoring_case(name, lower); };
  const auto once = [&draft](Said which) {
    const bool is_first = (draft.said & which) == 0;
    draft.said |= which;
    return is_first;
  };
  if (is("realm")) return once(kRealm) && take_text(value, challenge.realm);
  if (is("nonce")) return once(kNonce) && take_text(value, challenge.nonce);
  if (is("algorithm")) return once(kAlgorithm) && take_algorithm(value, challenge);
  if (is("qop")) return once(kQop) && take_qop(value, challenge);
  if (is("opaque")) {
    challenge.has_opaque = true;
    return once(kOpaque) && take_text(value, challenge.opaque);
  }
  if (is("stale")) {
    challenge.is_stale = equals_ignoring_case(value, "true");
    return once(kStale);
  }
  return true;  // domain, charset, userhash and what is to come. RFC 7616 §3.3
}

void keep_if_whole(const Draft& draft, DigestChallenges& out) noexcept {
  if (!draft.is_digest || !draft.is_good) return;
  if ((draft.said & kRealm) == 0 || (draft.said & kNonce) == 0) return;
  (void)out.push_back(draft.challenge);
}

// What stands behind '='; false: neither token nor quoted string.
bool take_value(Lexer& lexer, std::string_view& value) noexcept {
  lexer.skip_space();
  if (lexer.next_is('"')) return lexer.take_quoted_string(value);
  value = lexer.take_while<kToken>();
  return !value.empty();
}

void skip_commas(Lexer& lexer) noexcept {
  do lexer.skip_space();
  while (lexer.take(','));
}

using HashText = std::string;

const EVP_MD* hash_of(DigestAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case DigestAlgorithm::Sha256:
      return EVP_sha256();
    case DigestAlgorithm::Sha512_256:
      return EVP_sha512_256();
    default:
      return EVP_md5();
  }
}

// In small hexadecimal digits; empty when there is no such hash (MD5 where the system forbids it). The text
// that was hashed may hold a password and is wiped.
HashText hash(DigestAlgorithm algorithm, std::initializer_list<std::string_view> pieces) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size() + 1;
  text.reserve(size);
  for (const std::string_view& piece : pieces) {
    if (&piece != pieces.begin()) text += ':';
    text += piece;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned used = 0;
  const bool done =
      EVP_Digest(text.data(), text.size(), bytes.data(), &used, hash_of(algorithm), nullptr) == 1;
  OPENSSL_cleanse(text.data(), text.size());
  HashText digits;
  for (unsigned i = 0; done && i < used; ++i) {
    digits += kDigits[bytes[i] >> 4];
    digits += kDigits[bytes[i] & 15];
  }
  return digits;
}

std::string count_text(std::uint32_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(8, '0');
  for (std::size_t i = text.size(); i-- > 0; count >>= 4) text[i] = kDigits[count & 15];
  return text;
}

std::string_view qop_text(DigestQop qop) noexcept { return qop == DigestQop::AuthInt ? "auth-int" : "auth"; }

std::string_view algorithm_text(const DigestChallenge& challenge) noexcept {
  for (const AlgorithmName& known : kAlgorithms)
    if (known.algorithm == challenge.algorithm && known.is_session == challenge.is_session)
      return known.shown;
  return {};
}

void add_quoted(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.size() > 7 ? ", " : "").append(name).append("=\"").append(value).append("\"");
}

// The configuration's own text in a quoted string. RFC 3261 §25.1
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

void parse_challenges(std::string_view value, DigestChallenges& out) noexcept {
  Lexer lexer(value);
  Draft draft;
  skip_commas(lexer);
  while (!lexer.done()) {
    const std::string_view word = lexer.take_while<kToken>();
    if (word.empty()) return;  // garbage: what was whole before it stays
    const bool had_space = lexer.skip_space();
    if (lexer.take('=')) {
      std::string_view text;
      if (!take_value(lexer, text)) return;
      draft.is_good = take_param(word, text, draft) && draft.is_good;
      lexer.skip_space();
      if (!lexer.done() && !lexer.next_is(',')) return;
    } else {
      if (!had_space) return;  // a scheme has parameters
      keep_if_whole(draft, out);
      draft = {};
      draft.is_digest = equals_ignoring_case(word, "digest");
    }
    skip_commas(lexer);
  }
  keep_if_whole(draft, out);
}

DigestChallenges challenges_of(const SipMessage& response) noexcept {
  DigestChallenges found;
  const HeaderName name =
      response.start.status_code == 407 ? HeaderName::ProxyAuthenticate : HeaderName::WwwAuthenticate;
  for (std::size_t i = 0; i < response.header_count; ++i)
    if (response.headers[i].name == name) parse_challenges(response.value_of(response.headers[i]), found);
  return found;
}

std::string_view next_nonce_of(const SipMessage& response) noexcept {
  for (std::size_t i = 0; i < response.header_count; ++i) {
    const HeaderField& field = response.headers[i];
    if (field.name != HeaderName::Other ||
        !equals_ignoring_case(response.name_of(field), "authentication-info"))
      continue;
    Lexer lexer(response.value_of(field));
    skip_commas(lexer);
    while (!lexer.done()) {
      const std::string_view name = lexer.take_while<kToken>();
      lexer.skip_space();
      std::string_view text, nonce;
      if (name.empty() || !lexer.take('=') || !take_value(lexer, text)) break;
      if (equals_ignoring_case(name, "nextnonce"))
        return take_text(without_quotes(text), nonce) ? nonce : std::string_view{};
      skip_commas(lexer);
    }
  }
  return {};
}

std::string digest_response(const DigestChallenge& challenge, const DigestUser& user,
                            const DigestSubject& subject, const DigestTurn& turn) {
  const DigestAlgorithm algorithm = challenge.algorithm;
  HashText a1 = hash(algorithm, {user.name, challenge.realm, user.password});
  if (challenge.is_session) a1 = hash(algorithm, {a1, challenge.nonce, turn.cnonce});  // RFC 7616 §3.4.2
  HashText a2 = challenge.qop == DigestQop::AuthInt
                    ? hash(algorithm, {subject.method, subject.uri, hash(algorithm, {subject.body})})
                    : hash(algorithm, {subject.method, subject.uri});  // RFC 7616 §3.4.3
  if (a1.empty() || a2.empty()) return {};
  HashText response = challenge.qop == DigestQop::None
                          ? hash(algorithm, {a1, challenge.nonce, a2})  // RFC 2617 §3.2.2.1
                          : hash(algorithm, {a1, challenge.nonce, count_text(turn.count), turn.cnonce,
                                             qop_text(challenge.qop), a2});  // RFC 7616 §3.4.1
  OPENSSL_cleanse(a1.data(), a1.size());
  return response;
}

std::string digest_credentials(const DigestChallenge& challenge, const DigestUser& user,
                               const DigestSubject& subject, const DigestTurn& turn) {
  const std::string response = digest_response(challenge, user, subject, turn);
  if (response.empty() || !is_plain(user.name) || !is_plain(subject.uri)) return {};
  std::string value = "Digest ";
  add_quoted(value, "username", escaped(user.name));
  add_quoted(value, "realm", challenge.realm);
  add_quoted(value, "nonce", challenge.nonce);
  add_quoted(value, "uri", subject.uri);
  add_quoted(value, "response", response);
  // Named only by who named it: an element of RFC 2069 knows none. RFC 7616 §3.4
  if (challenge.names_algorithm) value.append(", algorithm=").append(algorithm_text(challenge));
  if (challenge.qop != DigestQop::None || challenge.is_session) add_quoted(value, "cnonce", turn.cnonce);
  if (challenge.has_opaque) add_quoted(value, "opaque", challenge.opaque);
  if (challenge.qop != DigestQop::None)
    value.append(", qop=").append(qop_text(challenge.qop)).append(", nc=").append(count_text(turn.count));
  return value;
}

}  // namespace sallyport::sip
