// connection_counters.h — what the connections of a node count: written by the stream thread, read by any.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/tls/tls_session.h"
#include "policy/base/counters.h"
#include "policy/model/transport.h"

namespace sallyport::dataplane {

// Why a connection that somebody opened to us was closed at once.
enum class Refusal : std::uint8_t {
  Denied,             // by an access rule
  SourceConnections,  // its source has as many as it may have
  PeerConnections,    // so has the peer
  AllConnections,     // there is no room for more, or none for strangers
  HandshakeRate,      // its source begins too many TLS handshakes
  Blocked,            // its source was, after its SYN had passed
  NoResources,        // Linux has no more descriptors or memory for us
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Refusal::kCount)> kRefusalNames{
    "denied",  "source_connections", "peer_connections", "all_connections", "handshake_rate",
    "blocked", "no_resources"};

// Why a connection ended.
enum class Ending : std::uint8_t {
  ByPeer,
  Reset,
  Idle,
  FirstMessage,  // said nothing for too long after it was opened
  Slow,          // a message was not whole in time
  NotReading,    // takes nothing of what we send
  NotSip,
  TooLarge,
  FramingLost,
  Rate,  // a stranger who would not slow down
  TlsFailed,
  ConnectFailed,
  ByEngine,
  NoRoom,      // strangers' unfinished messages take all the memory that they may have together
  NotAllowed,  // by the configuration, since a reload
  Blocked,     // its source is
  Stopping,
  kCount
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Ending::kCount)> kEndingNames{
    "by_peer",   "reset",     "idle",         "first_message", "slow",       "not_reading",
    "not_sip",   "too_large", "framing_lost", "rate",          "tls_failed", "connect_failed",
    "by_engine", "no_room",   "not_allowed",  "blocked",       "stopping"};

enum class ConnectionDirection : std::uint8_t { In, Out };  // who opened it: the other side, or we

struct ConnectionCounters {
  explicit ConnectionCounters(std::size_t realms) : handshakes(realms) {}
  using ByWay = std::array<std::array<Counter, 2>, 2>;  // [0: TCP, 1: TLS][ConnectionDirection]
  ByWay active;
  ByWay opened;  // in: accepted; out: connect() was begun
  EnumCounters<Refusal> refused;
  EnumCounters<Ending> closed;
  std::vector<EnumCounters<TlsResult>> handshakes;  // by RealmIndex
  Counter messages_in, messages_out;
  Counter messages_again;   // over another connection, when the first died and had not acknowledged them
  Counter messages_failed;  // did not leave: told to their engine
  Counter queue_full;       // of those: the connection's output queue had no room
  Counter failures_lost;    // what could not be told to an engine: its transactions time out
};

[[nodiscard]] constexpr std::size_t way_of(Transport transport) noexcept {
  return transport == Transport::Tls ? 1 : 0;
}

}  // namespace sallyport::dataplane
