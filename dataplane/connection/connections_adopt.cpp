// connections_adopt.cpp — another configuration, while connections are open: who is who now, and who may
// stay. RFC 5922 §7
#include <algorithm>
#include <utility>

#include "dataplane/connection/connections.h"

namespace sallyport::dataplane {
namespace {

// Whether the peer that was known by this number is another now.
bool is_replaced(PeerIndex peer, const SbcConfig& before, const SbcConfig& now) {
  const std::size_t position = to_position(peer);
  if (peer == PeerIndex::kNone || position >= before.peers.size()) return false;
  return position >= now.peers.size() || before.peers[position].name != now.peers[position].name;
}

}  // namespace

void Connections::adopt(Timestamp now, SharedValue<SbcConfig> next,
                        SharedValue<policy::SourceClassifier> sources) {
  now_ = std::max(now_, now);
  const SharedValue<SbcConfig> before = std::exchange(config_, std::move(next));
  setup_.sources = std::move(sources);
  limits_ = config_->security.limits.tcp;
  limiter_.set_limits(config_->security.limits);
  handshake_shape_ = shape_of_handshakes(limits_);
  of_peer_.resize(std::max(of_peer_.size(), peer_places(*config_)));
  for (const std::uint64_t number : number_at_)
    if (Connection* connection = find(number)) judge_again(*connection, *before);
}

// As if it were opened now, but for the caps. What its certificate proved is still proved.
void Connections::judge_again(Connection& connection, const SbcConfig& before) {
  policy::SourceClass source = setup_.sources->classify(connection.realm, connection.remote.address);
  if (source.trust == TrustClass::Denied) return close(connection, Ending::NotAllowed);
  if (connection.direction == ConnectionDirection::Out) {
    if (!is_replaced(connection.peer, before, *config_)) return update(connection);
    // It has shown that it is the old one.
    if (connection.transport == Transport::Tls) return close(connection, Ending::NotAllowed);
    become(connection, source);
    return update(connection);
  }
  if (connection.wire.has_session() && connection.state != ConnectionState::Handshaking) {
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
