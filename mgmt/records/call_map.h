// call_map.h — from a call's number (never 0) to a slot: an IdMap that grows with what is in it, for tables
// that may hold a million calls and mostly hold few: those stay in the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "policy/base/id_map.h"

namespace sallyport::mgmt {

class CallMap {
 public:
  // Nothing: it is not there.
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t call) const noexcept {
    return slots_.find(call);
  }
  // Takes the place of what it was before. 0 is no call, and nothing changes.
  void put(std::uint64_t call, std::uint32_t slot) {
    if (call == 0) return;
    slots_.erase(call);
    if (slots_.full()) grow();
    static_cast<void>(slots_.insert(call, slot));
  }
  void erase(std::uint64_t call) noexcept { slots_.erase(call); }
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }

 private:
  static constexpr std::uint32_t kCallsMin = 32;

  void grow() {
    IdMap larger(slots_.capacity() * 2);
    slots_.for_each(
        [&larger](std::uint64_t call, std::uint32_t slot) { static_cast<void>(larger.insert(call, slot)); });
    slots_ = std::move(larger);
  }

  IdMap slots_{kCallsMin};
};

}  // namespace sallyport::mgmt
