// connections_input.cpp — from octets to messages to shards, each connection in its turn. RFC 3261 §18.3,
// RFC 5626 §4.4.1; threats P2, P14, P15, R8.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

#include "dataplane/connection/connections.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::dataplane {

using Frame = sip::StreamFramer::Frame;
using Kind = sip::StreamFramer::Kind;

// Frames that are there already go first: the framer never holds more than one message and one piece.
void Connections::read(Connection& connection) {
  int reads = 0;
  for (int frames = 0; connection.pause == Pause::None && connection.state == ConnectionState::Open;) {
    if (frames >= kMessagesOfTurn) {
      make_ready(connection);
      break;
    }
    const Frame frame = connection.framer.next();
    Step step = Step::Goes;
    if (frame.kind == Kind::NeedMore) {
      step = read_more(connection, reads);
    } else {
      ++frames;
      step = take_frame(connection, frame);
    }
    if (step == Step::Gone) return;
    if (step == Step::Rests) break;
  }
  if (connection.awaits_pong && connection.framer.take_pong()) {
    connection.awaits_pong = false;
    connection.last_active = now_;
  }
  if (!watch_progress(connection)) return;
  if (connection.wire.has_output()) make_dirty(connection);
  update(connection);
}

// After each attempt to send. Both ends may do so to each other, each waiting for the other to read: so even
// then a turn's share is read from time to time, until somebody's queue is short again or Linux has taken
// nothing for kStallTime.
void Connections::look_at_unread(Connection& connection) {
  if (connection.state != ConnectionState::Open) return;
  const std::size_t unsent = connection.wire.queue().octets(), bound = queue_bound(connection);
  if (connection.pause == Pause::None && unsent > bound / kUnreadShare) {
    connection.pause = Pause::Unread;
    connection.retry_at = now_ + Connection::kUnreadRetry;
  } else if (connection.pause == Pause::Unread && unsent <= bound / kUnreadShare / 2) {
    read_again(connection);
  }
}

void Connections::read_again(Connection& connection) {
  connection.pause = Pause::None;
  connection.retry_at.reset();
  if (connection.message_since) connection.message_since = now_;  // the pause was ours
  make_ready(connection);
}

Connections::Step Connections::read_more(Connection& connection, int& reads) {
  if (reads++ >= kReadsOfTurn) {
    make_ready(connection);
    return Step::Rests;
  }
  switch (connection.wire.read(scratch_, plain_)) {
    case StreamWire::Read::Octets:
      connection.framer.take(plain_);
      return Step::Goes;
    case StreamWire::Read::Partial:
      return Step::Goes;
    case StreamWire::Read::Nothing:
      return Step::Rests;
    case StreamWire::Read::End:
      on_end(connection, Ending::ByPeer);
      return Step::Gone;
    case StreamWire::Read::Broken:
      on_end(connection, Ending::Reset);
      return Step::Gone;
    case StreamWire::Read::TlsFailed:
      on_end(connection, Ending::TlsFailed);
      return Step::Gone;
  }
  return Step::Rests;
}

Connections::Step Connections::take_frame(Connection& connection, const Frame& frame) {
  switch (frame.kind) {
    case Kind::NeedMore:
      break;
    case Kind::Message:
      connection.message_since.reset();
      return offer(connection, frame.bytes, false);
    case Kind::KeepAlive: {
      connection.message_since.reset();
      connection.last_active = now_;
      QueuedMessage pong{.shard = QueuedMessage::kNobody, .path = {}, .bytes = "\r\n"};
      // One that is full has been sent enough. RFC 5626 §4.4.1
      if (connection.wire.queue().put(pong, kQueueOctets)) make_dirty(connection);
      return Step::Goes;
    }
    case Kind::NotSip:
      if (connection.has_spoken) {  // what came before it is still answered
        connection.ending = Ending::NotSip;
        connection.pause = Pause::Lost;
        connection.lost_at = now_;
        return Step::Rests;
      }
      close(connection, Ending::NotSip);
      return Step::Gone;
    case Kind::FramingLost:
    case Kind::TooLarge:
      connection.ending = frame.kind == Kind::TooLarge ? Ending::TooLarge : Ending::FramingLost;
      return offer(connection, frame.bytes, true);
  }
  return Step::Goes;
}

Connections::Step Connections::offer(Connection& connection, std::string_view bytes, bool is_framing_lost) {
  StreamMessage::Arrived arrived;
  arrived.input = {.listener = connection.listener,
                   .realm = connection.realm,
                   .peer = connection.peer,
                   .trust = connection.trust,
                   .local = connection.local,
                   .remote = connection.remote,
                   .bytes = {},
                   .transport = connection.transport,
                   .connection = connection.number,
                   .is_framing_lost = is_framing_lost};
  connection.waiting_shard = sip::shard_of_datagram(setup_.token_key, bytes) % posts_.shards();
  arrived.bytes.assign(bytes);
  arrived.since = now_;
  connection.waiting = std::make_unique<StreamMessage>(StreamMessage{std::move(arrived)});
  connection.is_waiting_admitted = !connection.is_stranger();
  return push_waiting(connection);
}

// Whoever may not send more now, or whose shard is behind with its class, is not read further: back pressure,
// no loss.
Connections::Step Connections::push_waiting(Connection& connection) {
  if (!connection.is_waiting_admitted) {
    const auto keys = limiter_.prepare(connection.port, connection.remote.address);
    if (limiter_.admit(keys, now_) != policy::Admission::Admitted) {
      connection.pause = Pause::Rate;
      connection.retry_at = now_ + Connection::kRateRetry;
      return Step::Rests;
    }
    connection.is_waiting_admitted = true;
    connection.rate_retries = 0;
  }
  const bool is_lost = std::get<StreamMessage::Arrived>(connection.waiting->what).input.is_framing_lost;
  if (!posts_.send(connection.waiting_shard, connection.lane(), connection.waiting)) {
    connection.pause = Pause::ShardFull;
    waiting_for_room_.push_back(connection.number);
    return Step::Rests;
  }
  counters_.messages_in.add();
  ways_.heard_from(connection.realm, connection.remote.address);
  connection.has_spoken = true;
  connection.last_active = now_;
  connection.pause = is_lost ? Pause::Lost : Pause::None;
  if (is_lost) connection.lost_at = now_;
  return is_lost ? Step::Rests : Step::Goes;
}

// From the first octet that belongs to no frame yet: whoever sends one octet a second gets no more time than
// others.
bool Connections::watch_progress(Connection& connection) {
  const std::size_t buffered = connection.framer.buffered();
  if (!connection.framer.has_begun())
    connection.message_since.reset();
  else if (!connection.message_since)
    connection.message_since = now_;
  if (!connection.is_stranger()) return true;
  unfinished_ = unfinished_ - connection.unfinished + buffered;
  connection.unfinished = buffered;
  if (unfinished_ <= setup_.unfinished_octets || buffered <= kUnfinishedModest) return true;
  close(connection, Ending::NoRoom);
  return false;
}

void Connections::resume(Connection& connection) {
  if (push_waiting(connection) != Step::Goes) return update(connection);
  if (connection.message_since) connection.message_since = now_;  // the pause was ours
  read(connection);
}

void Connections::resume_those_who_wait() {
  for (std::size_t left = waiting_for_room_.size(); left > 0; --left) {
    const std::uint64_t number = waiting_for_room_.front();
    waiting_for_room_.pop_front();
    Connection* connection = find(number);
    if (connection == nullptr || connection->pause != Pause::ShardFull) continue;
    if (posts_.has_room(connection->waiting_shard, connection->lane()))
      resume(*connection);
    else
      waiting_for_room_.push_back(number);
  }
}

// Somebody who asks and says at once that this was all may still want the answer. What is not acknowledged
// yet may meet a socket that is gone: TCP tells within the grace (RFC 9293 §3.10.7.1).
void Connections::on_end(Connection& connection, Ending why) {
  const bool is_owed = connection.has_spoken && now_ - connection.last_active < Connection::kHalfClosedTime;
  const bool may_write = why == Ending::ByPeer && (is_owed || !connection.wire.queue().empty() ||
                                                   !connection.wire.is_all_acknowledged());
  if (!may_write) return close(connection, why);
  leave_ways(connection);
  connection.go_to(ConnectionState::HalfClosed, now_);
  if (connection.wire.has_output()) make_dirty(connection);
  update(connection);
}

void Connections::discard_input(Connection& connection) {
  for (int reads = 0; reads < kReadsOfTurn; ++reads) {
    const ssize_t got = ::recv(connection.wire.fd(), scratch_.data(), scratch_.size(), 0);
    if (got > 0) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    // Both have said all: Linux would report that all the time, so only the deadline ends it.
    if (got == 0 && !connection.has_ended && !connection.wire.is_all_acknowledged()) {
      connection.has_ended = true;
      static_cast<void>(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection.wire.fd(), nullptr));
      return;
    }
    return close(connection, connection.ending);
  }
}

void Connections::make_ready(Connection& connection) {
  if (connection.is_ready) return;
  connection.is_ready = true;
  ready_.push_back(connection.number);
}

void Connections::run_ready() {
  for (std::size_t left = ready_.size(); left > 0; --left) {
    Connection* connection = find(ready_.front());
    ready_.pop_front();
    if (connection == nullptr || !connection->is_ready) continue;
    connection->is_ready = false;
    if (connection->state == ConnectionState::Open && connection->pause == Pause::None) read(*connection);
  }
}

}  // namespace sallyport::dataplane
