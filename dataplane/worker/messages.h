// messages.h — what travels between lcores, shards and the stream thread. A message that carries a packet
// carries its ownership; the receiver frees it.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/packet/packet_meta.h"
#include "media-relay/control/media_command.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

struct rte_mbuf;

namespace sallyport::sip {
class EngineLetter;
}

namespace sallyport::dataplane {

struct StreamMessage;
struct StreamOrder;

// lcore -> shard: a SIP datagram, with its PacketMeta in the mbuf's private area.
struct ShardInput {
  rte_mbuf* packet = nullptr;
  Timestamp since{};  // when it was put there
};

// lcore -> every shard: what we sent from `local` did not arrive at `remote`, says the network (an ICMP
// error), or did not leave, because no next hop leads there.
struct Unreachable {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint local, remote;
  friend bool operator==(const Unreachable&, const Unreachable&) = default;
};

// lcore -> lcore: a packet with its PacketMeta in the private area.
struct HandedOver {
  rte_mbuf* packet = nullptr;
  bool is_to_send = false;  // a whole frame for the meta's port, whose queue the receiver has; else: parsed
  // Not 0: the payload of a packet of one of our streams for one of the receiver's, so often already
  // (stages/media_hairpin.h). Source and destination stand in the meta.
  std::uint8_t hairpins = 0;
};

// shard -> lcore: a UDP datagram to send. The mbuf holds only the UDP payload (room for all headers is left
// in front); addresses, ports and `port` stand in its PacketMeta (source = our side), DSCP here.
struct ShardOutput {
  rte_mbuf* packet = nullptr;
  std::uint8_t dscp = 0;
};

// shard -> the lcore that owns the stream. Numbers of one shard grow, over all lcores together.
struct MediaOrder {
  std::uint64_t number = 0;
  media::MediaCommand command;
  void wipe_keys() noexcept {
    for (media::MediaKeys& keys : command.keys) keys.wipe();
  }
};

// How far an lcore is with the commands of a shard. Written by the lcore.
struct alignas(64) MediaProgress {
  std::atomic<std::uint64_t> done{0};  // MediaOrder::number of the last
};

// stream thread -> shard: what connections and name servers brought. The receiver deletes it.
struct FromConnections {
  StreamMessage* message = nullptr;
};

// shard -> stream thread: what connections shall carry, names to ask for. The receiver deletes it.
struct ToConnections {
  StreamOrder* order = nullptr;
};

// shard -> shard: what its engine tells the other's. The receiver deletes it.
struct ShardLetter {
  sip::EngineLetter* letter = nullptr;
};

// lcore -> stream thread.
struct ToStream {
  enum class Kind : std::uint8_t {
    Packet,   // a whole Ethernet frame without VLAN tag for the port's tap
    Resolve,  // which next hop has `destination`? Answered by NextHop for the same lcore, always
  };
  Kind kind = Kind::Packet;
  PortIndex port = PortIndex::kNone;
  rte_mbuf* packet = nullptr;
  IpAddress destination;
};

// stream thread -> lcore.
struct FromStream {
  enum class Kind : std::uint8_t {
    Packet,       // a whole Ethernet frame from the port's tap, checked against the egress rules, to be sent
    NextHop,      // `destination` is reached at `mac`
    NoRoute,      // Linux has no route to `destination`
    NoNeighbour,  // the next hop does not answer, or has gone
    Changed,      // routes of this port changed: ask again for every destination, use the old until answered
  };
  Kind kind = Kind::Packet;
  PortIndex port = PortIndex::kNone;
  rte_mbuf* packet = nullptr;
  IpAddress destination;
  MacAddress mac{};
  std::uint16_t mtu = 0;  // of the route; 0: the port's
};

}  // namespace sallyport::dataplane
