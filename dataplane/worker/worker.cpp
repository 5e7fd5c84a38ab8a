// worker.cpp — a turn of an lcore.
#include "dataplane/worker/worker.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "dataplane/dpdk/clock.h"
#include "dataplane/packet/parse_mbuf.h"

namespace sallyport::dataplane {
namespace {

constexpr Duration kExpiryEvery = 100ms;
constexpr std::uint32_t kSampledTurns = 64;  // one of so many is timed

TransmitSetup with_own(TransmitSetup transmit, Mailbox<ToStream>* to_stream, UnreachablePosts& lost_ways,
                       std::span<PortCounters> counters) {
  transmit.to_stream = to_stream;
  transmit.unreachable = &lost_ways;
  transmit.counters = counters;
  return transmit;
}

std::vector<std::uint16_t> own_addresses_of(const SbcConfig& config, const PortTable& ports) {
  std::vector<std::uint16_t> numbers;
  for (std::size_t port = 0; port < config.ports.size(); ++port)
    for (const Prefix& prefix : config.ports[port].addresses)
      numbers.push_back(ports.own_address(PortIndex(port), prefix.address));
  return numbers;
}

GuardBoards with_tokens(GuardBoards boards, const HashKey& key) {
  boards.token_key = &key;
  return boards;
}

bool has_any(const Burst& burst, Verdict verdict) noexcept {
  return std::memchr(burst.verdicts.data(), static_cast<int>(verdict), burst.count) != nullptr;
}

}  // namespace

Worker::Worker(const SbcConfig& config, const Tables& tables, WorkerSetup setup)
    : setup_(std::move(setup)),
      ports_(tables.ports),
      counters_(config.ports.size()),
      parse_(tables.ports),
      fragment_({tables.ports, tables.sources, counters_, setup_.boards}, FragmentLimits{}, setup_.key),
      classify_(tables.listeners, LinuxSide(config, tables.flows)),
      guard_(config, tables.sources, setup_.key,
             static_cast<std::uint32_t>(std::max<std::size_t>(setup_.to_lcores.size(), 1)),
             with_tokens(setup_.boards, setup_.token_key)),
      signalling_(setup_.shards, setup_.token_key),
      lost_ways_(setup_.shards),
      unreachable_(lost_ways_),
      exception_(*setup_.to_stream, *setup_.stream_bell),
      transmit_(with_own(setup_.transmit, setup_.to_stream, lost_ways_, counters_)),
      media_({config, tables.media, transmit_, counters_, setup_.transmit.pool, setup_.number,
              setup_.to_lcores, setup_.key, own_addresses_of(config, tables.ports)},
             setup_.media),
      dropped_sources_(setup_.key) {
  if (setup_.to_lcores.size() > 1)
    steer_.emplace(SteerSetup{setup_.number, setup_.to_lcores,
                              SourceOwner(config.security.limits.prefix, setup_.key, setup_.to_lcores.size()),
                              tables.media, guard_, setup_.boards});
}

std::size_t Worker::poll(Timestamp now) noexcept {
  std::size_t moved = 0;
  has_moved_urgent_ = has_moved_media_ = false;
  look_at_tables();
  for (const RxQueue& queue : setup_.rx_queues) moved += poll_queue(now, queue);
  for (const Passage passage : kPassages)
    for (LcoreInbox* const inbox : setup_.from_lcores)
      if (inbox != nullptr) moved += poll_lcore(now, *inbox, passage);
  moved += poll_shards(now);
  moved += poll_stream(now);
  on_time(now);
  transmit_.flush();
  if (media_.take_has_forwarded()) sample_relay_time(now);
  if (transmit_.take_has_asked()) setup_.stream_bell->ring();
  return moved;
}

std::vector<int> Worker::receive_sockets() const {
  std::vector<int> sockets;
  for (const RxQueue& queue : setup_.rx_queues) sockets.push_back(queue.socket);
  return sockets;
}

std::unique_ptr<GuardView> Worker::adopt(std::unique_ptr<GuardView> next, const PortTable& ports) noexcept {
  parse_.adopt(ports);
  fragment_.adopt(next->sources);
  return guard_.adopt(std::move(next));
}

void Worker::adopt(const MediaTables& tables) noexcept {
  media_tables_.store(&tables, std::memory_order_release);
  tables_given_.fetch_add(1, std::memory_order_release);
}

void Worker::adopt(const ArrivalTables& tables) noexcept {
  arrival_tables_.store(&tables, std::memory_order_release);
  tables_given_.fetch_add(1, std::memory_order_release);
}

void Worker::look_at_tables() noexcept {
  const std::uint64_t given = tables_given_.load(std::memory_order_acquire);
  if (given == tables_seen_) return;
  tables_seen_ = given;
  if (const MediaTables* const media = media_tables_.load(std::memory_order_acquire); media != nullptr) {
    media_.use(*media);
    if (steer_) steer_->use(media->ranges);
  }
  if (const ArrivalTables* const arrivals = arrival_tables_.load(std::memory_order_acquire);
      arrivals != nullptr)
    classify_.use(arrivals->listeners, arrivals->services);
}

bool Worker::take_orders(Timestamp now) noexcept {
  std::size_t taken = 0;
  for (std::size_t shard = 0; shard < setup_.from_shards.size(); ++shard)
    taken += media_.take_orders(now, shard);
  return taken != 0;
}

// A turn begins when the clock has been read, and that is when the packets of its burst were there at the
// latest.
void Worker::sample_relay_time(Timestamp now) noexcept {
  if (media_turns_++ % kSampledTurns == 0) relay_times_.add(read_clock() - now);
}

std::size_t Worker::poll_queue(Timestamp now, const RxQueue& queue) noexcept {
  if (queue.gate != nullptr && !queue.gate->begin_turn()) return 0;
  burst_.count = rte_eth_rx_burst(queue.device_id, queue.queue, burst_.packets.data(), kBurstMax);
  if (burst_.count == 0) return 0;
  const std::size_t received = burst_.count;
  burst_.device = static_cast<std::uint16_t>(queue.device);
  parse_.process(now, burst_);
  if (steer_) steer_->process(now, burst_);
  run_stages(now);
  return received;
}

// A burst is of one device: fragments are parsed again once they are whole.
std::size_t Worker::poll_lcore(Timestamp now, LcoreInbox& inbox, Passage passage) noexcept {
  std::size_t received = 0;
  burst_.count = 0;
  HandedOver message;
  for (; received < batch_of(passage) && inbox.receive(message, passage); ++received) {
    PacketMeta* meta = meta_of(message.packet);
    if (message.is_to_send) {
      transmit_.send_frame(meta->port, message.packet, meta->packet_class);
      has_moved_urgent_ = true;
      continue;
    }
    if (message.hairpins != 0) {
      media_.on_handed_over(now, message);
      has_moved_media_ = true;
      continue;
    }
    const std::uint16_t device = ports_.device_of(meta->port);
    if (burst_.count != 0 && device != burst_.device) run_stages(now);
    burst_.device = device;
    burst_.packets[burst_.count] = message.packet;
    burst_.meta[burst_.count] = meta;
    burst_.verdicts[burst_.count++] = Verdict::Continue;
  }
  if (burst_.count != 0) run_stages(now);
  return received;
}

// What a datagram promises was ordered before it was sent: so the orders are taken after it, and it leaves
// after that.
std::size_t Worker::poll_shards(Timestamp now) noexcept {
  std::size_t received = 0;
  for (std::size_t shard = 0; shard < setup_.from_shards.size(); ++shard) {
    std::array<ShardOutput, kBurstMax> taken;
    std::size_t count = 0;
    while (count < taken.size() && setup_.from_shards[shard]->receive(taken[count])) ++count;
    received += count + media_.take_orders(now, shard);
    for (std::size_t i = 0; i < count; ++i) transmit_.send_datagram(now, taken[i]);
  }
  return received;
}

std::size_t Worker::poll_stream(Timestamp now) noexcept {
  std::size_t received = 0;
  FromStream message;
  for (; received < kBurstMax && setup_.from_stream->receive(message); ++received)
    transmit_.on_stream(now, message);
  has_moved_urgent_ |= received != 0;
  return received;
}

void Worker::on_time(Timestamp now) noexcept {
  media_.on_time(now);
  transmit_.on_time(now);
  if (now < next_expiry_) return;
  next_expiry_ = now + kExpiryEvery;
  fragment_.on_idle(now);
}

void Worker::run_stages(Timestamp now) noexcept {
  fragment_.process(now, burst_);
  has_moved_urgent_ |= has_any(burst_, Verdict::Consumed);
  media_.process(now, burst_);
  classify_.process(now, burst_);
  guard_.process(now, burst_);
  count_received();
  if (has_any(burst_, Verdict::Continue)) {  // in a flood nothing is left
    signalling_.process(now, burst_);
    unreachable_.process(now, burst_);
    exception_.process(now, burst_);
  }
  finish(now);
}

// Before packets are handed over: afterwards they are no longer ours to look at. Those of one port and class
// are counted together.
void Worker::count_received() noexcept {
  const PacketMeta* of = nullptr;
  std::uint64_t packets = 0, bytes = 0;
  const auto count = [&] {
    if (packets == 0) return;
    PortCounters& counters = counters_[to_position(of->port)];
    const auto packet_class = static_cast<std::size_t>(of->packet_class);
    has_moved_urgent_ |= of->packet_class != PacketClass::Signalling;
    counters.rx_packets[packet_class].add(std::exchange(packets, 0));
    counters.rx_bytes[packet_class].add(std::exchange(bytes, 0));
  };
  for (std::size_t i = 0; i < burst_.count; ++i) {
    if (burst_.verdicts[i] == Verdict::Consumed) {  // media has been counted, a fragment will be when whole
      has_moved_media_ = true;
      continue;
    }
    const PacketMeta& meta = *burst_.meta[i];
    if (of == nullptr || of->port != meta.port || of->packet_class != meta.packet_class) {
      count();
      of = &meta;
    }
    ++packets;
    bytes += burst_.packets[i]->pkt_len;
  }
  count();
}

// Those of one source, dropped for one reason, are counted together, and all buffers given back at once.
void Worker::finish(Timestamp now) noexcept {
  std::array<rte_mbuf*, kBurstMax> done;
  unsigned done_count = 0;
  const PacketMeta* of = nullptr;
  DropReason why = DropReason::kCount;
  std::uint32_t packets = 0;
  const auto count = [&] {
    if (packets == 0) return;
    counters_[to_position(of->port)].dropped.add(why, packets);
    if (is_of_source(why)) dropped_sources_.note(now, *of, why, packets);
    packets = 0;
  };
  for (std::size_t i = 0; i < burst_.count; ++i) {
    if (burst_.verdicts[i] == Verdict::Consumed) continue;
    const PacketMeta& meta = *burst_.meta[i];
    const DropReason reason =
        burst_.verdicts[i] == Verdict::Drop ? burst_.drop_reasons[i] : DropReason::UnusedProtocol;
    if (of == nullptr || why != reason || of->source != meta.source || of->port != meta.port) {
      count();
      of = &meta;
      why = reason;
    }
    ++packets;
    done[done_count++] = burst_.packets[i];
  }
  count();
  rte_pktmbuf_free_bulk(done.data(), done_count);
  burst_.count = 0;
}

}  // namespace sallyport::dataplane
