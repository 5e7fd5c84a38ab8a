// media_sender.h — sends what the relay lets through: new headers in front of the same payload, in the same
// buffer, out by the same lcore in the same turn. RFC 791, RFC 8200, RFC 768, RFC 1624; RFC 7915 has no part
// in it: what is translated between IPv4 and IPv6 here are the two legs of a call, not a network.
//
// For each outgoing flow it keeps headers that are ready but for lengths and checksums, and the next hop: a
// packet costs no look-up. Both are made anew when the relay gives the flow another version, when a next hop
// has changed, and each second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/dpdk/device_plan.h"
#include "dataplane/packet/header_template.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/stages/transmit_stage.h"
#include "media-relay/relay/relay.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

struct rte_mbuf;

namespace sallyport::dataplane {

class MediaSender {
 public:
  // Both outlive the sender. `port_of_realm`: by RealmIndex.
  MediaSender(const media::Relay& relay, TransmitStage& transmit, std::vector<PortIndex> port_of_realm);
  MediaSender(const MediaSender&) = delete;
  MediaSender& operator=(const MediaSender&) = delete;

  // Between two packets; outlives the sender or the next call.
  void use(const std::vector<PortIndex>& port_of_realm) noexcept { port_of_realm_ = &port_of_realm; }

  void prefetch(media::OutFlow out) const noexcept;
  // `packet` lies in one segment and `meta` says where its payload begins. True: it has been taken over.
  // False: send_payload() must send it, or it is for ourselves (Outgoing::is_own).
  [[nodiscard]] bool send_in_place(Timestamp now, rte_mbuf& packet, const PacketMeta& meta,
                                   const media::RelayResult& forwarded) noexcept;
  // `packet` holds nothing but the payload, which is as its sender made it. Takes it over; it may be longer
  // than the path takes, and its next hop need not be known. Its checksum is made anew.
  void send_payload(Timestamp now, rte_mbuf* packet, const media::RelayResult& forwarded) noexcept;
  // Of a packet that leaves so: addresses, port, realm.
  [[nodiscard]] PacketMeta meta_of_way(const media::Outgoing& outgoing) const noexcept;

 private:
  static constexpr Duration kRefreshEvery = 1s;
  struct alignas(64) Way {
    Timestamp refresh_at{};
    std::uint32_t version = 0;  // RelayResult::out_version; 0: never used
    std::uint32_t hops_version = 0;
    std::uint16_t mtu = 0;  // of IP; 0: a way back to ourselves, which no frame takes
    PortIndex port = PortIndex::kNone;
    HeaderTemplate headers;
  };
  static_assert(sizeof(Way) == kMediaWayBytes);
  // Reports have no way of their own: they are rare.
  [[nodiscard]] static std::size_t place_of(media::OutFlow out) noexcept { return out / 2; }
  // False: nothing can be sent there just now.
  [[nodiscard]] bool refresh(Timestamp now, Way& way, const media::RelayResult& forwarded) noexcept;
  [[nodiscard]] static std::uint16_t checksum_of(const rte_mbuf& packet, const PacketMeta& meta,
                                                 const HeaderTemplate& headers,
                                                 const media::RelayResult& forwarded) noexcept;

  const media::Relay& relay_;
  TransmitStage& transmit_;
  const std::vector<PortIndex> first_ports_;
  const std::vector<PortIndex>* port_of_realm_ = &first_ports_;  // of the day
  std::vector<Way> ways_;
  std::uint16_t identification_ = 0;
};

}  // namespace sallyport::dataplane
