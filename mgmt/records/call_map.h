// call_map.h — from a call's number (never 0) to a slot: open addressing that grows with what is in it. As
// IdMap of policy/base, for tables that may hold a million calls and mostly hold few: those stay in the
// cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "policy/base/id_map.h"

namespace sallyport::mgmt {

class CallMap {
 public:
  CallMap() : cells_(kCellsMin) {}

  // Null: it is not there. Good until the next insert() or erase().
  [[nodiscard]] std::uint32_t* find(std::uint64_t call) noexcept {
    Cell& cell = cells_[place_of(call)];
    return cell.call == 0 ? nullptr : &cell.slot;
  }
  [[nodiscard]] const std::uint32_t* find(std::uint64_t call) const noexcept {
    const Cell& cell = cells_[place_of(call)];
    return cell.call == 0 ? nullptr : &cell.slot;
  }
  // Takes the place of what it was before. 0 is no call, and nothing changes.
  void put(std::uint64_t call, std::uint32_t slot) {
    if (call == 0) return;
    if ((size_ + 1) * 2 > cells_.size()) grow();
    Cell& cell = cells_[place_of(call)];
    if (cell.call == 0) ++size_;
    cell = {call, slot};
  }
  void erase(std::uint64_t call) noexcept {
    std::size_t hole = place_of(call);
    if (cells_[hole].call == 0) return;
    // No dead cell is left behind: a later one moves here unless its home lies behind the hole.
    for (std::size_t at = after(hole); cells_[at].call != 0; at = after(at)) {
      const std::size_t way = (at - home(cells_[at].call)) & mask();
      if (way < ((at - hole) & mask())) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = {};
    --size_;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kCellsMin = 64;
  struct Cell {
    std::uint64_t call = 0;  // 0: free
    std::uint32_t slot = 0;
  };
  [[nodiscard]] std::size_t mask() const noexcept { return cells_.size() - 1; }
  [[nodiscard]] std::size_t home(std::uint64_t call) const noexcept { return mixed(call) & mask(); }
  [[nodiscard]] std::size_t after(std::size_t at) const noexcept { return (at + 1) & mask(); }
  // Where it is; where it would be put, which is free.
  [[nodiscard]] std::size_t place_of(std::uint64_t call) const noexcept {
    std::size_t at = home(call);
    while (cells_[at].call != 0 && cells_[at].call != call) at = after(at);
    return at;
  }
  void grow() {
    const std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(cells_.size() * 2));
    for (const Cell& cell : old)
      if (cell.call != 0) cells_[place_of(cell.call)] = cell;
  }

  std::vector<Cell> cells_;  // a power of two, at most half of them used
  std::size_t size_ = 0;
};

}  // namespace sallyport::mgmt
