// connections_handshake.cpp — TLS sessions on their way to the handshake threads and back, and whom a
// certificate proves. RFC 5922 §7, RFC 5923 §8; threats R9, I6.
#include <algorithm>

#include "dataplane/connection/connections.h"

namespace sallyport::dataplane {

bool Connections::take_handshakes() {
  if (setup_.handshakes == nullptr) return false;
  std::size_t taken = 0;
  while (taken < kStepsOfTurn) {
    auto step = setup_.handshakes->take_done();
    if (!step) break;
    ++taken;
    on_step(*step);
  }
  // There is room again for those whom the handshake threads had to refuse.
  for (std::size_t left = in_line_.size(); left > 0; --left) {
    Connection* connection = find(in_line_.front());
    in_line_.pop_front();
    if (connection == nullptr || connection->state != ConnectionState::Handshaking) continue;
    connection->is_in_line = false;
    submit(*connection);
    if (connection->is_in_line) break;
  }
  return taken == kStepsOfTurn;
}

void Connections::begin_handshake(Connection& connection, std::unique_ptr<TlsSession> session) {
  connection.go_to(ConnectionState::Handshaking, now_);
  if (session == nullptr || setup_.handshakes == nullptr)
    return fail_handshake(connection, TlsResult::Protocol);
  connection.wire.tls() = std::move(session);
  // Whoever opens the connection speaks first.
  if (connection.direction == ConnectionDirection::Out) submit(connection);
  update(connection);
}

void Connections::submit(Connection& connection) {
  HandshakeStep step;
  step.connection = connection.number;
  step.session = std::move(connection.wire.tls());
  step.from_wire = std::exchange(connection.held_from_wire, {});
  if (setup_.handshakes->submit(step)) return;
  connection.wire.tls() = std::move(step.session);
  connection.held_from_wire = std::move(step.from_wire);
  connection.is_in_line = true;
  in_line_.push_back(connection.number);
}

void Connections::read_handshake(Connection& connection) {
  for (int reads = 0; reads < kReadsOfTurn && connection.held_from_wire.size() < kHandshakeOctets; ++reads) {
    const StreamWire::Read got = connection.wire.read_raw(scratch_, connection.held_from_wire);
    if (got == StreamWire::Read::Nothing) break;
    if (got == StreamWire::Read::Octets) continue;
    connection.has_ended = true;
    break;
  }
  const bool has_session = connection.wire.tls() != nullptr && !connection.is_in_line;
  if (has_session && !connection.held_from_wire.empty()) submit(connection);
  // What came last may say why it ended.
  else if (has_session && connection.has_ended)
    return fail_handshake(connection, TlsResult::Closed);
  update(connection);
}

void Connections::on_step(HandshakeStep& step) {
  Connection* connection = find(step.connection);
  if (connection == nullptr || connection->state != ConnectionState::Handshaking) return;
  connection->wire.tls() = std::move(step.session);
  const StreamWire::Flush flushed = connection->wire.flush(true);
  switch (step.state) {
    case TlsState::Open:
      return on_secured(*connection, step.early_plain);
    case TlsState::Failed:
      return fail_handshake(*connection, connection->wire.tls()->failure());
    case TlsState::Closed:
      return fail_handshake(*connection, TlsResult::Closed);
    case TlsState::Handshaking:
      break;
  }
  if (flushed == StreamWire::Flush::Broken) return fail_handshake(*connection, TlsResult::Closed);
  if (!connection->held_from_wire.empty())
    submit(*connection);
  else if (connection->has_ended)
    return fail_handshake(*connection, TlsResult::Closed);
  update(*connection);
}

void Connections::on_secured(Connection& connection, std::string_view early_plain) {
  counters_.handshakes[to_position(connection.realm)].add(TlsResult::Ok);
  const std::vector<std::string>& names = connection.wire.tls()->proved_names();
  if (connection.direction == ConnectionDirection::Out) {
    connection.is_proved = true;  // the session would have failed
    ways_.succeeded({connection.realm, Transport::Tls, connection.peer, connection.local, connection.remote});
  } else if (const PeerIndex peer = peer_proved(connection.realm, names); peer != PeerIndex::kNone) {
    become(connection, {TrustClass::Known, peer});
    connection.is_proved = true;
    ways_.add(Way::of_proved(connection.realm, peer, connection.remote.address), connection.number);
  }
  connection.go_to(ConnectionState::Open, now_);
  connection.last_active = now_;
  if (const auto held = std::exchange(connection.held_from_wire, {}); !held.empty())
    connection.wire.tls()->take(held);
  connection.framer.take(early_plain);
  make_dirty(connection);
  read(connection);
}

void Connections::fail_handshake(Connection& connection, TlsResult why) {
  counters_.handshakes[to_position(connection.realm)].add(why);
  report_connect_failure(connection);
  close(connection, Ending::TlsFailed);
}

// What the certificate of the target must show where the configuration does not say. RFC 5922 §4
std::string Connections::name_of(const sip::Path& path) const {
  // An engine may know of a peer a moment before us.
  const std::size_t position = to_position(path.peer);
  if (setup_.targets == nullptr || position >= config_->peers.size()) return to_string(path.remote.address);
  const std::vector<PeerTarget>& configured = config_->peers[position].targets;
  const auto on_board = setup_.targets->targets_of(path.peer);  // which may be given another list meanwhile
  for (const auto& target : *on_board)
    if (target->address == path.remote && target->transport == Transport::Tls &&
        target->configured < configured.size() && !configured[target->configured].domain.empty())
      return configured[target->configured].domain;
  // Of one that a reload took out the board knows nothing more, and a registration is still to be taken back.
  const bool has_one_name = config_->peers[position].is_retired && configured.size() == 1;
  if (has_one_name && !configured.front().domain.empty()) return configured.front().domain;
  return to_string(path.remote.address);
}

}  // namespace sallyport::dataplane
