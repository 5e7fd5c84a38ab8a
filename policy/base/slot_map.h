// slot_map.h — a table of fixed capacity whose entries are named by handles with generations.
//
// Memory is taken once, in the constructor. insert, find and erase are O(1). A slot that was used 2^32 - 1
// times is retired, so an old handle can never name a new object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "policy/base/handle.h"

namespace sallyport {

template <class T, class Tag = T>
class SlotMap {
 public:
  using HandleType = Handle<Tag>;

  explicit SlotMap(std::uint32_t capacity) : slots_(capacity) {
    free_.reserve(capacity);
    for (std::uint32_t i = capacity; i-- > 0;) free_.push_back(i);
  }

  // Nothing when the table is full.
  template <class... Args>
  [[nodiscard]] std::optional<HandleType> insert(Args&&... args) {
    if (free_.empty()) return std::nullopt;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.value.emplace(std::forward<Args>(args)...);
    return HandleType{index, slot.generation};
  }

  // The object, or null when the handle is stale. The pointer is good until that object is erased.
  [[nodiscard]] T* find(HandleType handle) noexcept {
    if (handle.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[handle.index];
    return slot.generation == handle.generation && slot.value ? &*slot.value : nullptr;
  }

  // False when the handle is stale.
  bool erase(HandleType handle) noexcept {
    if (find(handle) == nullptr) return false;
    Slot& slot = slots_[handle.index];
    slot.value.reset();
    if (++slot.generation != 0) free_.push_back(handle.index);
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size() - free_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }
  [[nodiscard]] bool full() const noexcept { return free_.empty(); }

 private:
  struct Slot {
    std::optional<T> value;
    std::uint32_t generation = 1;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace sallyport
