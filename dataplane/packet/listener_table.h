// listener_table.h — which listener takes UDP to (own address, UDP port)? One probe of a table made at start.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/port_table.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

struct ListenerMatch {
  ListenerIndex listener = ListenerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
};

// Immutable. What a stranger chooses is only the UDP port; the chains that listeners make are known at start.
class ListenerTable {
 public:
  ListenerTable(const SbcConfig& config, const PortTable& ports);

  // `local_address` is a number of PortTable.
  [[nodiscard]] ListenerMatch find(std::uint16_t local_address, std::uint16_t udp_port) const noexcept {
    const std::uint32_t key = key_of(local_address, udp_port);
    for (std::size_t at = slot_of(key);; at = (at + 1) & mask_) {
      if (slots_[at].key == key) return slots_[at].match;
      if (slots_[at].key == kFree) return {};
    }
  }

 private:
  static constexpr std::uint32_t kFree = 0xffffffff;  // no address has the number kNoLocalAddress
  struct Slot {
    std::uint32_t key = kFree;
    ListenerMatch match;
  };
  static std::uint32_t key_of(std::uint16_t local_address, std::uint16_t udp_port) noexcept {
    return std::uint32_t{local_address} << 16 | udp_port;
  }
  [[nodiscard]] std::size_t slot_of(std::uint32_t key) const noexcept {
    return (key * std::uint64_t{0x9e3779b97f4a7c15} >> 40) & mask_;
  }
  void insert(std::uint32_t key, const ListenerMatch& match) noexcept;

  std::vector<Slot> slots_;
  std::size_t mask_;
};

}  // namespace sallyport::dataplane
