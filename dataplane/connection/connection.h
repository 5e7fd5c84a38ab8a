// connection.h — one TCP or TLS connection: what it is, how far it is, and when it must have got further.
//
//   Connecting   we wait for the other side's TCP          -> Handshaking, Open     5 s
//   Handshaking  TLS                                       -> Open                  5 s
//   Open         messages both ways                        -> HalfClosed, Lingering
//   HalfClosed   the other side has said all, right after a message: its answer may go out     1 s
//   Lingering    we have said all and wait for the other side's end, so that it reads our last  2 s
// Connections::close() ends each of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/connection/connection_counters.h"
#include "dataplane/connection/connection_messages.h"
#include "dataplane/connection/stream_wire.h"
#include "dataplane/worker/shard_inbox.h"
#include "policy/base/time.h"
#include "policy/model/security.h"
#include "sipalg/message/stream_framer.h"

namespace sallyport::dataplane {

enum class ConnectionState : std::uint8_t { Connecting, Handshaking, Open, HalfClosed, Lingering };

// Why it is not read just now.
enum class Pause : std::uint8_t {
  None,
  ShardFull,  // the mailbox of a shard
  Rate,       // a stranger's token bucket
  Unread,     // it does not read what we send: what it asks would only make that more
  Lost,       // after FramingLost or the end: never again
};

struct Connection {
  static constexpr Duration kConnectTime = 5s, kHandshakeTime = 5s, kMessageTime = 10s, kStallTime = 10s,
                            kHalfClosedTime = 1s, kLingerTime = 2s, kAnswerTime = 2s, kRateRetry = 100ms,
                            kUnreadRetry = 100ms;
  static constexpr unsigned kRateRetriesMax = 50;

  explicit Connection(UniqueFd fd) noexcept : wire(std::move(fd)) {}

  std::uint64_t number = 0;
  Transport transport = Transport::Tcp;
  ConnectionDirection direction = ConnectionDirection::In;
  PortIndex port = PortIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  ListenerIndex listener = ListenerIndex::kNone;
  PeerIndex peer = PeerIndex::kNone;
  TrustClass trust = TrustClass::Untrusted;
  Endpoint local;         // the listener whose names we show
  Endpoint socket_local;  // of the socket; the same unless we opened it
  Endpoint remote;
  bool is_proved = false;         // its certificate named the peer
  bool counts_at_source = false;  // in SourceCaps
  bool counts_at_peer = false;

  StreamWire wire;
  sip::StreamFramer framer;
  std::vector<std::uint8_t> held_from_wire;  // while the session is with the handshake threads
  std::unique_ptr<StreamMessage> waiting;    // has arrived and was not taken yet
  std::size_t waiting_shard = 0;
  bool is_waiting_admitted = false;

  ConnectionState state = ConnectionState::Open;
  Pause pause = Pause::None;
  Ending ending = Ending::ByPeer;          // of Lingering, and of Pause::Lost
  Timestamp since{};                       // of the state
  Timestamp last_active{};                 // a message, or a ping
  Timestamp lost_at{};                     // of Pause::Lost
  std::optional<Timestamp> message_since;  // the first octet of one that is not whole yet
  std::optional<Timestamp> stalled_since;  // the socket takes nothing of what waits
  std::optional<Timestamp> retry_at;       // of Pause::Rate and Pause::Unread
  unsigned rate_retries = 0;
  std::size_t unfinished = 0;  // octets, as they are counted in the sum of all strangers'
  std::uint64_t stalled_octets = 0;
  bool has_spoken = false;   // a message has arrived
  bool awaits_pong = false;  // a ping of ours is not answered yet. RFC 5626 §4.4.1
  bool is_ready = false;     // more to do though the socket says nothing
  bool is_dirty = false;     // to be flushed at the end of the turn
  bool ends_when_flushed = false;
  bool is_broken = false;        // by the other side, or on the way
  bool is_looked_after = false;  // until all is acknowledged
  bool is_in_line = false;       // for the handshake threads, which have no room
  bool has_ended = false;        // the other side, in the middle of the handshake
  std::uint32_t interest = 0;    // as epoll knows it

  [[nodiscard]] bool is_stranger() const noexcept { return trust < TrustClass::Trusted; }
  [[nodiscard]] Lane lane() const noexcept { return lane_of(trust); }
  void go_to(ConnectionState next, Timestamp now) noexcept {
    state = next;
    since = now;
  }

  struct Deadline {
    Timestamp at;
    Ending ending;
  };
  // Whether what it never acknowledged may have been lost: a connection that we end still carries it.
  [[nodiscard]] bool has_died(Ending why) const noexcept {
    const bool has_carried = state == ConnectionState::Open || state == ConnectionState::HalfClosed;
    if (!has_carried) return state == ConnectionState::Lingering && why != Ending::Stopping;
    return is_broken || why == Ending::ByPeer || why == Ending::Reset || why == Ending::TlsFailed;
  }
  // Not those of Pause::Rate and Pause::Unread, which end nothing.
  [[nodiscard]] std::optional<Deadline> deadline(const TcpLimits& limits) const noexcept;

 private:
  [[nodiscard]] std::optional<Deadline> open_deadline(const TcpLimits& limits) const noexcept;
};

}  // namespace sallyport::dataplane
