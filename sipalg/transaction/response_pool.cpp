// response_pool.cpp — chains of fixed blocks for kept responses (RFC 3261 §17.2.2).
#include "sipalg/transaction/response_pool.h"

#include <algorithm>
#include <cstring>

#include "policy/base/check.h"

namespace sallyport::sip {

ResponsePool::ResponsePool(std::uint32_t blocks)
    : bytes_(std::make_unique_for_overwrite<char[]>(blocks * kBlockBytes)),
      next_(blocks),
      free_count_(blocks) {
  for (std::uint32_t i = 0; i < blocks; ++i) next_[i] = i + 1 < blocks ? i + 1 : kNone;
  if (blocks > 0) free_head_ = 0;
}

std::optional<ResponsePool::StoredResponse> ResponsePool::store(std::string_view bytes) noexcept {
  const std::size_t needed = std::max<std::size_t>(1, (bytes.size() + kBlockBytes - 1) / kBlockBytes);
  if (needed > free_count_) return std::nullopt;
  const StoredResponse stored{free_head_, static_cast<std::uint32_t>(bytes.size())};
  std::uint32_t last = kNone;
  for (std::size_t i = 0; i < needed; ++i) {
    last = free_head_;
    const std::string_view piece = bytes.substr(i * kBlockBytes, kBlockBytes);
    std::memcpy(block(last), piece.data(), piece.size());
    free_head_ = next_[last];
  }
  next_[last] = kNone;
  free_count_ -= static_cast<std::uint32_t>(needed);
  return stored;
}

std::string_view ResponsePool::load(const StoredResponse& response, std::span<char> buffer) const noexcept {
  SALLYPORT_CHECK(response.size <= buffer.size());
  std::size_t done = 0;
  for (std::uint32_t i = response.first_block; done < response.size; i = next_[i]) {
    const std::size_t piece = std::min(kBlockBytes, response.size - done);
    std::memcpy(buffer.data() + done, block(i), piece);
    done += piece;
  }
  return {buffer.data(), response.size};
}

void ResponsePool::release(StoredResponse& response) noexcept {
  std::uint32_t i = response.first_block;
  while (i != kNone) {
    const std::uint32_t next = next_[i];
    next_[i] = free_head_;
    free_head_ = i;
    ++free_count_;
    i = next;
  }
  response = {};
}

}  // namespace sallyport::sip
