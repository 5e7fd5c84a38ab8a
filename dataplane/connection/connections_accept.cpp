// connections_accept.cpp — connections that others open to us: who may, and who they are. Threats R8, I5, I6.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/connection/connections.h"
#include "dataplane/tls/certificate_names.h"

namespace sallyport::dataplane {
namespace {

// One that is not there any more, or that this very accept() found broken: the next may be good.
bool is_of_that_one(int error) noexcept {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM || error == ENETDOWN ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == ETIMEDOUT;
}

// What its certificate must show: the configured name, else whatever we reach it by. RFC 5922 §4, §7.2
bool goes_by(const PeerConfig& peer, const std::vector<std::string>& proved) {
  if (!peer.tls.name.empty()) return shows_name(proved, peer.tls.name);
  return std::any_of(peer.targets.begin(), peer.targets.end(), [&](const PeerTarget& target) {
    return shows_name(proved, target.address ? to_string(target.address->address) : target.domain);
  });
}

}  // namespace

void Connections::accept_from(Listener& listener) {
  for (std::size_t done = 0; done < kAcceptsOfTurn; ++done) {
    auto accepted = accept_one(listener.fd.get());
    if (accepted) {
      admit(listener, std::move(*accepted));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (!is_of_that_one(errno)) {
      // No descriptors or memory: it would stay readable, and we would do nothing else.
      counters_.refused.add(Refusal::NoResources);
      listener.again_at = now_ + kAcceptRetry;
      static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener.fd.get(), nullptr));
      return;
    }
  }
}

// Takes what it counts only when it returns nothing.
std::optional<Refusal> Connections::judge(const Listener& listener, const Accepted& accepted,
                                          Connection& facts) {
  const policy::SourceClass source = setup_.sources->classify(listener.realm, accepted.remote.address);
  facts.trust = source.trust;
  facts.peer = source.peer;
  if (source.trust == TrustClass::Denied) return Refusal::Denied;
  if (is_blocked(accepted.remote.address, source.trust)) return Refusal::Blocked;
  const std::size_t kept = facts.is_stranger() ? table_.capacity() / kStrangersShare : 0;
  if (table_.size() > table_.capacity() - kept - 1) return Refusal::AllConnections;
  if (source.trust == TrustClass::Known) {
    const std::size_t most = std::max<std::size_t>(table_.capacity() / 4, limits_.connections_per_source);
    std::uint32_t& count = of_peer_[to_position(source.peer)];
    if (count >= most) return Refusal::PeerConnections;
    ++count;
    facts.counts_at_peer = true;
    return std::nullopt;
  }
  if (!facts.is_stranger()) return std::nullopt;
  const PortIndex port = realms_[to_position(listener.realm)].port;
  if (!caps_.take(port, accepted.remote.address, limits_.connections_per_source))
    return Refusal::SourceConnections;
  facts.counts_at_source = true;
  if (listener.transport == Transport::Tls) {
    const auto key = handshake_rates_.key_of(accepted.remote.address, static_cast<std::uint16_t>(port));
    if (!handshake_rates_.take(key, handshake_shape_, now_)) {
      caps_.give_back(port, accepted.remote.address);
      return Refusal::HandshakeRate;
    }
  }
  return std::nullopt;
}

void Connections::admit(Listener& listener, Accepted accepted) {
  Connection facts{UniqueFd()};
  if (const auto refused = judge(listener, accepted, facts)) {
    counters_.refused.add(*refused);
    return close_with_reset(std::move(accepted.fd));
  }
  const Realm& realm = realms_[to_position(listener.realm)];
  set_up_stream(accepted.fd.get(), accepted.remote.address.is_v4(), realm.dscp);
  Connection* connection = insert(std::move(accepted.fd));
  if (connection == nullptr) {
    counters_.refused.add(Refusal::NoResources);
    if (facts.counts_at_source) caps_.give_back(realm.port, accepted.remote.address);
    if (facts.counts_at_peer) --of_peer_[to_position(facts.peer)];
    return;
  }
  connection->transport = listener.transport;
  connection->port = realm.port;
  connection->realm = listener.realm;
  connection->listener = listener.index;
  connection->local = connection->socket_local = listener.local;
  connection->remote = accepted.remote;
  connection->trust = facts.trust;
  connection->peer = facts.peer;
  connection->counts_at_source = facts.counts_at_source;
  connection->counts_at_peer = facts.counts_at_peer;
  connection->last_active = now_;
  ways_.heard_from(listener.realm, accepted.remote.address);
  counters_.opened[way_of(listener.transport)][static_cast<std::size_t>(ConnectionDirection::In)].add();
  counters_.active[way_of(listener.transport)][static_cast<std::size_t>(ConnectionDirection::In)].add();
  if (listener.transport != Transport::Tls) {
    connection->go_to(ConnectionState::Open, now_);
    return update(*connection);
  }
  std::unique_ptr<TlsSession> session =
      setup_.tls == nullptr ? nullptr : setup_.tls->accept_on(listener.index);
  begin_handshake(*connection, std::move(session));
}

// Only in the realm of that peer: a certificate opens no other door. One that a reload took out only when it
// is no other. RFC 5922 §7.3
PeerIndex Connections::peer_proved(RealmIndex realm, const std::vector<std::string>& names) const {
  PeerIndex retired = PeerIndex::kNone;
  for (std::size_t i = 0; i < config_->peers.size(); ++i) {
    const PeerConfig& peer = config_->peers[i];
    if (peer.transport != Transport::Tls || peer.realm != config_->realms[to_position(realm)].name) continue;
    if (!goes_by(peer, names)) continue;
    if (!peer.is_retired) return static_cast<PeerIndex>(i);
    if (retired == PeerIndex::kNone) retired = static_cast<PeerIndex>(i);
  }
  return retired;
}

}  // namespace sallyport::dataplane
