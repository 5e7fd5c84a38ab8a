// peer_credentials.h — answers the challenges of configured peers, and of nobody else: RFC 3261 §22; RFC 7616
// §3.3 to §3.6; threats I3.
//
// What is asked is always: which peer was this very request sent to? A peer without credentials, a source
// that is no peer, and a realm that no credential of that peer is for get no answer, whoever the challenge
// came from in the first place. The last challenge of each peer is kept, so that its next request carries
// credentials at once (nc counts up). Each engine has its own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "sipalg/auth/digest.h"

namespace sallyport::sip {

// Challenges that one request may meet; the next one is its failure.
inline constexpr unsigned kChallengesPerRequest = 2;

class PeerCredentials {
 public:
  // `key`: random at each start; nobody must foresee our nonces.
  PeerCredentials(const SbcConfig& config, const HashKey& key);
  // Of one peer alone, whatever becomes of its place: for what was begun with these and must be ended.
  PeerCredentials(PeerIndex index, const PeerConfig& peer, const HashKey& key);
  ~PeerCredentials();

  // A peer of the same name and the same credentials goes on where it was, the others begin anew. What a
  // retired peer has stays, for calls through it.
  void adopt(const SbcConfig& next);

  [[nodiscard]] bool has_any(PeerIndex peer) const noexcept;
  // Whole header lines for a request to that peer; empty while it has not challenged us.
  [[nodiscard]] std::string lines_for(PeerIndex peer, const DigestSubject& subject);
  // Header lines with which the request that met this 401 or 407 may be sent once more; empty: it has failed.
  // `met`: challenges that it met before. The strongest algorithm that is offered is taken. RFC 8760 §2.4
  [[nodiscard]] std::string answer(PeerIndex peer, const SipMessage& challenge, const DigestSubject& subject,
                                   unsigned met);
  // A success may name the nonce for the next request. RFC 7616 §3.5
  void on_success(PeerIndex peer, const SipMessage& response);

 private:
  struct Session;
  struct Account {
    std::string peer;
    std::vector<Credential> credentials;               // not empty
    std::array<std::unique_ptr<Session>, 2> sessions;  // of the server itself, of a proxy
  };

  // Null: nothing is configured for that peer.
  [[nodiscard]] Account* account_of(PeerIndex peer) noexcept;
  [[nodiscard]] std::string lines_of(Account& account, const DigestSubject& subject);
  [[nodiscard]] std::string line(Session& session, bool is_proxy, const DigestSubject& subject);
  [[nodiscard]] std::string new_cnonce();

  HashKey key_;
  std::uint64_t cnonces_ = 0;
  std::map<PeerIndex, Account> accounts_;
};

}  // namespace sallyport::sip
