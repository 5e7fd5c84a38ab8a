// srtp_sources.h — the sources that use a key: where their numbers are, and which packets were here before.
// RFC 3711 §3.3.1 (roll-over counter, index), §3.3.2 (replay), §3.4 (SRTCP index), Appendix A.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "media-relay/srtp/srtp_engine.h"

namespace sallyport::media {

// The roll-over counter that a packet of this number has most likely, and whether it may come. Ok, Replayed,
// TooOld, or KeyExpired where the counter itself would roll over. RFC 3711 §3.3.1, §3.3.2
[[nodiscard]] SrtpResult check_rtp_index(const SrtpSourceState& source, std::uint16_t sequence,
                                         std::uint32_t& roc) noexcept;
// After it proved to be genuine.
void accept_rtp_index(SrtpSourceState& source, std::uint16_t sequence, std::uint32_t roc) noexcept;

[[nodiscard]] SrtpResult check_rtcp_index(const SrtpSourceState& source, std::uint32_t index) noexcept;
void accept_rtcp_index(SrtpSourceState& source, std::uint32_t index) noexcept;
// The next one to send; above 31 bits: there is none. RFC 3711 §3.4
// Deviates: the first is 1, not 0, because that is what libsrtp2 sends, so that all engines send the same.
[[nodiscard]] inline std::uint32_t next_rtcp_index(const SrtpSourceState& source) noexcept {
  return source.has_rtcp ? source.rtcp_index + 1 : 1;
}

// The last used first. A source that was not used for long keeps how far it came, without its window.
class SrtpSources {
 public:
  void clear() noexcept { full_count_ = retired_count_ = 0; }
  // As it is, changing nothing: known in full, or in `scratch` (retired, or new). Null: a new one, and no
  // room for it.
  [[nodiscard]] const SrtpSourceState* peek(std::uint32_t ssrc, SrtpSourceState& scratch) const noexcept {
    if (full_count_ != 0 && full_[0].ssrc == ssrc) [[likely]]
      return full_.data();
    return peek_slowly(ssrc, scratch);
  }
  // For a genuine packet: in front, made if it was not there. Null: no room.
  [[nodiscard]] SrtpSourceState* bring(std::uint32_t ssrc) noexcept {
    if (full_count_ != 0 && full_[0].ssrc == ssrc) [[likely]]
      return full_.data();
    return bring_slowly(ssrc);
  }
  void save(SrtpContextState& out) const noexcept;
  // False: twice the same source or an index that can't be.
  [[nodiscard]] bool restore(const SrtpContextState& state) noexcept;

 private:
  struct Retired {
    std::uint32_t ssrc, roc, rtcp_index;
    std::uint16_t highest;
    bool has_rtp, has_rtcp;
  };
  static_assert(sizeof(Retired) == 16);

  [[nodiscard]] static SrtpSourceState revive(const Retired& retired) noexcept;
  [[nodiscard]] const SrtpSourceState* peek_slowly(std::uint32_t ssrc,
                                                   SrtpSourceState& scratch) const noexcept;
  [[nodiscard]] SrtpSourceState* bring_slowly(std::uint32_t ssrc) noexcept;
  [[nodiscard]] bool has_room() const noexcept {
    return full_count_ < kSrtpSourcesFull || retired_count_ < kSrtpSourcesRetired;
  }
  void retire_last() noexcept;

  std::array<SrtpSourceState, kSrtpSourcesFull> full_;
  std::array<Retired, kSrtpSourcesRetired> retired_;  // the one retired last is the last
  std::uint8_t full_count_, retired_count_;
};
static_assert(std::is_trivially_copyable_v<SrtpSources>);

}  // namespace sallyport::media
