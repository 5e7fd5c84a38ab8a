// srtp_sources.cpp — RFC 3711 §3.3.1, §3.3.2, §3.4, Appendix A.
#include "media-relay/srtp/srtp_sources.h"

#include <algorithm>

namespace sallyport::media {
namespace {

constexpr std::int64_t kWindow = kSrtpWindow;
constexpr std::uint32_t kRtcpIndexMax = 0x7fffffff;  // 31 bits
constexpr std::uint16_t kHalf = 0x8000;

using Window = std::array<std::uint64_t, 2>;
constexpr Window kAllSeen{~std::uint64_t{0}, ~std::uint64_t{0}};

[[nodiscard]] SrtpResult check_window(const Window& seen, std::int64_t ahead) noexcept {
  if (ahead > 0) return SrtpResult::Ok;
  const std::int64_t behind = -ahead;
  if (behind >= kWindow) return SrtpResult::TooOld;
  const std::uint64_t bit = seen[behind >= 64] >> (behind & 63) & 1;
  return bit != 0 ? SrtpResult::Replayed : SrtpResult::Ok;
}

// Marks it; the window moves on when it is ahead.
void mark(Window& seen, std::int64_t ahead) noexcept {
  if (ahead <= 0) {
    seen[-ahead >= 64] |= std::uint64_t{1} << (-ahead & 63);
    return;
  }
  if (ahead >= kWindow) {
    seen = {1, 0};
  } else if (ahead >= 64) {
    seen = {1, seen[0] << (ahead - 64)};
  } else {
    seen[1] = seen[1] << ahead | seen[0] >> (64 - ahead);
    seen[0] = seen[0] << ahead | 1;
  }
}

[[nodiscard]] std::int64_t rtp_index(std::uint32_t roc, std::uint16_t sequence) noexcept {
  return static_cast<std::int64_t>(std::uint64_t{roc} << 16 | sequence);
}

}  // namespace

SrtpResult check_rtp_index(const SrtpSourceState& source, std::uint16_t sequence,
                           std::uint32_t& roc) noexcept {
  roc = source.roc;
  if (!source.has_rtp) return SrtpResult::Ok;
  if (source.highest < kHalf) {
    // Deviates: where the counter is 0 there is nothing below it, so that the jump was a jump ahead.
    if (sequence - source.highest > kHalf && roc != 0) --roc;  // RFC 3711 Appendix A
  } else if (source.highest - kHalf > sequence) {
    if (roc == 0xffffffff) return SrtpResult::KeyExpired;  // RFC 3711 §9.2
    ++roc;                                                 // RFC 3711 Appendix A
  }
  return check_window(source.rtp_seen, rtp_index(roc, sequence) - rtp_index(source.roc, source.highest));
}

void accept_rtp_index(SrtpSourceState& source, std::uint16_t sequence, std::uint32_t roc) noexcept {
  if (!source.has_rtp) {
    source.has_rtp = true;
    source.roc = roc;
    source.highest = sequence;
    source.rtp_seen = {1, 0};
    return;
  }
  const std::int64_t ahead = rtp_index(roc, sequence) - rtp_index(source.roc, source.highest);
  mark(source.rtp_seen, ahead);
  if (ahead <= 0) return;
  source.roc = roc;
  source.highest = sequence;
}

SrtpResult check_rtcp_index(const SrtpSourceState& source, std::uint32_t index) noexcept {
  if (!source.has_rtcp) return SrtpResult::Ok;
  return check_window(source.rtcp_seen, std::int64_t{index} - std::int64_t{source.rtcp_index});
}

void accept_rtcp_index(SrtpSourceState& source, std::uint32_t index) noexcept {
  if (!source.has_rtcp) {
    source.has_rtcp = true;
    source.rtcp_index = index;
    source.rtcp_seen = {1, 0};
    return;
  }
  const std::int64_t ahead = std::int64_t{index} - std::int64_t{source.rtcp_index};
  mark(source.rtcp_seen, ahead);
  if (ahead > 0) source.rtcp_index = index;
}

SrtpSourceState SrtpSources::revive(const Retired& retired) noexcept {
  // What it had in its window nobody knows any more: only what is ahead may come.
  return {.ssrc = retired.ssrc,
          .roc = retired.roc,
          .highest = retired.highest,
          .has_rtp = retired.has_rtp,
          .has_rtcp = retired.has_rtcp,
          .rtcp_index = retired.rtcp_index,
          .rtp_seen = kAllSeen,
          .rtcp_seen = kAllSeen};
}

const SrtpSourceState* SrtpSources::peek_slowly(std::uint32_t ssrc, SrtpSourceState& scratch) const noexcept {
  for (std::size_t i = 0; i < full_count_; ++i)
    if (full_[i].ssrc == ssrc) return &full_[i];
  for (std::size_t i = 0; i < retired_count_; ++i) {
    if (retired_[i].ssrc != ssrc) continue;
    scratch = revive(retired_[i]);
    return &scratch;
  }
  if (!has_room()) return nullptr;
  scratch = {.ssrc = ssrc};
  return &scratch;
}

SrtpSourceState* SrtpSources::bring_slowly(std::uint32_t ssrc) noexcept {
  for (std::size_t i = 0; i < full_count_; ++i) {
    if (full_[i].ssrc != ssrc) continue;
    std::rotate(full_.data(), full_.data() + i, full_.data() + i + 1);
    return full_.data();
  }
  SrtpSourceState state;
  if (peek_slowly(ssrc, state) == nullptr) return nullptr;
  for (std::size_t i = 0; i < retired_count_; ++i) {
    if (retired_[i].ssrc != ssrc) continue;
    std::copy(retired_.data() + i + 1, retired_.data() + retired_count_, retired_.data() + i);
    --retired_count_;
    break;
  }
  if (full_count_ == kSrtpSourcesFull) retire_last();
  std::copy_backward(full_.data(), full_.data() + full_count_, full_.data() + full_count_ + 1);
  ++full_count_;
  full_[0] = state;
  return full_.data();
}

void SrtpSources::retire_last() noexcept {
  const SrtpSourceState& last = full_[--full_count_];
  retired_[retired_count_++] = {.ssrc = last.ssrc,
                                .roc = last.roc,
                                .rtcp_index = last.rtcp_index,
                                .highest = last.highest,
                                .has_rtp = last.has_rtp,
                                .has_rtcp = last.has_rtcp};
}

void SrtpSources::save(SrtpContextState& out) const noexcept {
  out.sources.clear();
  for (std::size_t i = 0; i < full_count_; ++i) (void)out.sources.push_back(full_[i]);
  for (std::size_t i = retired_count_; i > 0; --i) (void)out.sources.push_back(revive(retired_[i - 1]));
}

bool SrtpSources::restore(const SrtpContextState& state) noexcept {
  for (std::size_t i = 0; i < state.sources.size(); ++i) {
    if (state.sources[i].rtcp_index > kRtcpIndexMax) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (state.sources[j].ssrc == state.sources[i].ssrc) return false;
  }
  clear();
  // The oldest first, so that those beyond the full ones retire in their order.
  for (std::size_t i = state.sources.size(); i > 0; --i)
    if (SrtpSourceState* const source = bring(state.sources[i - 1].ssrc); source != nullptr)
      *source = state.sources[i - 1];
  return true;
}

}  // namespace sallyport::media
