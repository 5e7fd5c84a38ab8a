// source_latch.cpp — the table in source_latch.h: RFC 7362 §4, threats M1.
#include "media-relay/flow/source_latch.h"

namespace sallyport::media {

SourceRank rank_of(const Endpoint& source, const LatchRules& rules) noexcept {
  const bool has_expected = rules.expected.port != 0;
  if (has_expected && source == rules.expected) return SourceRank::Exact;
  if (has_expected && source.address == rules.expected.address) return SourceRank::Host;
  if (rules.mode == LatchMode::Sdp) return SourceRank::Foreign;
  if (!rules.signalled.is_unspecified() && source.address == rules.signalled) return SourceRank::Host;
  if (rules.mode == LatchMode::Signalled) return SourceRank::Foreign;
  return has_expected && source.port == rules.expected.port ? SourceRank::Port : SourceRank::Anybody;
}

LatchAnswer SourceLatch::on_packet(Timestamp now, const Endpoint& source, SourceRank rank,
                                   const LatchPatience& patience) noexcept {
  if (rank == SourceRank::Foreign) return LatchAnswer::Foreign;
  std::uint8_t mine = standing(rank);
  if (is_locked_) return mine < standing_ ? lock_to(source, mine) : LatchAnswer::Foreign;
  if (rank == SourceRank::Exact) return lock_to(source, mine);
  if (known_.port != 0 && source == known_) ++mine;
  if (source != tried_) {
    const bool is_tried_alive = tried_.port != 0 && now - tried_heard_at_ <= patience.forgotten;
    if (is_tried_alive && mine >= standing_) return LatchAnswer::Foreign;
    tried_ = source;
    standing_ = mine;
    heard_ = 0;
  }
  tried_heard_at_ = now;
  if (++heard_ >= patience.packets) return lock_to(source, mine);
  if (relayed_ >= kLearningPackets) return LatchAnswer::Wait;
  ++relayed_;
  return LatchAnswer::Relay;
}

void SourceLatch::learn_again(bool is_same_place) noexcept {
  is_target_ = is_target_ && is_same_place;
  is_locked_ = false;  // known_ stays: the source of before
  tried_ = {};
  standing_ = heard_ = relayed_ = 0;
}

void SourceLatch::lock(const Endpoint& source, SourceRank rank) noexcept { lock_to(source, standing(rank)); }

LatchAnswer SourceLatch::lock_to(const Endpoint& source, std::uint8_t standing_of_it) noexcept {
  known_ = source;
  tried_ = {};
  is_locked_ = is_target_ = true;
  standing_ = standing_of_it;
  return LatchAnswer::Learned;
}

}  // namespace sallyport::media
