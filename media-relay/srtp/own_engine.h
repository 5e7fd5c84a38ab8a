// own_engine.h — SRTP with index, replay and session keys of our own over one of two transforms (libIPSec_MB,
// OpenSSL): RFC 3711 §3.3, §3.4, RFC 7714 §8, §9.
//
// Counter mode with HMAC is done for a whole burst in steps (all HMACs, then all ciphers), AEAD packet by
// packet. So that a burst says what its packets one by one would say: a sender's index is taken when the
// packet is laid out; a receiver's is looked at again when the tags are known, and where packets before it in
// the burst made it another one, the tag is computed anew.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "media-relay/relay/lazy_array.h"
#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/srtp/srtp_sources.h"
#include "media-relay/srtp/transform_work.h"

namespace sallyport::media {

// One context. The first line and the first source are what each packet needs, beside its keys.
template <class Keys>
struct alignas(64) SrtpSlot {
  std::uint32_t generation;  // of who has it or had it last
  bool is_open;
  SrtpDirection direction;
  SrtpSuiteFacts facts;
  std::uint8_t mki_bytes;
  SrtpSuite suite;
  std::array<std::uint8_t, kSrtpSaltBytesMax> salt;  // of RTP
  std::uint32_t burst;                               // the last one that it has unfinished packets in
  std::uint64_t mki;
  std::uint64_t rtp_packets, rtcp_packets;
  std::uint64_t packets_max;
  SrtpSources sources;
  SrtpSessionKeys rtcp;  // its schedules are made when RTCP comes: they are large, and RTCP is rare
  Keys keys;             // of RTP
};

template <class Transform>
class OwnEngine final : public SrtpEngine {
 public:
  OwnEngine(SrtpEngineKind kind, std::uint32_t contexts_max)
      : kind_(kind), slots_(contexts_max), is_aead_(contexts_max) {
    free_.reserve(contexts_max);
  }
  ~OwnEngine() override {
    for (std::uint32_t i = 0; i < touched_; ++i)
      if (slots_[i].is_open) close({i, slots_[i].generation});
  }
  [[nodiscard]] bool good() const noexcept { return transform_.good(); }

  [[nodiscard]] SrtpEngineKind kind() const noexcept override { return kind_; }
  [[nodiscard]] SrtpContextId open(const SrtpKey& key, SrtpDirection direction) noexcept override {
    BothSessionKeys session;
    return derive_session_keys(key, session) ? open_session(key, session, direction) : SrtpContextId{};
  }
  // With session keys that come from elsewhere; of `key` all but key and salt.
  [[nodiscard]] SrtpContextId open_session(const SrtpKey& key, const BothSessionKeys& session,
                                           SrtpDirection direction) noexcept;
  void close(SrtpContextId id) noexcept override;
  void protect(std::span<SrtpJob> jobs) noexcept override;
  void unprotect(std::span<SrtpJob> jobs) noexcept override;
  [[nodiscard]] bool save(SrtpContextId id, SrtpContextState& out) const noexcept override;
  [[nodiscard]] bool restore(SrtpContextId id, const SrtpContextState& state) noexcept override;
  [[nodiscard]] std::uint64_t packets_left(SrtpContextId id) const noexcept override;
  [[nodiscard]] std::size_t context_bytes() const noexcept override { return sizeof(Slot); }

 private:
  using Keys = typename Transform::Keys;
  using Slot = SrtpSlot<Keys>;
  using Work = TransformWork<Keys>;
  using Aead = AeadWork<Keys>;
  // Of a packet in counter mode whose tag is being computed.
  struct Pending {
    SrtpJob* job;
    Slot* slot;
    std::uint32_t ssrc, roc;
    std::uint16_t sequence;
    std::array<std::uint8_t, 10> tag;         // as it came
    std::array<std::uint8_t, 4> overwritten;  // where the ROC stands now
  };
  // Schedules of SRTCP for one packet.
  class RtcpKeys {
   public:
    RtcpKeys(OwnEngine& engine, const Slot& slot) noexcept
        : engine_(engine),
          good_(engine.transform_.open(slot.suite, slot.rtcp, slot.direction, engine.rtcp_keys_)) {}
    RtcpKeys(const RtcpKeys&) = delete;
    RtcpKeys& operator=(const RtcpKeys&) = delete;
    ~RtcpKeys() {
      if (good_) engine_.transform_.close(engine_.rtcp_keys_);
    }
    [[nodiscard]] bool good() const noexcept { return good_; }

   private:
    OwnEngine& engine_;
    bool good_;
  };

  [[nodiscard]] Slot* find(SrtpContextId id) noexcept {
    if (id.index >= touched_) return nullptr;
    Slot& slot = slots_[id.index];
    return slot.is_open && slot.generation == id.generation ? &slot : nullptr;
  }
  [[nodiscard]] const Slot* find(SrtpContextId id) const noexcept {
    return const_cast<OwnEngine*>(this)->find(id);
  }
  void prefetch(std::span<const SrtpJob> jobs) const noexcept;
  [[nodiscard]] static std::uint32_t growth(const Slot& slot, bool is_rtcp) noexcept {
    return is_rtcp ? slot.facts.rtcp_tag_bytes + slot.mki_bytes + kSrtcpWordBytes
                   : std::uint32_t{slot.facts.rtp_tag_bytes} + slot.mki_bytes;
  }
  [[nodiscard]] static SrtpResult check_source(const Slot& slot, std::uint32_t ssrc, std::uint16_t sequence,
                                               std::uint32_t& roc) noexcept;
  static void accept(Slot& slot, std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t roc) noexcept;
  void lay_out(Work& work, const Pending& pending, std::uint32_t text_at, std::uint32_t text_end) noexcept;
  void begin_burst() noexcept {
    pending_count_ = 0;
    ++burst_;
  }

  // protect
  [[nodiscard]] SrtpResult protect_rtp(Slot& slot, SrtpJob& job) noexcept;
  void seal_rtp(Slot& slot, SrtpJob& job, std::uint32_t clear, std::uint64_t index) noexcept;
  void finish_protect() noexcept;
  [[nodiscard]] SrtpResult protect_rtcp(Slot& slot, SrtpJob& job) noexcept;
  void seal_rtcp(const Slot& slot, SrtpJob& job, std::uint32_t ssrc, std::uint32_t index) noexcept;
  // unprotect
  [[nodiscard]] SrtpResult unprotect_rtp(Slot& slot, SrtpJob& job) noexcept;
  [[nodiscard]] SrtpResult open_rtp(Slot& slot, SrtpJob& job, std::uint32_t clear,
                                    std::uint32_t roc) noexcept;
  void finish_unprotect() noexcept;
  [[nodiscard]] SrtpResult judge(Pending& pending, Work& work) noexcept;
  [[nodiscard]] SrtpResult unprotect_rtcp(Slot& slot, SrtpJob& job) noexcept;
  [[nodiscard]] bool open_rtcp(const Slot& slot, SrtpJob& job, std::uint32_t ssrc,
                               std::uint32_t word) noexcept;

  SrtpEngineKind kind_;
  Transform transform_;
  LazyArray<Slot> slots_;
  std::vector<std::uint8_t> is_aead_;  // by index: what to prefetch, before the slot is there
  std::vector<std::uint32_t> free_;
  std::uint32_t touched_ = 0;  // slots below were open once
  std::uint32_t burst_ = 0;
  std::size_t pending_count_ = 0;
  std::array<Pending, kSrtpBurst> pending_;
  std::array<Work, kSrtpBurst> works_;
  Keys rtcp_keys_;
};

}  // namespace sallyport::media
