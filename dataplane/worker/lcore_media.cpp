// lcore_media.cpp — carries between the relay, the shards and the sender.
#include "dataplane/worker/lcore_media.h"

#include <algorithm>
#include <array>

#include "dataplane/dpdk/device_plan.h"
#include "dataplane/packet/datagram_mbuf.h"

namespace sallyport::dataplane {
namespace {

// The fastest that this processor can. Another one where what was chosen is not there: they agree in every
// octet.
media::SrtpEngineKind srtp_engine_of(SrtpEngineChoice choice) {
  if (choice == SrtpEngineChoice::Libsrtp2) return media::SrtpEngineKind::Libsrtp2;
  return media::has_multibuffer() ? media::SrtpEngineKind::Multibuffer : media::SrtpEngineKind::Evp;
}

media::RelaySetup relay_setup(const LcoreMedia::Surroundings& surroundings, media::PortPool* ports) {
  const auto lcores = static_cast<std::uint32_t>(std::max<std::size_t>(surroundings.to_lcores.size(), 1));
  media::RelaySetup setup;
  setup.streams_max = media_streams_of_lcore(surroundings.config, lcores);
  setup.realms.addresses = surroundings.ranges.addresses();
  for (const RealmConfig& realm : surroundings.config.realms)
    setup.realms.bits_per_second.push_back(realm.media_limit.bits_per_second / lcores);
  setup.realm_places = realm_places(surroundings.config);
  setup.numbers = surroundings.own_addresses;
  setup.ports = ports;
  setup.key = surroundings.key;
  setup.srtp = srtp_engine_of(surroundings.config.dataplane.srtp_engine);
  return setup;
}

}  // namespace

LcoreMedia::LcoreMedia(const Surroundings& surroundings, LcoreMediaSetup setup)
    : setup_(std::move(setup)),
      pool_(surroundings.pool),
      lcores_(surroundings.to_lcores.size()),
      relay_(relay_setup(surroundings, setup_.ports)),
      sender_(relay_, surroundings.transmit, ports_of_realms(surroundings.config)),
      hairpin_({relay_, sender_, surroundings.counters, surroundings.pool, surroundings.own,
                surroundings.to_lcores, setup_.tap}),
      stage_({relay_, sender_, hairpin_, surroundings.counters, surroundings.pool, &surroundings.ranges,
              surroundings.own, surroundings.to_lcores, setup_.tap}),
      has_mail_(setup_.shards.size(), false) {}

void LcoreMedia::use(const MediaTables& tables) noexcept {
  relay_.adopt(tables.relay);
  sender_.use(tables.port_of_realm);
  stage_.use(tables.ranges);
}

// No more than the ring held when this began and a little: a shard that sends without end must not keep the
// media waiting. The bell rings for who may wait for this: datagrams that leave by other lcores, or commands
// that found the ring full.
std::size_t LcoreMedia::take_orders(Timestamp now, std::size_t shard) noexcept {
  const ShardMediaLink& link = setup_.shards[shard];
  const std::size_t capacity = link.orders->capacity();
  std::size_t taken = 0;
  MediaOrder order;
  for (; taken < capacity && link.orders->receive_and_wipe(order); ++taken) {
    relay_.apply(now, order.command);
    order.wipe_keys();
  }
  if (taken == 0) return 0;
  link.progress->done.store(order.number, std::memory_order_release);
  if (lcores_ > 1 || taken >= capacity / 2) link.bell->ring();
  return taken;
}

void LcoreMedia::on_time(Timestamp now) noexcept {
  if (now < next_tick_) return;
  next_tick_ = now + kTick;
  relay_.on_tick(now, *this);
  send_own_packets(now);
  for (std::size_t shard = 0; shard < setup_.shards.size(); ++shard) {
    if (!has_mail_[shard]) continue;
    has_mail_[shard] = false;
    setup_.shards[shard].bell->ring();
  }
}

bool LcoreMedia::take(const media::MediaNotice& notice) noexcept {
  const std::size_t shard = notice.shard % setup_.shards.size();
  has_mail_[shard] = true;
  return setup_.shards[shard].notices->send(notice);
}

void LcoreMedia::send_own_packets(Timestamp now) noexcept {
  for (std::size_t i = 0; i < kOwnPacketsOfOneTick; ++i) {
    std::array<std::uint8_t, media::kOwnPacketBytesMax> bytes;
    const auto report = relay_.next_own_packet(now, bytes);
    if (!report) return;
    rte_mbuf* const packet =
        datagram_mbuf({reinterpret_cast<const char*>(bytes.data()), report->length}, *pool_);
    if (packet == nullptr) return;  // the next report says it again
    hairpin_.send(now, packet, *report);
  }
}

}  // namespace sallyport::dataplane
