// listener_table.h — which listener takes UDP, which takes TCP connections (plain or for TLS) to (own
// address, port)? One probe of a table made at start.
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

// Where it listens: all addresses of its port when it names none (the loader writes them where the file has
// none).
[[nodiscard]] std::vector<IpAddress> addresses_of(const ListenerConfig& listener, const PortConfig& port);
// Own endpoints of the port where TCP connections are taken; those of former listeners are not.
[[nodiscard]] std::vector<Endpoint> stream_listeners(const SbcConfig& config, const PortConfig& port);

// Immutable. Former listeners hear datagrams, of calls that are up, unless another listener is there now;
// they take no connections. What a stranger chooses is only the port number; the chains that listeners make
// are known at start.
class ListenerTable {
 public:
  ListenerTable(const SbcConfig& config, const PortTable& ports);

  // `local_address` is a number of PortTable.
  [[nodiscard]] ListenerMatch find(std::uint16_t local_address, std::uint16_t udp_port) const noexcept {
    return udp_.find(key_of(local_address, udp_port));
  }
  [[nodiscard]] ListenerMatch find_stream(std::uint16_t local_address,
                                          std::uint16_t tcp_port) const noexcept {
    return tcp_.find(key_of(local_address, tcp_port));
  }

 private:
  static constexpr std::uint32_t kFree = 0xffffffff;  // no address has the number kNoLocalAddress
  struct Slot {
    std::uint32_t key = kFree;
    ListenerMatch match;
  };
  class Table {
   public:
    void fill(const std::vector<Slot>& found);
    [[nodiscard]] ListenerMatch find(std::uint32_t key) const noexcept {
      for (std::size_t at = slot_of(key);; at = (at + 1) & mask_) {
        if (slots_[at].key == key) return slots_[at].match;
        if (slots_[at].key == kFree) return {};
      }
    }

   private:
    [[nodiscard]] std::size_t slot_of(std::uint32_t key) const noexcept {
      return (key * std::uint64_t{0x9e3779b97f4a7c15} >> 40) & mask_;
    }
    void insert(const Slot& slot) noexcept;
    std::vector<Slot> slots_;
    std::size_t mask_ = 0;
  };
  static std::uint32_t key_of(std::uint16_t local_address, std::uint16_t port) noexcept {
    return std::uint32_t{local_address} << 16 | port;
  }

  struct Found {
    std::vector<Slot> udp, tcp;
  };
  static void collect(const SbcConfig& config, const PortTable& ports, bool are_former, Found& found);

  Table udp_, tcp_;
};

}  // namespace sallyport::dataplane
