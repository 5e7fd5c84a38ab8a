// connections_adopt.cpp — another configuration, while connections are open: who is who now, and who may
// stay. RFC 5922 §7
#include <algorithm>
#include <utility>

#include "dataplane/connection/connections.h"
#include "dataplane/packet/listener_table.h"

namespace sallyport::dataplane {
namespace {

// Whether the peer that was known by this number is another now.
bool is_replaced(PeerIndex peer, const SbcConfig& before, const SbcConfig& now) {
  const std::size_t position = to_position(peer);
  if (peer == PeerIndex::kNone || position >= before.peers.size()) return false;
  return position >= now.peers.size() || before.peers[position].name != now.peers[position].name;
}

bool same_files(const std::vector<AuthorityConfig>& a, const std::vector<AuthorityConfig>& b) {
  return std::ranges::equal(a, b, {}, &AuthorityConfig::files, &AuthorityConfig::files);
}

// Those that may vouch for the peer. As in tls_plan.h: its own, or all.
std::vector<AuthorityConfig> authorities_of(const PeerConfig& peer, const TlsConfig& tls) {
  if (peer.tls.authorities.empty()) return tls.authorities;
  std::vector<AuthorityConfig> own;
  for (const AuthorityConfig& authority : tls.authorities)
    if (std::ranges::find(peer.tls.authorities, authority.name) != peer.tls.authorities.end())
      own.push_back(authority);
  return own;
}

bool is_in_both(PeerIndex peer, const SbcConfig& before, const SbcConfig& now) {
  const std::size_t position = to_position(peer);
  return peer != PeerIndex::kNone && position < before.peers.size() && position < now.peers.size();
}

// Whether others vouch for the peer now than when the connection was secured.
bool has_other_authorities(PeerIndex peer, const SbcConfig& before, const SbcConfig& now) {
  if (!is_in_both(peer, before, now)) return false;
  const std::size_t position = to_position(peer);
  return !same_files(authorities_of(before.peers[position], before.tls),
                     authorities_of(now.peers[position], now.tls));
}

bool has_other_name(PeerIndex peer, const SbcConfig& before, const SbcConfig& now) {
  if (!is_in_both(peer, before, now)) return false;
  const std::size_t position = to_position(peer);
  return before.peers[position].tls.name != now.peers[position].tls.name;
}

}  // namespace

void Connections::adopt(Timestamp now, SharedValue<SbcConfig> next,
                        SharedValue<policy::SourceClassifier> sources, std::vector<ListeningSocket> opened) {
  now_ = std::max(now_, now);
  const SharedValue<SbcConfig> before = std::exchange(config_, std::move(next));
  setup_.sources = std::move(sources);
  const std::vector<Realm> realms_before = realms_;
  read_realms();
  mark_again(realms_before);
  if (setup_.tls != nullptr) setup_.tls->take_effect();  // its listeners and peers have the new numbers
  if (!stop_at_) follow_listeners(opened);
  limits_ = config_->security.limits.tcp;
  limiter_.set_limits(config_->security.limits);
  handshake_shape_ = shape_of_handshakes(limits_);
  of_peer_.resize(std::max(of_peer_.size(), peer_places(*config_)));
  for (const std::uint64_t number : number_at_)
    if (Connection* connection = find(number)) judge_again(*connection, *before);
}

// What is open already is marked as its realm says now.
void Connections::mark_again(const std::vector<Realm>& before) noexcept {
  for (const std::uint64_t number : number_at_) {
    const Connection* const connection = find(number);
    if (connection == nullptr || connection->wire.fd() < 0) continue;
    const std::size_t realm = to_position(connection->realm);
    if (realm >= before.size() || realm >= realms_.size() || before[realm].dscp == realms_[realm].dscp)
      continue;
    mark_stream(connection->wire.fd(), connection->remote.address.is_v4(), realms_[realm].dscp);
  }
}

void Connections::follow_listeners(std::vector<ListeningSocket>& opened) {
  std::vector<bool> stays(listeners_.size());
  for (std::size_t i = 0; i < stays.size(); ++i) stays[i] = !listeners_[i].fd;  // whoever takes a free place
  std::size_t index = 0;
  for (std::size_t realm = 0; realm < config_->realms.size(); ++realm) {
    const PortIndex port = realms_[realm].port;
    for (const ListenerConfig& listener : config_->realms[realm].listen) {
      const auto number = static_cast<ListenerIndex>(index++);
      if (!is_stream(listener.transport) || listener.is_former || port == PortIndex::kNone) continue;
      for (const IpAddress& address : addresses_of(listener, config_->ports[to_position(port)])) {
        const Endpoint local{address, listener.port};
        keep_listener({{}, number, RealmIndex(realm), port, listener.transport, local, local, {}}, opened,
                      stays);
      }
    }
  }
  for (std::size_t i = 0; i < stays.size(); ++i)
    if (!stays[i])
      listeners_[i] = {{}, ListenerIndex::kNone, RealmIndex::kNone, PortIndex::kNone, Transport::Tcp, {}, {},
                       {}};
}

// At an endpoint where somebody listens already it is the same socket, whosever it is now.
void Connections::keep_listener(Listener wanted, std::vector<ListeningSocket>& opened,
                                std::vector<bool>& stays) {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    Listener& known = listeners_[i];
    if (!known.fd || known.port != wanted.port || known.configured != wanted.configured) continue;
    if (i >= stays.size() || stays[i]) continue;  // somebody's already: port 0 is another one each time
    known.index = wanted.index;
    known.realm = wanted.realm;
    known.transport = wanted.transport;
    stays[i] = true;
    return;
  }
  const auto socket = std::ranges::find_if(opened, [&](const ListeningSocket& one) {
    return one.fd && one.port == wanted.port && one.local == wanted.configured;
  });
  // Nobody who could say why is near: it was opened before, so this is what another reload had opened.
  if (socket == opened.end()) return (void)open_listener(std::move(wanted));
  wanted.fd = std::move(socket->fd);
  (void)take_listener(std::move(wanted));
}

void Connections::close_blocked() {
  if (setup_.blocks == nullptr) return;
  const std::uint64_t edition = setup_.blocks->edition();
  if (std::exchange(blocks_edition_, edition) == edition) return;
  for (const std::uint64_t number : number_at_)
    if (Connection* connection = find(number);
        connection != nullptr && is_blocked(connection->remote.address, connection->trust))
      close(*connection, Ending::Blocked);
}

// As if it were opened now, but for the caps. What its certificate proved is still proved, unless a peer's
// name or authorities are others now: then it has to prove them anew.
void Connections::judge_again(Connection& connection, const SbcConfig& before) {
  policy::SourceClass source = setup_.sources->classify(connection.realm, connection.remote.address);
  if (source.trust == TrustClass::Denied) return close(connection, Ending::NotAllowed);
  if (connection.direction == ConnectionDirection::Out) {
    const bool is_tls = connection.transport == Transport::Tls;
    const bool is_other = is_replaced(connection.peer, before, *config_);
    // What it has shown is that it is the old one, or what is not asked for any more.
    if (is_tls && (is_other || has_other_name(connection.peer, before, *config_) ||
                   has_other_authorities(connection.peer, before, *config_)))
      return close(connection, Ending::NotAllowed);
    if (!is_other) return update(connection);
    become(connection, source);
    return update(connection);
  }
  if (connection.wire.has_session() && connection.state != ConnectionState::Handshaking) {
    if (connection.is_proved && has_other_authorities(connection.peer, before, *config_))
      return close(connection, Ending::NotAllowed);
    leave_ways(connection);
    const PeerIndex peer = peer_proved(connection.realm, connection.wire.tls()->proved_names());
    connection.is_proved = peer != PeerIndex::kNone;
    if (connection.is_proved) source = {TrustClass::Known, peer};
  }
  become(connection, source);
  const bool may_carry = connection.state == ConnectionState::Open && connection.pause != Pause::Lost;
  if (connection.is_proved && may_carry)
    ways_.add(Way::of_proved(connection.realm, connection.peer, connection.remote.address),
              connection.number);
  update(connection);
}

void Connections::become(Connection& connection, const policy::SourceClass& source) {
  if (connection.trust == source.trust && connection.peer == source.peer) return;
  if (std::exchange(connection.counts_at_source, false))
    caps_.give_back(connection.port, connection.remote.address);
  if (std::exchange(connection.counts_at_peer, false)) --of_peer_[to_position(connection.peer)];
  connection.trust = source.trust;
  connection.peer = source.peer;
  if (connection.waiting != nullptr)
    if (auto* arrived = std::get_if<StreamMessage::Arrived>(&connection.waiting->what)) {
      arrived->input.trust = source.trust;
      arrived->input.peer = source.peer;
    }
  if (!connection.is_stranger()) unfinished_ -= std::exchange(connection.unfinished, 0);
  if (connection.direction == ConnectionDirection::Out) return;
  if (source.trust == TrustClass::Known) {
    ++of_peer_[to_position(source.peer)];
    connection.counts_at_peer = true;
  } else if (connection.is_stranger()) {
    connection.counts_at_source =
        caps_.take(connection.port, connection.remote.address, limits_.connections_per_source);
  }
}

}  // namespace sallyport::dataplane
