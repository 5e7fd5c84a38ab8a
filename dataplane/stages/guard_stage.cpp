// guard_stage.cpp — decides about a burst in rounds.
#include "dataplane/stages/guard_stage.h"

#include <rte_mbuf.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

#include "dataplane/packet/parse_mbuf.h"
#include "sipalg/engine/token_shown.h"

namespace sallyport::dataplane {
namespace {

using policy::Admission;
using policy::ExceptionKind;

DropReason reason_of(Admission admission) noexcept {
  switch (admission) {
    case Admission::SourceRate:
      return DropReason::SourceRate;
    case Admission::PrefixRate:
      return DropReason::PrefixRate;
    default:
      return DropReason::UnknownRate;
  }
}

DropReason reason_of(ExceptionKind kind) noexcept {
  switch (kind) {
    case ExceptionKind::Arp:
      return DropReason::ArpBudget;
    case ExceptionKind::NeighbourDiscovery:
      return DropReason::NeighbourDiscoveryBudget;
    case ExceptionKind::Unreachable:
    case ExceptionKind::PathError:
      return DropReason::ErrorBudget;
    case ExceptionKind::Handshake:
      return DropReason::TcpSynRate;
    case ExceptionKind::Flow:
      return DropReason::FlowBudget;
    case ExceptionKind::Service:
      return DropReason::ServiceBudget;
    default:
      return DropReason::EchoBudget;
  }
}

// Refusal costs speed, nothing else.
void ask_for_huge_pages(void* memory, std::size_t bytes) noexcept { madvise(memory, bytes, MADV_HUGEPAGE); }

// Sources that open connections are few beside those that send datagrams. A flood under false addresses puts
// out whoever was quiet longest, and such a source has nothing to lose.
std::uint32_t handshake_sources(const SbcConfig& config, std::uint32_t lcores) noexcept {
  return std::max<std::uint32_t>(config.dataplane.capacity.sources / 8 / std::max(lcores, 1u), 1024);
}

}  // namespace

GuardView::GuardView(const SbcConfig& config, const policy::SourceClassifier& classifier, const HashKey& key,
                     std::uint32_t lcores)
    : sources(classifier),
      limits(config.security.limits),
      handshake_shape(policy::BucketShape::of_rate(config.security.limits.tcp.handshakes, 1s)),
      budget(config, key, lcores),
      peers(config),
      handed_over(config) {}

GuardStage::GuardStage(const SbcConfig& config, const policy::SourceClassifier& sources, const HashKey& key,
                       std::uint32_t lcores, const GuardBoards& boards)
    : boards_(boards),
      owned_(std::make_unique<GuardView>(config, sources, key, lcores)),
      of_the_day_(owned_.get()),
      view_(owned_.get()),
      limiter_({config.security.limits, config.dataplane.capacity.sources / (lcores == 0 ? 1 : lcores),
                lcores, ask_for_huge_pages},
               key),
      handshakes_(handshake_sources(config, lcores), {key.k0, key.k1 ^ 0x5bd1e9955bd1e995u}),
      beyond_budget_(peer_places(config)),
      repeats_(key, lcores) {}

std::unique_ptr<GuardView> GuardStage::adopt(std::unique_ptr<GuardView> next) noexcept {
  next->number = owned_->number + 1;
  of_the_day_.store(next.get(), std::memory_order_release);
  return std::exchange(owned_, std::move(next));
}

// By number: one may lie where another lay.
void GuardStage::look_at_view() noexcept {
  view_ = &view_of_the_day();
  if (std::exchange(number_, view_->number) != view_->number) limiter_.set_limits(view_->limits);
}

void GuardStage::process(Timestamp now, Burst& burst) noexcept {
  look_at_view();
  Strangers strangers;
  const PacketMeta* last = nullptr;  // the last stranger's: a flood of one source is looked up once a burst
  BlockedRun blocked;
  const bool asks_for_earned = boards_.has_earned();
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    PacketMeta& meta = *burst.meta[i];
    if (meta.packet_class == PacketClass::Exception && meta.exception != ExceptionKind::Handshake) {
      judge_exception(now, burst, i);
    } else if (meta.packet_class == PacketClass::Signalling || meta.packet_class == PacketClass::Exception) {
      const std::size_t k = strangers.count;
      if (last != nullptr && last->source == meta.source && last->realm == meta.realm &&
          last->port == meta.port) {
        strangers.keys[k] = strangers.keys[k - 1];
        strangers.addresses[k] = strangers.addresses[k - 1];
      } else if (drop_blocked(now, burst, i, blocked)) {
        continue;
      } else if (look_at_source(burst, i)) {
        strangers.keys[k] = limiter_.prepare(meta.port, meta.source);
        if (asks_for_earned) {
          strangers.addresses[k] = boards_.earned->name_of(meta.realm, {meta.source, 0});
          boards_.earned->prefetch(strangers.addresses[k]);
        }
        last = blocked.last == &meta ? nullptr : &meta;  // spared: others of that source are not
      } else {
        if (burst.verdicts[i] != Verdict::Continue) continue;
        if (meta.exception == ExceptionKind::Handshake)
          judge_exception(now, burst, i);
        else if (meta.trust == TrustClass::Known)
          judge_peer(now, burst, i);
        continue;
      }
      meta.trust = TrustClass::Untrusted;
      meta.is_proved = false;
      strangers.packets[k] = static_cast<std::uint8_t>(i);
      ++strangers.count;
    }
  }
  if (blocked.packets != 0) boards_.blocks->count(blocked.block, blocked.packets, now);
  if (asks_for_earned) look_for_proved(now, burst, strangers);
  for (std::size_t k = 0; k < strangers.count; ++k) judge_stranger(now, burst, strangers, k);
  verify_checksums(burst);
  limiter_.on_idle(now);
  handshakes_.forget_idle(now, 1);
}

bool GuardStage::is_proved(const PacketMeta& meta, Timestamp now) const noexcept {
  return meta.packet_class == PacketClass::Signalling &&
         boards_.earned->holds(boards_.earned->name_of(meta.realm, {meta.source, meta.source_port}), now);
}

// In rounds, so that the cache misses overlap. Of most strangers no flow is asked for.
void GuardStage::look_for_proved(Timestamp now, Burst& burst, Strangers& strangers) const noexcept {
  const policy::EarnedTrust& earned = *boards_.earned;
  for (std::size_t k = 0; k < strangers.count; ++k) {
    const PacketMeta& meta = *burst.meta[strangers.packets[k]];
    if (meta.packet_class != PacketClass::Signalling || !earned.holds(strangers.addresses[k], now)) continue;
    strangers.flows[k] = earned.name_of(meta.realm, {meta.source, meta.source_port});
    earned.prefetch(strangers.flows[k]);
    limiter_.prefetch({strangers.flows[k].hash});
    strangers.beside_proved |= std::uint64_t{1} << k;
  }
  for (std::uint64_t left = strangers.beside_proved; left != 0; left &= left - 1) {
    const auto k = static_cast<std::size_t>(std::countr_zero(left));
    burst.meta[strangers.packets[k]]->is_proved = earned.holds(strangers.flows[k], now);
  }
}

// The token is only looked for when it matters; it stands in the first segment of what came in several.
void GuardStage::judge_peer(Timestamp now, Burst& burst, std::size_t i) noexcept {
  const PacketMeta& meta = *burst.meta[i];
  if (view_->peers.take(meta.peer, now)) return;
  const rte_mbuf& packet = *burst.packets[i];
  const std::size_t length = std::min<std::size_t>(
      meta.payload_length, packet.data_len - std::min(packet.data_len, meta.payload_offset));
  const std::string_view payload(rte_pktmbuf_mtod_offset(&packet, const char*, meta.payload_offset), length);
  if (boards_.token_key != nullptr && sip::shows_token(*boards_.token_key, payload) &&
      view_->peers.take_proved(meta.peer, now))
    return;
  if (view_->peers.is_flooded(meta.peer, now) && repeats_.is_again(payload, now) &&
      view_->peers.take_again(meta.peer, now))
    return;
  burst.drop(i, DropReason::PeerRate);
  if (to_position(meta.peer) < beyond_budget_.size()) beyond_budget_[to_position(meta.peer)].add();
}

// The bucket of new connections first: what it holds back costs the others nothing.
void GuardStage::judge_stranger(Timestamp now, Burst& burst, Strangers& strangers, std::size_t k) noexcept {
  const std::size_t i = strangers.packets[k];
  const PacketMeta& meta = *burst.meta[i];
  if (meta.exception == ExceptionKind::Handshake) {
    const auto key = handshakes_.key_of(meta.source, static_cast<std::uint16_t>(meta.port));
    if (!handshakes_.take(key, view_->handshake_shape, now)) return burst.drop(i, DropReason::TcpSynRate);
  }
  Admission admission;
  if ((strangers.beside_proved >> k & 1) == 0) {
    admission = admit(now, strangers, k);
  } else {
    const policy::SourceTable::Key flow{strangers.flows[k].hash};
    admission = meta.is_proved ? limiter_.admit_proved(flow, now)
                               : limiter_.admit_beside(flow, strangers.keys[k], now);
  }
  if (admission != Admission::Admitted) burst.drop(i, reason_of(admission));
}

Admission GuardStage::admit(Timestamp now, Strangers& strangers, std::size_t k) noexcept {
  const policy::SourceLimiter::Keys& keys = strangers.keys[k];
  if (strangers.spent == keys.source.hash) return Admission::SourceRate;
  const Admission admission = limiter_.admit(keys, now);
  if (admission == Admission::SourceRate) strangers.spent = keys.source.hash;
  return admission;
}

// Last, so that what is dropped need not be summed. A packet with a wrong checksum has taken a token, then:
// whoever sends such packets could as well have sent right ones.
void GuardStage::verify_checksums(Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    const auto verified = verify_pending_checksum(burst.packets[i], *burst.meta[i]);
    if (!verified) burst.drop(i, verified.error());
  }
}

policy::SourceClass GuardStage::class_of(const PacketMeta& meta) const noexcept {
  return meta.realm == RealmIndex::kNone ? view_->sources.classify_on_port(meta.port, meta.source)
                                         : view_->sources.classify(meta.realm, meta.source);
}

// The class is asked for only where the block does not touch all of them; flows only at an address where one
// has earned trust.
bool GuardStage::drop_blocked(Timestamp now, Burst& burst, std::size_t i, BlockedRun& run) const noexcept {
  policy::BlockTable* const blocks = boards_.blocks;
  if (blocks == nullptr || blocks->size() == 0) return false;
  PacketMeta& meta = *burst.meta[i];
  const bool is_same = run.last != nullptr && run.last->source == meta.source &&
                       run.last->realm == meta.realm && run.last->port == meta.port;
  if (!is_same) {
    policy::BlockTable::Id block = blocks->find(meta.source, TrustClass::Untrusted, now);
    if (block == policy::BlockTable::kNone) return false;
    bool spares_proved = false;
    if (!blocks->touches(block, TrustClass::Known, now)) {
      const TrustClass trust = class_of(meta).trust;
      if (trust == TrustClass::Denied) return false;
      block = blocks->find(meta.source, trust, now);
      if (block == policy::BlockTable::kNone) return false;
      spares_proved = trust == TrustClass::Untrusted && boards_.has_earned() &&
                      blocks->find(meta.source, TrustClass::Trusted, now) == policy::BlockTable::kNone &&
                      boards_.earned->holds_address(meta.realm, meta.source, now);
    }
    if (run.packets != 0 && run.block != block) blocks->count(run.block, std::exchange(run.packets, 0), now);
    run.block = block;
    run.spares_proved = spares_proved;
  }
  run.last = &meta;
  if (run.spares_proved && is_proved(meta, now)) return false;
  ++run.packets;
  meta.trust = TrustClass::Denied;
  burst.drop(i, DropReason::Blocked);
  return true;
}

bool GuardStage::look_at_source(Burst& burst, std::size_t i) const noexcept {
  PacketMeta& meta = *burst.meta[i];
  const policy::SourceClass source = class_of(meta);
  meta.trust = source.trust;
  meta.peer = source.peer;
  if (source.trust == TrustClass::Denied) burst.drop(i, DropReason::Denied);
  return source.trust == TrustClass::Untrusted;
}

void GuardStage::judge_exception(Timestamp now, Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  if (meta.exception != ExceptionKind::Handshake) {  // whose source has been looked at
    const policy::SourceClass source = view_->sources.classify_on_port(meta.port, meta.source);
    meta.trust = source.trust;
    meta.peer = source.peer;
  }
  // ARP and neighbour discovery go on for a denied source: it may be the router that others are behind.
  const bool may_be_denied =
      meta.exception != ExceptionKind::Arp && meta.exception != ExceptionKind::NeighbourDiscovery;
  if (meta.trust == TrustClass::Denied && may_be_denied) return burst.drop(i, DropReason::Denied);
  if (may_be_denied && meta.exception != ExceptionKind::Handshake && boards_.blocks != nullptr &&
      boards_.blocks->size() != 0) {
    // Who answers us, or has shaken hands, is where he says he is.
    const TrustClass proved = meta.exception == ExceptionKind::Flow ? TrustClass::Trusted : meta.trust;
    const auto block = boards_.blocks->find(meta.source, std::max(meta.trust, proved), now);
    if (block != policy::BlockTable::kNone) {
      boards_.blocks->count(block, 1, now);
      meta.trust = TrustClass::Denied;
      return burst.drop(i, DropReason::Blocked);
    }
  }
  const bool is_favoured = meta.trust >= TrustClass::Trusted;
  if (!view_->budget.take(meta.port, meta.exception, meta.source, is_favoured, now))
    burst.drop(i, reason_of(meta.exception));
}

}  // namespace sallyport::dataplane
