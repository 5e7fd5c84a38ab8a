// media_rig.cpp — makes streams and their packets.
#include "tests/dpdk/media_rig.h"

#include <gtest/gtest.h>

#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

using media::StreamSide;

std::size_t udp_at(const Bytes& frame) {
  const std::size_t link = load16(frame.data() + 12) == kEthertypeVlan ? 18 : 14;
  return link + (frame[link] >> 4 == 4 ? kIpv4Bytes : kIpv6Bytes);
}

void settle_side(media::MediaSideSettings& side, const LcoreRig& rig, std::size_t port, bool is_v4) {
  side.realm = RealmIndex(port);
  side.remote = *rig.config.peers[port].targets[is_v4 ? 0 : 1].address;
  side.signalled = side.remote.address;
  side.remote.port = 40000;
  side.remote_rtcp = {side.remote.address, 40001};
  side.payload_count = 1;
}

}  // namespace

std::string rtp(std::uint16_t sequence, std::size_t voice, std::uint32_t ssrc) {
  std::string packet(12 + voice, '\x5a');
  auto* const at = reinterpret_cast<std::uint8_t*>(packet.data());
  at[0] = 0x80;
  at[1] = 0;
  store16(at + 2, sequence);
  store32(at + 4, sequence * 160U);
  store32(at + 8, ssrc);
  return packet;
}

TestStream make_stream(LcoreRig& rig, const StreamKind& kind) {
  TestStream stream;
  media::MediaCommand& command = stream.command;
  command.key.call = kind.call;
  command.shard = kind.shard;
  auto& caller = command.sides[index_of(StreamSide::Caller)];
  auto& callee = command.sides[index_of(StreamSide::Callee)];
  settle_side(caller, rig, kOutside, kind.caller_v4);
  settle_side(callee, rig, kInside, kind.callee_v4);
  media::PortPool& pool = rig.policy->media_ports;
  const auto ports = pool.take(RealmIndex(kOutside), *pool.address_of(RealmIndex(kOutside), kind.caller_v4),
                               RealmIndex(kInside), *pool.address_of(RealmIndex(kInside), kind.callee_v4));
  EXPECT_TRUE(ports) << "no ports";
  if (!ports) return stream;
  caller.local = ports->caller;
  callee.local = ports->callee;
  stream.from_caller = flow_to(rig, kOutside, kind.caller_v4);
  stream.from_caller.source = caller.remote;
  stream.from_caller.destination = caller.local;
  stream.from_callee = flow_to(rig, kInside, kind.callee_v4);
  stream.from_callee.source = callee.remote;
  stream.from_callee.destination = callee.local;
  return stream;
}

void order(LcoreRig& rig, const media::MediaCommand& command, std::size_t shard) {
  rig.shards[shard]->with_engine(
      [&](sip::SipEngine&, sip::EngineOutput& out) { out.media().push_back(command); });
  for (std::size_t lcore = 0; lcore < rig.threads.lcores; ++lcore) rig.turn_lcore(lcore);
}

TestStream open_stream(LcoreRig& rig, const StreamKind& kind) {
  TestStream stream = make_stream(rig, kind);
  order(rig, stream.command);
  for (const auto side : {StreamSide::Caller, StreamSide::Callee})
    rig.answer(FromStream::Kind::NextHop, to_position(stream.side(side).realm),
               stream.side(side).remote.address);
  // The first packet each way asks for the next hop.
  rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(1)));
  rig.arrive(kInside, udp_frame(stream.from_callee, rtp(1)));
  rig.turn();
  (void)rig.sent(kOutside);
  (void)rig.sent(kInside);
  return stream;
}

void close_stream(LcoreRig& rig, const TestStream& stream) {
  media::MediaCommand command = stream.command;
  command.kind = media::MediaCommand::Kind::Close;
  order(rig, command);
}

std::vector<Bytes> relayed(LcoreRig& rig, std::size_t from, const Bytes& frame) {
  rig.arrive(from, frame);
  for (int i = 0; i < 3; ++i)
    for (std::size_t lcore = 0; lcore < rig.threads.lcores; ++lcore) rig.turn_lcore(lcore);
  EXPECT_TRUE(rig.sent(from).empty()) << "nothing goes back";
  return rig.sent(from == kOutside ? kInside : kOutside);
}

std::uint64_t refused(const LcoreRig& rig, std::size_t realm, media::MediaDropReason reason) {
  std::uint64_t sum = 0;
  for (const auto& worker : rig.workers)
    sum += worker->relay().counters(RealmIndex(realm)).dropped.value(reason);
  return sum;
}

std::uint64_t transmitted(const LcoreRig& rig, std::size_t port, PacketClass packet_class) {
  std::uint64_t sum = 0;
  for (const auto& worker : rig.workers)
    sum += worker->counters(PortIndex(port)).tx_packets[static_cast<std::size_t>(packet_class)].value();
  return sum;
}

Bytes with_checksum(Bytes frame, std::uint16_t checksum) {
  store16(frame.data() + udp_at(frame) + 6, checksum);
  return frame;
}

std::uint16_t checksum_of(const Bytes& frame) { return load16(frame.data() + udp_at(frame) + 6); }

}  // namespace sallyport::dataplane
