// srtp_engine.h — SRTP and SRTCP for one lcore: contexts of keys, and bursts of packets that are protected or
// unprotected in place. RFC 3711, RFC 6188, RFC 7714; threats M2, M3.
//
// A context is one master key in one direction, with the state of the sources (SSRC) that use it: roll-over
// counter, replay window, SRTCP index. The engines differ in how fast they are and agree in every octet and
// every answer:
//   libsrtp2     the library of that name; slow, the judge of the others
//   multibuffer  libIPSec_MB, packets of a burst side by side; needs AVX2
//   evp          OpenSSL, where the processor lacks AVX2
// Packets of a burst are worked on as if one came after the other. A packet that fails changes nothing: no
// state and not one octet of it. Nothing here ends a call. Room is taken at the start; opening a context may
// fail, a packet takes no memory (libsrtp2 does, for the first packet of a source).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "media-relay/control/srtp_key.h"
#include "policy/base/fixed_vector.h"
#include "policy/base/handle.h"

namespace sallyport::media {

inline constexpr std::size_t kSrtpWindow = 128;  // packets behind the highest that may still come

// Of the table of any engine; what OpenSSL and libsrtp2 take beside comes to less.
inline constexpr std::size_t kSrtpContextBytesMax = 1472;

struct SrtpContextTag {};
using SrtpContextId = Handle<SrtpContextTag>;

enum class SrtpDirection : std::uint8_t { Protect, Unprotect };

enum class SrtpResult : std::uint8_t {
  Ok,
  Malformed,       // lengths in it lie behind its end, not version 2, or SRTCP that is not encrypted
  NoRoom,          // what is to be added does not fit into the buffer
  BadTag,          // not made with this key, or another MKI
  Replayed,        // that number was here before
  TooOld,          // so far behind that nobody knows
  TooManySources,  // see kSrtpSourcesMax
  KeyExpired,      // RFC 3711 §9.2, or what the key's lifetime allows
  NoContext,       // closed, or of the other direction
  kCount
};
[[nodiscard]] std::string_view to_string(SrtpResult result) noexcept;

struct SrtpJob {
  SrtpContextId context;
  std::uint8_t* packet = nullptr;
  std::uint32_t length = 0;    // before; when Ok: after
  std::uint32_t capacity = 0;  // octets from `packet` that may be written
  bool is_rtcp = false;
  SrtpResult result = SrtpResult::NoContext;
};

// What of a source outlives the process; plain numbers, no key.
struct SrtpSourceState {
  std::uint32_t ssrc = 0;
  std::uint32_t roc = 0;
  std::uint16_t highest = 0;  // sequence number
  bool has_rtp = false, has_rtcp = false;
  std::uint32_t rtcp_index = 0;              // the highest that was used; 31 bits
  std::array<std::uint64_t, 2> rtp_seen{};   // bit n: `highest - n` was here
  std::array<std::uint64_t, 2> rtcp_seen{};  // bit n: `rtcp_index - n` was here
  friend bool operator==(const SrtpSourceState&, const SrtpSourceState&) = default;
  template <class Archive>
  void archive(Archive& a) {
    a(ssrc, roc, highest, has_rtp, has_rtcp, rtcp_index, rtp_seen, rtcp_seen);
  }
};
static_assert(sizeof(SrtpSourceState) == 48);

struct SrtpContextState {
  FixedVector<SrtpSourceState, kSrtpSourcesMax> sources;  // the last one that was used first
  std::uint64_t rtp_packets = 0, rtcp_packets = 0;        // that the key was used for
  template <class Archive>
  void archive(Archive& a) {
    a(sources, rtp_packets, rtcp_packets);
  }
};

enum class SrtpEngineKind : std::uint8_t { Libsrtp2, Multibuffer, Evp };
[[nodiscard]] std::string_view to_string(SrtpEngineKind kind) noexcept;

class SrtpEngine {
 public:
  SrtpEngine() = default;
  SrtpEngine(const SrtpEngine&) = delete;
  SrtpEngine& operator=(const SrtpEngine&) = delete;
  virtual ~SrtpEngine() = default;

  [[nodiscard]] virtual SrtpEngineKind kind() const noexcept = 0;
  // A context that names nothing when the table is full, there is no memory, or the MKI is too long.
  [[nodiscard]] virtual SrtpContextId open(const SrtpKey& key, SrtpDirection direction) noexcept = 0;
  // Wipes it. A stale id is a miss.
  virtual void close(SrtpContextId id) noexcept = 0;
  // Packets of any contexts in any order, RTP and RTCP mixed.
  virtual void protect(std::span<SrtpJob> jobs) noexcept = 0;
  virtual void unprotect(std::span<SrtpJob> jobs) noexcept = 0;

  // Into `out` what goes into a snapshot. False: no such context.
  [[nodiscard]] virtual bool save(SrtpContextId id, SrtpContextState& out) const noexcept = 0;
  // From a snapshot, or from the context of the master key before: neither ROC nor SRTCP index begin anew
  // with a new one (RFC 3711 §3.3.1, §3.4; set the counts of packets to 0 then). False: no such context,
  // or a state that can't be.
  [[nodiscard]] virtual bool restore(SrtpContextId id, const SrtpContextState& state) noexcept = 0;
  // Packets that the key may still be used for, of the kind that has fewer.
  [[nodiscard]] virtual std::uint64_t packets_left(SrtpContextId id) const noexcept = 0;
  // Octets that a context takes of the table, without what a library takes beside.
  [[nodiscard]] virtual std::size_t context_bytes() const noexcept = 0;
};

[[nodiscard]] bool has_multibuffer() noexcept;  // whether this processor can
// Null when this machine has no such engine. `contexts_max`: room for so many at once.
[[nodiscard]] std::unique_ptr<SrtpEngine> make_srtp_engine(SrtpEngineKind kind, std::uint32_t contexts_max);

}  // namespace sallyport::media
