// kept_bytes.h — the messages that transactions keep to send again, in blocks of a few sizes of a store of
// their own: RFC 3261 §17.1.1.2, §17.2.1 (threats R5).
//
// A message is kept for half a minute, and thousands of them are: a block that is given back is the next one
// of its size that is taken, and giving it back does not touch it, for it is cold by then.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sallyport::sip {

// One message, or none. What lies in a block goes back by KeptStore::release(); what was read from an archive
// or is long has memory of its own.
class KeptBytes {
 public:
  KeptBytes() noexcept = default;
  KeptBytes(KeptBytes&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        size_(std::exchange(other.size_, 0u)),
        own_(std::move(other.own_)) {}
  KeptBytes& operator=(KeptBytes&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    own_.swap(other.own_);
    return *this;
  }
  ~KeptBytes() = default;

  [[nodiscard]] std::string_view view() const noexcept { return {block_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  // As a std::string is written. What is read lies in no block.
  template <class Archive>
  void archive(Archive& a) {
    std::string text(view());
    a(text);
    if constexpr (Archive::kReads) own(text);
  }

 private:
  friend class KeptStore;
  void own(std::string_view text);

  char* block_ = nullptr;
  std::uint32_t size_ = 0;
  std::unique_ptr<char[]> own_;  // `block_` is this
};

// Outlives what it keeps. All blocks together take at most `bytes_max`; beyond that each message has memory
// of its own.
class KeptStore {
 public:
  explicit KeptStore(std::size_t bytes_max) noexcept : bytes_max_(std::max(bytes_max, kFirstChunk)) {}
  KeptStore(const KeptStore&) = delete;
  KeptStore& operator=(const KeptStore&) = delete;
  ~KeptStore() = default;

  // Copies; what was kept there before is gone. `text` is not of `kept` itself.
  void assign(KeptBytes& kept, std::string_view text);
  void release(KeptBytes& kept) noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }  // of all blocks, in use or not

 private:
  static constexpr std::size_t kStep = 128;  // blocks are this and its multiples
  static constexpr std::size_t kBlockMax = 2048;
  static constexpr std::size_t kFirstChunk = 32768, kChunkMax = std::size_t{1} << 20;
  [[nodiscard]] static std::size_t size_class(std::size_t bytes) noexcept { return (bytes - 1) / kStep; }
  // Null: no block is to be had.
  [[nodiscard]] char* take(std::size_t size_class);

  struct Chunk {
    std::unique_ptr<char[]> memory;
    std::size_t bytes;
  };
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<Chunk> chunks_;
  std::size_t used_ = 0;  // of the last one
  std::array<std::vector<char*>, kBlockMax / kStep> free_;
  std::array<std::size_t, kBlockMax / kStep> made_{};
};

}  // namespace sallyport::sip
