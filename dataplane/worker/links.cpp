// links.cpp — makes, shows and empties the mailboxes.
#include "dataplane/worker/links.h"

#include <fmt/format.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/connection/connection_messages.h"
#include "sipalg/engine/engine_letter.h"

namespace sallyport::dataplane {
namespace {

template <class Message, class Way>
void discard(Way& way) noexcept {
  Message message;
  while (way.receive(message)) rte_pktmbuf_free(message.packet);
}
template <class Message>
void discard(Mailbox<Message>& mailbox) noexcept {
  discard<Message, Mailbox<Message>>(mailbox);
}

template <class Message>
RingSnapshot ring_of(std::string name, const Mailbox<Message>& mailbox) {
  return {std::move(name), mailbox.used(), mailbox.capacity()};
}

constexpr std::string_view end_of_name(Lane lane) noexcept {
  return lane == Lane::Known ? "" : lane == Lane::Trusted ? "-trusted" : "-strangers";
}
constexpr std::string_view end_of_name(Passage passage) noexcept {
  constexpr std::array<std::string_view, kPassages.size()> kEnds{"-ours", "-media", "", "-trusted",
                                                                 "-strangers"};
  return kEnds[static_cast<std::size_t>(passage)];
}

// One for each lane.
template <class Way, class Which, std::size_t kCount>
void add_rings(std::vector<RingSnapshot>& rings, const std::string& name, const Way& way,
               const std::array<Which, kCount>& lanes) {
  for (const Which lane : lanes)
    rings.push_back(ring_of(fmt::format("{}{}", name, end_of_name(lane)), way.lane(lane)));
}

}  // namespace

Links::Links(const ThreadPlan& threads) : lcores_(threads.lcores), shards_(threads.shards) {
  for (std::size_t i = 0; i < lcores_ * shards_; ++i) {
    to_shards_.push_back(std::make_unique<ShardInbox>(shard_ring_capacity(threads)));
    from_shards_.push_back(std::make_unique<Mailbox<ShardOutput>>(answer_ring_capacity(threads)));
    unreachable_.push_back(std::make_unique<Mailbox<Unreachable>>(kUnreachableRingCapacity));
    media_orders_.push_back(std::make_unique<Mailbox<MediaOrder>>(media_order_ring_capacity(threads)));
    media_progress_.push_back(std::make_unique<MediaProgress>());
    media_notices_.push_back(
        std::make_unique<Mailbox<media::MediaNotice>>(media_notice_ring_capacity(threads)));
  }
  for (std::size_t lcore = 0; lcore < lcores_; ++lcore) {
    to_stream_.push_back(std::make_unique<Mailbox<ToStream>>(kStreamRingCapacity));
    from_stream_.push_back(std::make_unique<Mailbox<FromStream>>(kStreamRingCapacity));
    for (std::size_t other = 0; other < lcores_; ++other)
      hand_over_.push_back(other == lcore ? nullptr : std::make_unique<LcoreInbox>(kLcoreRingCapacity));
  }
  for (std::size_t shard = 0; shard < shards_; ++shard) {
    from_connections_.push_back(std::make_unique<ConnectionInbox>(kConnectionRingCapacity));
    to_connections_.push_back(std::make_unique<Mailbox<ToConnections>>(kConnectionRingCapacity));
    for (std::size_t other = 0; other < shards_; ++other)
      letters_.push_back(other == shard ? nullptr
                                        : std::make_unique<Mailbox<ShardLetter>>(kLetterRingCapacity));
    shard_bells_.push_back(std::make_unique<Doorbell>());
  }
}

bool Links::are_open() const noexcept {
  return std::all_of(shard_bells_.begin(), shard_bells_.end(),
                     [](const auto& bell) { return bell->is_open(); });
}

bool Links::are_answers_taken() const noexcept {
  return std::all_of(from_shards_.begin(), from_shards_.end(),
                     [](const auto& mailbox) { return mailbox->empty(); });
}

std::vector<RingSnapshot> Links::snapshot() const {
  std::vector<RingSnapshot> rings;
  for (std::size_t lcore = 0; lcore < lcores_; ++lcore) {
    for (std::size_t shard = 0; shard < shards_; ++shard) {
      const std::size_t at = lcore * shards_ + shard;
      add_rings(rings, fmt::format("lcore{}-shard{}", lcore, shard), *to_shards_[at], kLanes);
      rings.push_back(ring_of(fmt::format("shard{}-lcore{}", shard, lcore), *from_shards_[at]));
      rings.push_back(ring_of(fmt::format("shard{}-media{}", shard, lcore), *media_orders_[at]));
      rings.push_back(ring_of(fmt::format("media{}-shard{}", lcore, shard), *media_notices_[at]));
    }
    rings.push_back(ring_of(fmt::format("lcore{}-stream", lcore), *to_stream_[lcore]));
    rings.push_back(ring_of(fmt::format("stream-lcore{}", lcore), *from_stream_[lcore]));
    for (std::size_t other = 0; other < lcores_; ++other)
      if (other != lcore)
        add_rings(rings, fmt::format("lcore{}-lcore{}", lcore, other), *hand_over_[lcore * lcores_ + other],
                  kPassages);
  }
  for (std::size_t shard = 0; shard < shards_; ++shard) {
    add_rings(rings, fmt::format("connections-shard{}", shard), *from_connections_[shard], kLanes);
    rings.push_back(ring_of(fmt::format("shard{}-connections", shard), *to_connections_[shard]));
  }
  return rings;
}

void Links::discard_all() noexcept {
  for (const auto& inbox : to_shards_) discard<ShardInput>(*inbox);
  for (const auto& mailbox : from_shards_) discard(*mailbox);
  for (const auto& mailbox : to_stream_) discard(*mailbox);
  for (const auto& mailbox : from_stream_) discard(*mailbox);
  for (const auto& mailbox : hand_over_)
    if (mailbox != nullptr) discard<HandedOver>(*mailbox);
  for (const auto& mailbox : from_connections_)
    for (FromConnections mail; mailbox->receive(mail);)
      const std::unique_ptr<StreamMessage> message(mail.message);
  for (const auto& mailbox : letters_)
    for (ShardLetter mail; mailbox != nullptr && mailbox->receive(mail);)
      const std::unique_ptr<sip::EngineLetter> letter(mail.letter);
  for (const auto& mailbox : to_connections_)
    for (ToConnections mail; mailbox->receive(mail);) const std::unique_ptr<StreamOrder> order(mail.order);
}

}  // namespace sallyport::dataplane
