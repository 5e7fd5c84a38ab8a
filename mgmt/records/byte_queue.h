// byte_queue.h — pieces of bytes, first in, first out, side by side in large blocks that are used again: no
// piece is a block of its own, and pieces that came one after the other are mostly one piece to whoever
// writes them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include "policy/base/check.h"

namespace sallyport::mgmt {

class ByteQueue {
 public:
  static constexpr std::size_t kBlockBytes = 256 * 1024;

  // What it gives is good until the piece is popped.
  std::string_view push(std::string_view piece) {
    if (blocks_.empty() || blocks_.back().size - blocks_.back().used < piece.size()) add_block(piece.size());
    Block& block = blocks_.back();
    char* const at = block.bytes.get() + block.used;
    if (!piece.empty()) std::memcpy(at, piece.data(), piece.size());
    block.used += piece.size();
    ++block.pieces;
    return {at, piece.size()};
  }
  // The oldest piece.
  void pop() {
    SALLYPORT_CHECK(!blocks_.empty() && blocks_.front().pieces != 0);
    Block& block = blocks_.front();
    if (--block.pieces != 0) return;
    if (blocks_.size() == 1) {
      block.used = 0;
      return;
    }
    if (block.size == kBlockBytes) spare_ = std::move(block.bytes);
    blocks_.pop_front();
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0, used = 0, pieces = 0;
  };
  void add_block(std::size_t at_least) {
    // An empty last block is too small for the piece.
    if (!blocks_.empty() && blocks_.back().pieces == 0) blocks_.pop_back();
    const std::size_t size = std::max(kBlockBytes, at_least);
    if (size == kBlockBytes && spare_ != nullptr)
      blocks_.push_back({std::exchange(spare_, nullptr), size});
    else
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
  }

  std::deque<Block> blocks_;
  std::unique_ptr<char[]> spare_;
};

}  // namespace sallyport::mgmt
