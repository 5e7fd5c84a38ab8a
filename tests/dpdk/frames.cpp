// frames.cpp — makes and reads frames.
#include "tests/dpdk/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/header_writer.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stages/transmit_fragments.h"

namespace sallyport::dataplane {

Flow flow_to(const LcoreRig& rig, std::size_t port, bool is_v4) {
  Flow flow;
  flow.to = rig.mac(port);
  flow.vlan = rig.config.ports[port].vlan;
  const auto& targets = rig.config.peers[port].targets;
  flow.source = *targets[is_v4 ? 0 : 1].address;
  flow.destination = {rig.config.ports[port].addresses[is_v4 ? 0 : 1].address, 5060};
  return flow;
}

Bytes udp_frame(const Flow& flow, std::string_view payload) {
  PacketMeta meta;
  meta.source = flow.source.address;
  meta.source_port = flow.source.port;
  meta.destination = flow.destination.address;
  meta.destination_port = flow.destination.port;
  HeaderFields fields;
  fields.destination = flow.to;
  fields.source = kNeighbourMac;
  fields.vlan = flow.vlan;
  const std::size_t headers = headers_size(meta, flow.vlan.has_value());
  Bytes frame(headers + payload.size());
  std::copy(payload.begin(), payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(headers));
  const Octets data{frame.data() + headers, payload.size()};
  write_headers({frame.data(), headers}, meta, fields, {&data, 1});
  return frame;
}

Bytes arp_request(const Flow& flow) {
  HeaderFields fields;
  fields.destination = kBroadcastMac;
  fields.source = kNeighbourMac;
  fields.vlan = flow.vlan;
  const std::size_t link = ethernet_size(flow.vlan.has_value());
  Bytes frame(std::max<std::size_t>(link + 28, 60));
  write_ethernet({frame.data(), link}, fields, kEthertypeArp);
  const std::array<std::uint8_t, 8> start{0, 1, 8, 0, 6, 4, 0, 1};
  std::uint8_t* arp = frame.data() + link;
  std::copy(start.begin(), start.end(), arp);
  std::copy(kNeighbourMac.begin(), kNeighbourMac.end(), arp + 8);
  std::memcpy(arp + 14, flow.source.address.bytes().data() + 12, 4);
  std::memcpy(arp + 24, flow.destination.address.bytes().data() + 12, 4);
  return frame;
}

std::string options(const Flow& flow, int number, std::size_t padding, std::size_t vias) {
  const std::string from = to_string(flow.source), to = to_string(flow.destination),
                    id = std::to_string(number);
  std::string text = "OPTIONS sip:" + to + " SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bK" + id;
  for (std::size_t i = 0; i < vias; ++i)
    text += ",SIP/2.0/UDP " + from + ";branch=z9hG4bK" + id + "-further-" + std::to_string(i);
  // Each sender has a tag of its own, or the engine would take them for one merged request (§8.2.2.2).
  const std::string tag = std::to_string(std::hash<std::string>()(from));
  text += "\r\nMax-Forwards: 70\r\nFrom: <sip:a@" + from + ">;tag=" + tag + "\r\nTo: <sip:" + to +
          ">\r\nCall-ID: call-" + id + "\r\nCSeq: 1 OPTIONS\r\n";
  if (padding != 0) text += "X-Padding: " + std::string(padding, 'p') + "\r\n";
  return text + "Content-Length: 0\r\n\r\n";
}

std::vector<Bytes> fragments_of(LcoreRig& rig, const Bytes& frame, std::uint16_t mtu) {
  const std::uint16_t l3_offset = load16(frame.data() + 12) == kEthertypeVlan ? 18 : 14;
  rte_mbuf* packet = rte_pktmbuf_alloc(rig.pools->main());
  EXPECT_GE(rte_pktmbuf_tailroom(packet), frame.size()) << "the frame must fit a buffer";
  std::memcpy(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(frame.size())), frame.data(),
              frame.size());
  std::array<rte_mbuf*, kFragmentsOfOneMax> cut{};
  const auto count = cut_into_fragments(*packet, {l3_offset, mtu, 77}, *rig.pools->main(), cut);
  rte_pktmbuf_free(packet);
  std::vector<Bytes> fragments;
  for (std::size_t i = 0; i < count.value(); ++i) {
    const auto* from = rte_pktmbuf_mtod(cut[i], const std::uint8_t*);
    fragments.emplace_back(from, from + cut[i]->data_len);
    rte_pktmbuf_free(cut[i]);
  }
  return fragments;
}

Arrived datagram_of(const std::vector<Bytes>& frames) {
  Arrived arrived;
  if (frames.empty()) {
    ADD_FAILURE() << "nothing was sent";
    return arrived;
  }
  std::map<std::size_t, Bytes> pieces;
  for (const Bytes& frame : frames) {
    const auto ethernet = parse_ethernet(frame, std::nullopt);
    EXPECT_TRUE(ethernet);
    if (!ethernet) return arrived;
    arrived.from = ethernet->source;
    arrived.to = ethernet->destination;
    arrived.vlan = ethernet->vlan;
    const std::span packet = std::span(frame).subspan(ethernet->length);
    const bool is_v4 = ethernet->ethertype == kEthertypeIpv4;
    const auto ip = is_v4 ? parse_ipv4(packet, packet.size()) : parse_ipv6(packet, packet.size());
    EXPECT_TRUE(ip) << to_string(ip.error());
    if (!ip) return arrived;
    arrived.source.address = ip->source;
    arrived.destination.address = ip->destination;
    arrived.traffic_class = is_v4 ? packet[1] : static_cast<std::uint8_t>(load16(packet.data()) >> 4);
    const auto data = packet.subspan(ip->header_length, ip->total_length - ip->header_length);
    pieces[ip->fragment_offset] = Bytes(data.begin(), data.end());
  }
  Bytes whole;
  for (const auto& [offset, piece] : pieces) {
    EXPECT_EQ(offset, whole.size());
    whole.insert(whole.end(), piece.begin(), piece.end());
  }
  InternetSum sum;
  sum.add_pseudo_header(arrived.source.address, arrived.destination.address, kProtocolUdp,
                        static_cast<std::uint32_t>(whole.size()));
  sum.add(whole);
  EXPECT_EQ(sum.folded(), 0xffff) << "UDP checksum";
  arrived.source.port = load16(whole.data());
  arrived.destination.port = load16(whole.data() + 2);
  arrived.payload.assign(whole.begin() + 8, whole.end());
  return arrived;
}

}  // namespace sallyport::dataplane
