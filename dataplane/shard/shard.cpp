// shard.cpp — packets to datagrams to the SIP engine, and back.
#include "dataplane/shard/shard.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "dataplane/packet/parse_mbuf.h"

namespace sallyport::dataplane {
namespace {

PortIndex port_named(const SbcConfig& config, const std::string& name) {
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if (config.ports[i].name == name) return static_cast<PortIndex>(i);
  return PortIndex::kNone;
}

}  // namespace

Shard::Shard(const SbcConfig& config, ShardSetup setup)
    : lcores_(std::move(setup.lcores)),
      pool_(setup.pool),
      engine_(config, setup.engine),
      dropped_(config.ports.size()),
      scratch_(std::make_unique<char[]>(kDatagramMax)) {
  for (const RealmConfig& realm : config.realms)
    realms_.push_back({port_named(config, realm.port), realm.signalling_dscp.value});
}

Shard::~Shard() { discard_mail(); }

std::size_t Shard::run_once(Timestamp now) noexcept {
  std::size_t done = 0;
  for (std::size_t lcore = 0; lcore < lcores_.size(); ++lcore) {
    ShardInput input;
    for (std::size_t i = 0; i < kBatch && lcores_[lcore].inbox->receive(input); ++i, ++done)
      handle(now, input.packet, lcore);
  }
  for (auto deadline = engine_.next_deadline(); deadline && *deadline <= now && done < kBatch; ++done) {
    out_.clear();
    engine_.on_deadline(now, out_);
    send_all(out_, 0);
    deadline = engine_.next_deadline();
  }
  return done;
}

bool Shard::has_mail() const noexcept {
  return std::any_of(lcores_.begin(), lcores_.end(),
                     [](const ShardLcore& lcore) { return !lcore.inbox->empty(); });
}

void Shard::discard_mail() noexcept {
  ShardInput input;
  for (const ShardLcore& lcore : lcores_)
    while (lcore.inbox->receive(input)) rte_pktmbuf_free(input.packet);
}

void Shard::handle(Timestamp now, rte_mbuf* packet, std::size_t lcore) noexcept {
  const MbufPtr owner(packet);
  const PacketMeta& meta = *meta_of(packet);
  const sip::DatagramInput input{.listener = meta.listener,
                                 .realm = meta.realm,
                                 .peer = meta.peer,
                                 .trust = meta.trust,
                                 .local = {meta.destination, meta.destination_port},
                                 .remote = {meta.source, meta.source_port},
                                 .bytes = payload_of(*packet)};
  out_.clear();
  engine_.on_datagram(now, input, out_);
  send_all(out_, lcore);
}

// Reassembled datagrams lie in a chain of segments.
std::string_view Shard::payload_of(const rte_mbuf& packet) noexcept {
  const PacketMeta& meta = *meta_of(const_cast<rte_mbuf*>(&packet));
  if (std::uint32_t{meta.payload_offset} + meta.payload_length > packet.pkt_len) return {};
  const void* bytes = rte_pktmbuf_read(&packet, meta.payload_offset, meta.payload_length, scratch_.get());
  return {static_cast<const char*>(bytes), meta.payload_length};
}

void Shard::send_all(const sip::EngineOutput& out, std::size_t lcore) noexcept {
  for (const sip::SendDatagram& datagram : out) send(datagram, lcore);
}

void Shard::send(const sip::SendDatagram& datagram, std::size_t lcore) noexcept {
  const RealmWay& way = realms_[to_position(datagram.realm)];
  MbufPtr packet(packet_of(datagram.bytes));
  if (!packet) {
    dropped_[to_position(way.port)].add(DropReason::NoBuffer);
    return;
  }
  PacketMeta& meta = *meta_of(packet.get());
  meta = PacketMeta{};
  meta.source = datagram.local.address;
  meta.source_port = datagram.local.port;
  meta.destination = datagram.remote.address;
  meta.destination_port = datagram.remote.port;
  meta.payload_length = static_cast<std::uint16_t>(datagram.bytes.size());
  meta.port = way.port;
  meta.realm = datagram.realm;
  meta.ip_protocol = 17;
  meta.packet_class = PacketClass::Signalling;
  const std::size_t sender = lcores_[lcore].sender_by_port[to_position(way.port)];
  if (!lcores_[sender].outbox->send({packet.get(), way.dscp})) {
    dropped_[to_position(way.port)].add(DropReason::LcoreRingFull);
    return;
  }
  (void)packet.release();
}

// A message that one buffer can't hold goes into a chain. Null: no buffers.
rte_mbuf* Shard::packet_of(std::string_view bytes) noexcept {
  MbufPtr head;
  rte_mbuf* last = nullptr;
  do {
    rte_mbuf* segment = rte_pktmbuf_alloc(pool_);
    if (segment == nullptr) return nullptr;
    const std::size_t size = std::min<std::size_t>(bytes.size(), rte_pktmbuf_tailroom(segment));
    std::memcpy(rte_pktmbuf_mtod(segment, char*), bytes.data(), size);
    segment->data_len = static_cast<std::uint16_t>(size);
    segment->pkt_len = static_cast<std::uint32_t>(size);
    bytes.remove_prefix(size);
    if (last == nullptr) {
      head.reset(segment);
    } else {
      last->next = segment;
      head->nb_segs = static_cast<std::uint16_t>(head->nb_segs + 1);
      head->pkt_len += segment->pkt_len;
    }
    last = segment;
  } while (!bytes.empty());
  return head.release();
}

}  // namespace sallyport::dataplane
