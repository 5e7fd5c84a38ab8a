// libsrtp_engine.h — SrtpEngine on Debian's libsrtp2. RFC 3711, RFC 6188, RFC 7714.
//
// The library decides on each packet. Beside it our own record of the sources is kept, for three things that
// the library has no words for: the limit of sources, those that retired, and a state that can be written
// down and read back (of the library's only the ROC can be set).
#pragma once

#include <srtp2/srtp.h>

#include <memory>
#include <vector>

#include "media-relay/srtp/srtp_engine.h"
#include "media-relay/srtp/srtp_packet.h"
#include "media-relay/srtp/srtp_sources.h"

namespace sallyport::media {

class LibsrtpEngine final : public SrtpEngine {
 public:
  explicit LibsrtpEngine(std::uint32_t contexts_max);
  ~LibsrtpEngine() override;
  [[nodiscard]] SrtpEngineKind kind() const noexcept override { return SrtpEngineKind::Libsrtp2; }
  [[nodiscard]] SrtpContextId open(const SrtpKey& key, SrtpDirection direction) noexcept override;
  void close(SrtpContextId id) noexcept override;
  void protect(std::span<SrtpJob> jobs) noexcept override;
  void unprotect(std::span<SrtpJob> jobs) noexcept override;
  [[nodiscard]] bool save(SrtpContextId id, SrtpContextState& out) const noexcept override;
  [[nodiscard]] bool restore(SrtpContextId id, const SrtpContextState& state) noexcept override;
  [[nodiscard]] std::uint64_t packets_left(SrtpContextId id) const noexcept override;
  [[nodiscard]] std::size_t context_bytes() const noexcept override { return sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t generation = 0;
    SrtpDirection direction = SrtpDirection::Protect;
    bool is_restored = false;
    srtp_t session = nullptr;  // null: closed
    SrtpKey key;               // for sources of a restored state
    SrtpSources sources;
    // Of a restored state: whose ROC the library has not been told yet.
    FixedVector<std::uint32_t, kSrtpSourcesMax> strange;
    std::uint64_t rtp_packets = 0, rtcp_packets = 0;
  };
  struct Numbers {
    std::uint32_t ssrc = 0, roc = 0, rtcp_index = 0;
    std::uint16_t sequence = 0;
  };

  [[nodiscard]] Slot* find(SrtpContextId id) noexcept;
  [[nodiscard]] const Slot* find(SrtpContextId id) const noexcept {
    return const_cast<LibsrtpEngine*>(this)->find(id);
  }
  [[nodiscard]] SrtpResult run(SrtpJob& job, SrtpDirection direction) noexcept;
  [[nodiscard]] SrtpResult check_room(const Slot& slot, const SrtpJob& job) const noexcept;
  [[nodiscard]] SrtpResult check_source(Slot& slot, const SrtpJob& job, Numbers& numbers) noexcept;
  [[nodiscard]] SrtpResult ask_library(Slot& slot, SrtpJob& job) noexcept;
  void accept(Slot& slot, const SrtpJob& job, const Numbers& numbers) noexcept;
  [[nodiscard]] bool add_source(Slot& slot, const SrtpSourceState& source) noexcept;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint8_t> scratch_;  // the library changes what it then finds wrong
};

}  // namespace sallyport::media
