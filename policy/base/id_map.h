// id_map.h — from a 64-bit id of our own (never 0) to a slot: open addressing, fixed capacity, all O(1).
//
// The ids are numbers that we gave out, mostly one after the other, so no stranger can choose them and a
// mixer without a key will do. Memory is taken once, in the constructor; at most half of the cells are used.
// Erasing moves later cells back, so that no dead cells are left behind.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "policy/base/big_table.h"
#include "policy/base/check.h"

namespace sallyport {

// Every bit of the input reaches every bit of the output.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t id) noexcept {
  id ^= id >> 30;
  id *= 0xbf58476d1ce4e5b9u;
  id ^= id >> 27;
  id *= 0x94d049bb133111ebu;
  return id ^ (id >> 31);
}

class IdMap {
 public:
  explicit IdMap(std::uint32_t capacity)
      : cells_(std::bit_ceil(std::max<std::size_t>(2, std::size_t{capacity} * 2))), capacity_(capacity) {}

  // False, and nothing changed, when it is full or the id is there already.
  [[nodiscard]] bool insert(std::uint64_t id, std::uint32_t slot) noexcept {
    SALLYPORT_CHECK(id != 0);
    if (size_ == capacity_) return false;
    std::size_t at = home(id);
    while (cells_[at].id != 0) {
      if (cells_[at].id == id) return false;
      at = after(at);
    }
    cells_[at] = {id, slot};
    ++size_;
    return true;
  }
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t id) const noexcept {
    if (id == 0) return std::nullopt;
    for (std::size_t at = home(id); cells_[at].id != 0; at = after(at))
      if (cells_[at].id == id) return cells_[at].slot;
    return std::nullopt;
  }
  // Has the cell fetched while something else is computed.
  void prefetch(std::uint64_t id) const noexcept { __builtin_prefetch(&cells_[home(id)], 1); }
  // False when it is not there.
  bool erase(std::uint64_t id) noexcept {
    if (id == 0) return false;
    std::size_t hole = home(id);
    while (cells_[hole].id != id) {
      if (cells_[hole].id == 0) return false;
      hole = after(hole);
    }
    for (std::size_t at = after(hole); cells_[at].id != 0; at = after(at)) {
      // A cell may move into the hole unless its home lies behind the hole.
      const std::size_t way = (at - home(cells_[at].id)) & mask();
      if (way < ((at - hole) & mask())) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = {};
    --size_;
    return true;
  }
  // Each id with its slot, in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Cell& cell : cells_)
      if (cell.id != 0) visit(cell.id, cell.slot);
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

 private:
  struct Cell {
    std::uint64_t id = 0;  // 0: free
    std::uint32_t slot = 0;
  };
  [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint64_t id) const noexcept { return mixed(id) & mask(); }
  [[nodiscard]] std::size_t after(std::size_t at) const noexcept { return (at + 1) & mask(); }

  BigTable<Cell> cells_;
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
};

}  // namespace sallyport
