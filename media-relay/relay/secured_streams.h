// secured_streams.h — the SRTP contexts of one relay's streams: which keys they have now and had a moment
// ago, what is tried when a key has changed, and what goes on after a restart. RFC 3711 §3.3.1, §8, §9.1; RFC
// 4568 §6.2, §7.1.4; threats M2, M3.
//
//   state of a side   command                      next       old key
//   -                 keys                         Secured    none; goes on from before a restart
//   Secured           the same numbers or keys     Secured    stays
//   Secured           another key of theirs        Secured    counts for kOldKeyFor where the new one fails
//   Secured           another key of ours          Secured    closed: we send under the new one at once
//   Secured           no keys any more             Plain      stays, for the case that it comes again
//   any               the stream's end             -          wiped
// A key that finds no room leaves the side without one: nothing passes then, and never in the clear.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "media-relay/control/media_command.h"
#include "media-relay/flow/policer.h"
#include "media-relay/relay/lazy_array.h"
#include "media-relay/srtp/srtp_engine.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"

namespace sallyport::media {

inline constexpr std::size_t kRelayBurst = 64;
inline constexpr Duration kOldKeyFor = 2s;
// Packets a second of whom we do not know that we look into, and how much more than a side agreed to send.
inline constexpr std::uint32_t kStrangersPerSecond = 1000;
inline constexpr std::uint32_t kWorkFactor = 4;
// So many in a row that were sent before: their sender has begun anew, and is numbered on.
inline constexpr std::uint8_t kRefusedInARow = 5;
// After a restart: how far beyond what was told our own SRTCP index goes on, and a row that was numbered by
// us.
inline constexpr std::uint32_t kRtcpSkip = 65536;
inline constexpr std::uint32_t kSequenceSkip = 4096;

// Room for what each stream has, and for old keys of a quarter of them at a time.
[[nodiscard]] constexpr std::uint32_t srtp_contexts_of(std::uint32_t streams) noexcept {
  return streams * 4 + streams / 2 + 16;
}

// Packets of one burst for the engine, and whose they are.
struct SrtpBatch {
  struct Whose {
    std::uint32_t slot;
    StreamSide side;
    std::uint8_t packet;  // position in the burst
  };
  std::array<SrtpJob, kRelayBurst> jobs;
  std::array<Whose, kRelayBurst> whose;
  std::size_t count = 0;
};

struct StreamSecurity {
  // What a sender that began anew is numbered on by, towards one side. 0: nothing.
  struct Renumbering {
    std::uint32_t ssrc = 0, refused_ssrc = 0;
    std::uint16_t offset = 0, refused = 0;
    std::uint8_t refused_count = 0;
  };
  struct Side {
    SrtpContextId before;  // of theirs
    Timestamp before_until{}, tried_at{};
    // Which keys were theirs, the newest first: one that comes again is no new one.
    std::array<std::uint64_t, 4> their_marks{};
    std::uint64_t our_mark = 0;
    std::uint16_t their_number = 0, our_number = 0;
    Renumbering renumbering;
    Policer strangers, work;
  };
  // First line: what each packet needs. By StreamSide.
  std::array<SrtpContextId, 2> theirs, ours;
  std::array<bool, 2> is_secured{}, has_before{}, is_untried{}, is_renumbered{}, has_refused{};
  bool is_counted = false;
  std::array<Side, 2> sides;
};

class SecuredStreams {
 public:
  struct Setup {
    std::optional<SrtpEngineKind> engine;  // none: no stream can be secured
    std::uint32_t streams_max = 0;
    HashKey key;
  };
  explicit SecuredStreams(const Setup& setup);

  // Streams that have a secured side now.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] bool is_secured(std::uint32_t slot, StreamSide side) const noexcept {
    return streams_[slot].is_secured[index_of(side)];
  }
  // Once for each stream, before all else.
  void begin(std::uint32_t slot) noexcept;
  // `packets_per_second`: what this side agreed to send, 0: anything. False: there is a key without a
  // context.
  [[nodiscard]] bool set(Timestamp now, std::uint32_t slot, StreamSide side, const MediaKeys& keys,
                         std::uint32_t packets_per_second) noexcept;
  // Wipes its keys.
  void end(std::uint32_t slot) noexcept;
  // Closes what is over. When to ask again.
  [[nodiscard]] Timestamp on_time(Timestamp now, std::uint32_t slot) noexcept;

  void prefetch(std::uint32_t slot) const noexcept { __builtin_prefetch(&streams_[slot], 1); }
  [[nodiscard]] StreamSecurity::Side& side(std::uint32_t slot, StreamSide which) noexcept {
    return streams_[slot].sides[index_of(which)];
  }
  // Of what `side` sent. `job` has all but its context.
  static void add(SrtpBatch& batch, const SrtpBatch::Whose& whose, const SrtpJob& job) noexcept {
    batch.jobs[batch.count] = job;
    batch.whose[batch.count++] = whose;
  }
  void unprotect(Timestamp now, SrtpBatch& batch) noexcept;
  // For what goes to `side`.
  void protect(SrtpBatch& batch) noexcept;

  // How far both contexts of a side came. `is_numbered`: what goes to it has numbers of our own.
  void tell(std::uint32_t slot, StreamSide side, bool is_numbered, SrtpProgress& theirs,
            SrtpProgress& ours) const noexcept;

 private:
  [[nodiscard]] bool set_theirs(Timestamp now, std::uint32_t slot, StreamSide side,
                                const MediaKeys& keys) noexcept;
  [[nodiscard]] bool set_ours(std::uint32_t slot, StreamSide side, const MediaKeys& keys) noexcept;
  [[nodiscard]] std::uint64_t mark_of(const SrtpKey& key) const noexcept;
  void close(SrtpContextId& id) noexcept;
  void close_before(std::uint32_t slot, StreamSide side) noexcept;
  void recount(StreamSecurity& stream) noexcept;
  void try_again(Timestamp now, const SrtpBatch::Whose& whose, SrtpJob& job) noexcept;
  [[nodiscard]] bool try_anew(SrtpContextId id, SrtpJob& job) noexcept;
  void on_refused(const SrtpBatch::Whose& whose, SrtpJob& job) noexcept;

  std::unique_ptr<SrtpEngine> engine_;
  LazyArray<StreamSecurity> streams_;
  HashKey key_;
  std::uint32_t count_ = 0;
};

}  // namespace sallyport::media
