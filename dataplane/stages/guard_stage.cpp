// guard_stage.cpp — decides about a burst in two rounds.
#include "dataplane/stages/guard_stage.h"

#include <array>

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
    default:
      return DropReason::EchoBudget;
  }
}

}  // namespace

GuardStage::GuardStage(const SbcConfig& config, const policy::SourceClassifier& sources, const HashKey& key,
                       std::uint32_t lcores)
    : sources_(sources),
      limiter_(
          {config.security.limits, config.dataplane.capacity.sources / (lcores == 0 ? 1 : lcores), lcores},
          key),
      budget_(config, key, lcores) {}

void GuardStage::process(Timestamp now, Burst& burst) noexcept {
  std::array<policy::SourceLimiter::Keys, kBurstMax> keys;
  std::array<std::uint8_t, kBurstMax> untrusted;
  std::size_t untrusted_count = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    const PacketMeta& meta = *burst.meta[i];
    if (meta.packet_class == PacketClass::Exception) {
      judge_exception(now, burst, i);
    } else if (meta.packet_class == PacketClass::Signalling && look_at_signalling(burst, i)) {
      keys[untrusted_count] = limiter_.prepare(meta.port, meta.source);
      untrusted[untrusted_count++] = static_cast<std::uint8_t>(i);
    }
  }
  for (std::size_t k = 0; k < untrusted_count; ++k) {
    const Admission admission = limiter_.admit(keys[k], now);
    if (admission != Admission::Admitted) burst.drop(untrusted[k], reason_of(admission));
  }
  limiter_.on_idle(now);
}

bool GuardStage::look_at_signalling(Burst& burst, std::size_t i) const noexcept {
  PacketMeta& meta = *burst.meta[i];
  const policy::SourceClass source = sources_.classify(meta.realm, meta.source);
  meta.trust = source.trust;
  meta.peer = source.peer;
  if (source.trust == TrustClass::Denied) burst.drop(i, DropReason::Denied);
  return source.trust == TrustClass::Untrusted;
}

void GuardStage::judge_exception(Timestamp now, Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  const policy::SourceClass source = sources_.classify_on_port(meta.port, meta.source);
  meta.trust = source.trust;
  meta.peer = source.peer;
  // ARP and neighbour discovery go on for a denied source: it may be the router that others are behind.
  if (source.trust == TrustClass::Denied && meta.exception == ExceptionKind::Echo)
    return burst.drop(i, DropReason::Denied);
  const bool is_favoured = source.trust >= TrustClass::Trusted;
  if (!budget_.take(meta.port, meta.exception, meta.source, is_favoured, now))
    burst.drop(i, reason_of(meta.exception));
}

}  // namespace sallyport::dataplane
