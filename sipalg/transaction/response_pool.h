// response_pool.h — fixed memory for the responses that transactions keep (RFC 3261 §17.2.2).
//
// A response lies in a chain of blocks. All blocks are taken at start and touched only when first used; when
// none is left, a response is not kept, which is a tested outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "policy/model/index.h"

namespace sallyport::sip {

class ResponsePool {
 public:
  static constexpr std::size_t kBlockBytes = 256;
  static constexpr std::uint32_t kNone = 0xffffffffu;

  struct StoredResponse {
    std::uint32_t first_block = kNone;
    std::uint32_t size = 0;
  };

  explicit ResponsePool(std::uint32_t blocks);

  // Nothing when there are not enough blocks.
  [[nodiscard]] std::optional<StoredResponse> store(std::string_view bytes) noexcept;
  // Copies it out; `buffer` must hold response.size bytes.
  [[nodiscard]] std::string_view load(const StoredResponse& response, std::span<char> buffer) const noexcept;
  void release(StoredResponse& response) noexcept;
  [[nodiscard]] std::uint32_t free_blocks() const noexcept { return free_count_; }

 private:
  [[nodiscard]] char* block(std::uint32_t index) const noexcept { return bytes_.get() + index * kBlockBytes; }

  std::unique_ptr<char[]> bytes_;
  std::vector<std::uint32_t> next_;  // of a chain, or of the free list
  std::uint32_t free_head_ = kNone;
  std::uint32_t free_count_ = 0;
};

}  // namespace sallyport::sip
