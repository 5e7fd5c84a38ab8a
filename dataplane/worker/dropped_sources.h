// dropped_sources.h — whose packets one lcore has dropped of late, for whoever asks why an address is not
// heard. A board of fixed size, written by the lcore, read by any thread.
//
// An address can be in one place only, which its keyed hash names. Who is there already goes when others have
// been dropped there as often since, or when it has been quiet for a minute: in a flood from a million
// addresses those that send most stay.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// What was dropped for its source, or would not have been from another one.
[[nodiscard]] constexpr bool is_of_source(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::BadL4Checksum:
    case DropReason::FragmentSourceLimit:
    case DropReason::TcpFragment:
    case DropReason::Denied:
    case DropReason::Blocked:
    case DropReason::SourceRate:
    case DropReason::PrefixRate:
    case DropReason::UnknownRate:
    case DropReason::TcpSynRate:
    case DropReason::PeerRate:
    case DropReason::NoListener:
    case DropReason::TcpNotAdmitted:
    case DropReason::EchoBudget:
    case DropReason::ShardRingFull:
    case DropReason::TrustedShareFull:
    case DropReason::StrangerShareFull:
    case DropReason::LcoreTrustedShareFull:
    case DropReason::LcoreStrangerShareFull:
    case DropReason::LcoreMediaShareFull:
      return true;
    default:
      return false;
  }
}

class DroppedSources {
 public:
  static constexpr std::size_t kPlaces = 256;

  explicit DroppedSources(const HashKey& key) noexcept : key_(key) {}

  // The lcore alone; a reason that is_of_source(). `packets` of that source, one after the other.
  void note(Timestamp now, const PacketMeta& meta, DropReason reason, std::uint32_t packets = 1) noexcept;
  // Any thread: adds what is known of that address.
  void look_up(const IpAddress& address, std::vector<DroppedSource>& found) const;

 private:
  static constexpr std::uint32_t kWeightMax = 64;
  static constexpr Duration kQuiet = 60s;
  // `turn` is odd while somebody else moves in.
  struct alignas(64) Place {
    std::atomic<std::uint32_t> turn{0};
    std::atomic<PortIndex> port{PortIndex::kNone};
    std::atomic<DropReason> reason{DropReason::kCount};  // of the last
    std::uint32_t weight = 0;                            // the lcore's alone
    std::array<std::atomic<std::uint64_t>, 2> address{};
    std::atomic<std::uint64_t> packets{0};  // 0: free
    std::atomic<std::int64_t> since{0}, last{0};
  };
  static_assert(sizeof(Place) == 64);
  void move_in(Place& place, Timestamp now, const PacketMeta& meta,
               const std::array<std::uint64_t, 2>& address) noexcept;

  HashKey key_;
  Place* last_ = nullptr;  // that was noted
  std::array<Place, kPlaces> places_;
};

}  // namespace sallyport::dataplane
