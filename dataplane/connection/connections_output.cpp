// connections_output.cpp — what shards want sent, asked and closed; connections that we open. RFC 3261
// §18.1.1, §18.2.2, §18.4; RFC 5923.
#include <sys/epoll.h>

#include <algorithm>
#include <type_traits>

#include "dataplane/connection/connections.h"

namespace sallyport::dataplane {

void Connections::handle(std::size_t shard, StreamOrder& order) {
  if (auto* sending = std::get_if<StreamOrder::Send>(&order.what)) {
    send(shard, *sending);
  } else if (const auto* closing = std::get_if<StreamOrder::Close>(&order.what)) {
    close_by_order(closing->connection);
  } else if (const auto* question = std::get_if<StreamOrder::Ask>(&order.what)) {
    if (setup_.ask)
      setup_.ask(shard, question->query);
    else
      on_dns_reply(shard, {.id = question->query.id, .is_answered = false, .message = {}});
  }
}

void Connections::on_dns_reply(std::uint64_t tag, const sip::DnsReply& reply) {
  StreamMessage::DnsAnswered answered{.id = reply.id,
                                      .is_answered = reply.is_answered,
                                      .message = {reply.message.begin(), reply.message.end()}};
  if (!posts_.post(tag, Lane::Known, std::make_unique<StreamMessage>(StreamMessage{std::move(answered)})))
    counters_.failures_lost.add();
  has_held_posts_ = true;
}

void Connections::send(std::size_t shard, StreamOrder::Send& order) {
  QueuedMessage message{
      .shard = shard, .path = order.path, .bytes = std::move(order.bytes), .given_at = now_};
  if (!send_by_any(message)) give_up(message);
}

bool Connections::send_by_any(QueuedMessage& message) {
  Connection* connection = find_way(message.path);
  if (connection == nullptr) connection = open_way(message.path);
  if (connection == nullptr || !put(*connection, message)) return false;
  make_dirty(*connection);
  return true;
}

// As new ones, but only once, only while somebody still waits for them, and no more than a connection keeps.
// One that arrives twice is a retransmission. RFC 3261 §17.2, §18.2.2
void Connections::send_again(std::vector<QueuedMessage> lost) {
  std::size_t messages = 0, octets = 0;
  for (QueuedMessage& message : lost) {
    const std::size_t size = message.bytes.size();
    const bool may = message.shard != QueuedMessage::kNobody && !message.is_again && size > 0 &&
                     now_ - message.given_at < kTransactionTime && messages < Unacknowledged::kMessagesMax &&
                     size <= Unacknowledged::kOctetsMax - octets;
    message.is_again = true;
    if (!may || !send_by_any(message)) {
      give_up(message);
      continue;
    }
    ++messages;
    octets += size;
    counters_.messages_again.add();
  }
}

// So that who says nothing more for long keeps no buffer of ours for long.
void Connections::look_after(Connection& connection) {
  if (connection.is_looked_after || connection.wire.is_all_acknowledged()) return;
  connection.is_looked_after = true;
  unacknowledged_.push_back({connection.number, now_ + kAcknowledgeTime});
}

void Connections::look_at_those_unacknowledged() {
  while (!unacknowledged_.empty() && unacknowledged_.front().at <= now_) {
    Connection* connection = find(unacknowledged_.front().connection);
    unacknowledged_.pop_front();
    if (connection == nullptr) continue;
    connection->is_looked_after = false;
    look_after(*connection);
  }
}

bool Connections::put(Connection& connection, QueuedMessage& message) {
  if (message.bytes == "\r\n\r\n") connection.awaits_pong = true;
  if (!connection.wire.queue().put(message, queue_bound(connection))) {
    counters_.queue_full.add();
    return false;
  }
  return true;
}

// The one that is named; else one that we opened to this target; else one on which the very peer has proved
// itself. Never another that the other side opened: whoever opened it may be anybody. RFC 5923 §8.2
Connection* Connections::find_way(const sip::Path& path) noexcept {
  const auto serves = [&](const Connection* one) {
    return one != nullptr && one->realm == path.realm && one->transport == path.transport &&
           one->state != ConnectionState::Lingering && !one->ends_when_flushed;
  };
  if (Connection* named = find(path.connection); serves(named)) return named;
  if (Connection* ours = find(ways_.find(Way::to_target(path))); serves(ours)) return ours;
  if (path.transport != Transport::Tls || path.peer == PeerIndex::kNone) return nullptr;
  Connection* proved = find(ways_.find(Way::of_proved(path.realm, path.peer, path.remote.address)));
  return serves(proved) ? proved : nullptr;
}

Connection* Connections::open_way(const sip::Path& path) {
  const Way way = Way::to_target(path);
  const bool is_tls = path.transport == Transport::Tls;
  const Realm& realm = realms_[to_position(path.realm)];
  // An endpoint is reached by what it opened; where that came from nobody listens. RFC 5626 §5.3
  const bool is_endpoints = registrar_of(*config_, path.peer) != nullptr;
  if (is_endpoints && (path.connection != 0 || is_tls)) return nullptr;
  // To whom TLS leads must be known: nothing goes to somebody who can't be told from others.
  if (stop_at_ || ways_.is_paused(way, now_) || realm.port == PortIndex::kNone) return nullptr;
  if (is_tls && (path.peer == PeerIndex::kNone || setup_.tls == nullptr)) return nullptr;
  const bool is_v4 = path.remote.address.is_v4();
  UniqueFd fd = setup_.sockets->make(realm.port, is_v4);
  if (!fd || !bind_to(fd.get(), {path.local.address, 0})) return nullptr;
  set_up_stream(fd.get(), is_v4, realm.dscp);
  const Endpoint own = local_endpoint(fd.get());
  if (setup_.permits != nullptr && !setup_.permits->permit_tcp(realm.port, own, path.remote)) return nullptr;
  const int error = begin_connect(fd.get(), path.remote);
  Connection* connection = error == 0 ? insert(std::move(fd)) : nullptr;
  if (connection == nullptr) {
    if (setup_.permits != nullptr) setup_.permits->revoke_tcp(realm.port, own, path.remote);
    ways_.failed(way, now_);
    return nullptr;
  }
  const policy::SourceClass source = setup_.sources->classify(path.realm, path.remote.address);
  const bool is_peers = path.peer != PeerIndex::kNone;
  connection->transport = path.transport;
  connection->direction = ConnectionDirection::Out;
  connection->port = realm.port;
  connection->realm = path.realm;
  connection->local = path.local;
  connection->socket_local = own;
  connection->remote = path.remote;
  connection->trust = is_peers ? TrustClass::Known : source.trust;
  connection->peer = is_peers ? path.peer : source.peer;
  for (const Listener& listener : listeners_)
    if (listener.realm == path.realm && listener.transport == path.transport && listener.local == path.local)
      connection->listener = listener.index;
  connection->go_to(ConnectionState::Connecting, now_);
  counters_.opened[way_of(path.transport)][static_cast<std::size_t>(ConnectionDirection::Out)].add();
  counters_.active[way_of(path.transport)][static_cast<std::size_t>(ConnectionDirection::Out)].add();
  ways_.add(way, connection->number);
  update(*connection);
  return connection;
}

void Connections::on_connected(Connection& connection) {
  if (socket_error(connection.wire.fd()) != 0) {
    report_connect_failure(connection);
    return close(connection, Ending::ConnectFailed);
  }
  if (connection.transport == Transport::Tls) {
    const sip::Path path{.realm = connection.realm,
                         .local = connection.local,
                         .remote = connection.remote,
                         .transport = Transport::Tls,
                         .peer = connection.peer};
    return begin_handshake(connection, setup_.tls->connect_to(connection.peer, name_of(path)));
  }
  ways_.succeeded({connection.realm, Transport::Tcp, PeerIndex::kNone, connection.local, connection.remote});
  connection.go_to(ConnectionState::Open, now_);
  connection.last_active = now_;
  make_dirty(connection);
  update(connection);
}

// The next messages to this target fail at once for a while: whoever sends them has other targets.
void Connections::report_connect_failure(const Connection& connection) {
  if (connection.direction != ConnectionDirection::Out) return;
  const bool is_tls = connection.transport == Transport::Tls;
  ways_.failed({connection.realm, connection.transport, is_tls ? connection.peer : PeerIndex::kNone,
                connection.local, connection.remote},
               now_);
}

void Connections::close_by_order(std::uint64_t number) {
  Connection* connection = find(number);
  if (connection == nullptr || connection->state == ConnectionState::Lingering) return;
  const bool was_lost = connection->pause == Pause::Lost && !connection->ends_when_flushed;
  finish(*connection, was_lost ? connection->ending : Ending::ByEngine);
}

// No better than that of a connection from there: what it brought before it died is heard first.
TrustClass Connections::class_of(const sip::Path& path) const noexcept {
  if (path.peer != PeerIndex::kNone) return TrustClass::Known;
  if (to_position(path.realm) >= realms_.size()) return TrustClass::Untrusted;
  return setup_.sources->classify(path.realm, path.remote.address).trust;
}

void Connections::give_up(const QueuedMessage& message) {
  if (message.shard == QueuedMessage::kNobody) return;
  counters_.messages_failed.add();
  StreamMessage::Failed failed{.path = message.path};
  const Lane lane = lane_of(class_of(message.path));
  if (!posts_.post(message.shard, lane, std::make_unique<StreamMessage>(StreamMessage{failed})))
    counters_.failures_lost.add();
}

void Connections::make_dirty(Connection& connection) {
  if (connection.is_dirty) return;
  connection.is_dirty = true;
  dirty_.push_back(connection.number);
}

// Once a turn, so that what many calls say over one connection leaves together.
void Connections::flush_dirty() {
  const std::vector<std::uint64_t> numbers = std::exchange(dirty_, {});
  for (const std::uint64_t number : numbers) {
    Connection* connection = find(number);
    if (connection == nullptr) continue;
    connection->is_dirty = false;
    flush(*connection);
  }
}

bool Connections::flush(Connection& connection) {
  const bool is_handshake = connection.state == ConnectionState::Handshaking;
  if (connection.state == ConnectionState::Connecting || connection.state == ConnectionState::Lingering)
    return true;
  const StreamWire::Flush flushed = connection.wire.flush(is_handshake);
  counters_.messages_out.add(connection.wire.take_messages_out());
  if (is_handshake) {
    if (flushed == StreamWire::Flush::Broken && connection.wire.tls() != nullptr) {
      fail_handshake(connection, TlsResult::Closed);
      return false;
    }
    update(connection);
    return true;
  }
  if (flushed == StreamWire::Flush::Broken) {
    close(connection, Ending::Reset);
    return false;
  }
  look_after(connection);
  if (flushed == StreamWire::Flush::Done) {
    connection.stalled_since.reset();
    if (connection.ends_when_flushed) {
      linger(connection, connection.ending);
      return true;
    }
  } else if (!connection.stalled_since || connection.stalled_octets != connection.wire.octets_out()) {
    connection.stalled_since = now_;
    connection.stalled_octets = connection.wire.octets_out();
  }
  look_at_unread(connection);
  update(connection);
  return true;
}

}  // namespace sallyport::dataplane
