// peer_credentials.cpp — which credential answers which challenge: RFC 3261 §22.1 to §22.3; RFC 7616 §3.3.
#include "sipalg/auth/peer_credentials.h"

#include <optional>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kCountMax = 0xffffffffu;

struct Choice {
  const DigestChallenge* challenge = nullptr;
  const Credential* credential = nullptr;
};

// A credential for a realm of its own goes before one for whatever realm. Threats I3: else none.
const Credential* credential_for(const std::vector<Credential>& credentials,
                                 std::string_view realm) noexcept {
  const Credential* any = nullptr;
  for (const Credential& credential : credentials) {
    if (credential.digest_realm == realm && !realm.empty()) return &credential;
    if (credential.digest_realm.empty() && any == nullptr) any = &credential;
  }
  return any;
}

// Of equal strength the first one. RFC 8760 §2.4
Choice strongest(const std::vector<Credential>& credentials, const DigestChallenges& challenges) noexcept {
  Choice best;
  for (const DigestChallenge& challenge : challenges) {
    if (best.challenge != nullptr && challenge.algorithm <= best.challenge->algorithm) continue;
    if (const Credential* const credential = credential_for(credentials, challenge.realm);
        credential != nullptr)
      best = {&challenge, credential};
  }
  return best;
}

}  // namespace

// A challenge that outlives its message.
struct PeerCredentials::Session {
  std::string realm, nonce, opaque;
  DigestChallenge terms;  // its views are set anew for each use
  std::string user, password;
  std::string first_cnonce;  // of -sess: what A1 was made with. RFC 7616 §3.4.2
  std::uint32_t count = 0;

  [[nodiscard]] DigestChallenge challenge() const noexcept {
    DigestChallenge whole = terms;
    whole.realm = realm;
    whole.nonce = nonce;
    whole.opaque = opaque;
    return whole;
  }
};

PeerCredentials::PeerCredentials(const SbcConfig& config, const HashKey& key) : key_(key) { adopt(config); }

PeerCredentials::PeerCredentials(PeerIndex index, const PeerConfig& peer, const HashKey& key) : key_(key) {
  if (!peer.credentials.empty())
    accounts_.emplace(index, Account{.peer = peer.name, .credentials = peer.credentials, .sessions = {}});
}

PeerCredentials::~PeerCredentials() = default;

void PeerCredentials::adopt(const SbcConfig& next) {
  std::map<PeerIndex, Account> accounts;
  for (std::size_t i = 0; i < next.peers.size(); ++i) {
    const PeerConfig& peer = next.peers[i];
    if (peer.credentials.empty()) continue;
    Account& account = accounts[PeerIndex(i)];
    const auto known = accounts_.find(PeerIndex(i));
    if (known != accounts_.end() && known->second.peer == peer.name &&
        known->second.credentials == peer.credentials)
      account.sessions = std::move(known->second.sessions);
    account.peer = peer.name;
    account.credentials = peer.credentials;
  }
  accounts_ = std::move(accounts);
}

bool PeerCredentials::has_any(PeerIndex peer) const noexcept { return accounts_.contains(peer); }

PeerCredentials::Account* PeerCredentials::account_of(PeerIndex peer) noexcept {
  const auto found = accounts_.find(peer);
  return found == accounts_.end() ? nullptr : &found->second;
}

std::string PeerCredentials::new_cnonce() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string counter = std::to_string(++cnonces_);
  const Hash128 random = keyed_hash128(key_, "cnonce " + counter);
  std::string text;
  for (const std::uint64_t word : {random.low, random.high})
    for (unsigned shift = 0; shift < 64; shift += 4) text += kDigits[word >> shift & 15];
  return text;
}

std::string PeerCredentials::line(Session& session, bool is_proxy, const DigestSubject& subject) {
  if (session.count == kCountMax) return {};
  std::string cnonce = new_cnonce();
  if (session.terms.is_session) {
    if (session.first_cnonce.empty()) session.first_cnonce = cnonce;
    cnonce = session.first_cnonce;
  }
  const std::string value = digest_credentials(session.challenge(), {session.user, session.password}, subject,
                                               {cnonce, session.count + 1});
  if (value.empty()) return {};
  ++session.count;
  return std::string(is_proxy ? "Proxy-Authorization: " : "Authorization: ") + value + "\r\n";
}

std::string PeerCredentials::lines_for(PeerIndex peer, const DigestSubject& subject) {
  Account* const account = account_of(peer);
  return account == nullptr ? std::string() : lines_of(*account, subject);
}

std::string PeerCredentials::lines_of(Account& account, const DigestSubject& subject) {
  std::string lines;
  for (const bool is_proxy : {false, true})
    if (account.sessions[is_proxy]) lines += line(*account.sessions[is_proxy], is_proxy, subject);
  return lines;
}

std::string PeerCredentials::answer(PeerIndex peer, const SipMessage& challenge, const DigestSubject& subject,
                                    unsigned met) {
  Account* const account = account_of(peer);
  if (account == nullptr) return {};  // threats I3
  const bool is_proxy = challenge.start.status_code == 407;
  std::unique_ptr<Session>& session = account->sessions[is_proxy];
  const auto challenges = challenges_of(challenge);  // the choice points into it
  const Choice choice = strongest(account->credentials, challenges);
  const bool is_same_door =
      session && choice.challenge != nullptr && session->realm == choice.challenge->realm;
  // Asked again by whom it was answered, and not because the nonce is old: the password is wrong. RFC 7616
  // §3.3
  const bool was_refused = met > 0 && is_same_door && !choice.challenge->is_stale;
  if (choice.challenge == nullptr || was_refused || met >= kChallengesPerRequest) {
    session.reset();
    return {};
  }
  const DigestChallenge& taken = *choice.challenge;
  if (!session || session->nonce != taken.nonce || !is_same_door) session = std::make_unique<Session>();
  session->realm = taken.realm;
  session->nonce = taken.nonce;
  session->opaque = taken.opaque;
  session->terms = taken;
  session->terms.realm = session->terms.nonce = session->terms.opaque = {};
  session->user = choice.credential->user;
  session->password = choice.credential->password;
  return lines_of(*account, subject);
}

void PeerCredentials::on_success(PeerIndex peer, const SipMessage& response) {
  Account* const account = account_of(peer);
  if (account == nullptr) return;
  const std::string_view next = next_nonce_of(response);
  if (next.empty()) return;
  for (std::unique_ptr<Session>& session : account->sessions) {
    if (!session || session->nonce == next) continue;
    session->nonce = next;
    session->count = 0;
    session->first_cnonce.clear();
    return;  // Authentication-Info is the server's own; a proxy has its own field. RFC 7616 §3.5
  }
}

}  // namespace sallyport::sip
