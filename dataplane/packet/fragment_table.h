// fragment_table.h — puts datagrams together from IP fragments: RFC 791 §3.2, RFC 8200 §4.5, RFC 5722 (no
// overlaps), RFC 7112 and RFC 1858 (all headers in the first fragment), RFC 6946 (atomic ones never come
// here).
//
// Bounded in all (datagrams, fragments held) and for each source. A full table puts out the oldest datagram
// of the lowest class that is not above the newcomer's, so strangers cannot keep a peer's datagrams from
// being finished. A datagram in which two fragments overlap is thrown away and its further fragments are
// refused until its time is up. Every buffer that comes in goes out: whole, or freed and counted.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/ip_header.h"
#include "dataplane/pipeline/burst.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/result.h"
#include "policy/base/time.h"
#include "policy/decide/trust_class.h"

namespace sallyport::dataplane {

struct FragmentLimits {
  std::uint32_t datagrams = 1024;
  std::uint32_t fragments = 2048;    // buffers held
  std::uint32_t each_stranger = 16;  // datagrams of one untrusted source
  std::uint32_t each_trusted = 256;  // and of one that is trusted or known
  // Deviates: RFC 8200 §4.5 and RFC 1122 §3.3.2 wait 60 s; fragments of one SIP message or RTP packet follow
  // each other within milliseconds, and what is held longer serves only who wants to fill the table.
  Duration timeout = 5s;
};

// One fragment on its way in. `ip` is the header found at `l3_offset` of `packet`.
struct Fragment {
  rte_mbuf* packet = nullptr;
  IpHeader ip;
  std::uint16_t l3_offset = 0;
  PortIndex port = PortIndex::kNone;
  TrustClass trust = TrustClass::Untrusted;
};

class FragmentTable {
 public:
  // `counters`, one for each port, are told of what is freed here. They outlive the table.
  FragmentTable(const FragmentLimits& limits, const HashKey& key, std::span<PortCounters> counters);
  ~FragmentTable();
  FragmentTable(const FragmentTable&) = delete;
  FragmentTable& operator=(const FragmentTable&) = delete;

  // The whole packet as one chained frame, when this was the last piece; null while pieces are missing. On
  // error the caller still owns the packet, and drops it for that reason.
  [[nodiscard]] Result<rte_mbuf*, DropReason> add(const Fragment& fragment, Timestamp now) noexcept;
  // Frees and counts what waited too long.
  void expire(Timestamp now) noexcept;

  [[nodiscard]] std::size_t datagrams() const noexcept { return used_; }
  [[nodiscard]] std::size_t fragments() const noexcept { return held_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0xffffffff;
  // 64 KiB in pieces of a 1,280-octet MTU are 53.
  static constexpr std::size_t kPiecesMax = 64;
  static constexpr std::size_t kClasses = 4;  // by TrustClass

  struct Key {
    IpAddress source, destination;
    std::uint32_t identification = 0;
    PortIndex port = PortIndex::kNone;
    std::uint8_t protocol = 0;  // IPv4 only: RFC 8200 §4.5 leaves it out
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Piece {
    rte_mbuf* packet = nullptr;
    std::uint16_t offset = 0, length = 0;
  };
  struct Datagram {
    Key key;
    Timestamp deadline;
    Index next_of_key = kNone, next_of_source = kNone;  // chains of the hash tables; free list
    Index older = kNone, newer = kNone;                 // list of its class
    std::uint32_t key_slot = 0, source_slot = 0;
    std::uint32_t length = 0;  // known with the last fragment; 0: not yet
    std::uint32_t received = 0;
    std::uint16_t pieces = 0;
    TrustClass trust = TrustClass::Untrusted;
    bool is_refused = false;  // an overlap: RFC 5722 §3
    // What the first fragment said.
    std::uint16_t l3_offset = 0, header_length = 0, fragment_header_offset = 0, next_header_offset = 0;
    std::array<Piece, kPiecesMax> piece;  // by offset
  };
  struct Ages {
    Index oldest = kNone, newest = kNone;
  };

  [[nodiscard]] Index find(const Key& key, std::uint32_t slot) const noexcept;
  [[nodiscard]] Result<Index, DropReason> open(const Key& key, std::uint32_t key_slot, TrustClass trust,
                                               Timestamp now) noexcept;
  [[nodiscard]] std::uint32_t datagrams_of(const IpAddress& source, PortIndex port,
                                           std::uint32_t slot) const noexcept;
  // False when only datagrams above `trust` are left.
  [[nodiscard]] bool put_out_oldest(TrustClass trust, Index spared) noexcept;
  [[nodiscard]] Result<void, DropReason> insert(Datagram& datagram, const Fragment& fragment) noexcept;
  void refuse(Datagram& datagram) noexcept;
  [[nodiscard]] rte_mbuf* assemble(Index index) noexcept;
  void free_pieces(Datagram& datagram, DropReason reason) noexcept;
  void close(Index index) noexcept;
  void unlink_chain(std::vector<Index>& heads, std::uint32_t slot, Index index,
                    Index Datagram::* next) noexcept;
  void unlink_age(Index index) noexcept;

  FragmentLimits limits_;
  HashKey key_;
  std::span<PortCounters> counters_;
  std::vector<Datagram> datagrams_;
  std::vector<Index> by_key_, by_source_;  // heads of chains
  std::array<Ages, kClasses> ages_;
  Index free_ = kNone;
  std::size_t used_ = 0, held_ = 0;
};

}  // namespace sallyport::dataplane
