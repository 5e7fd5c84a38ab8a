// kept_bytes.cpp — blocks out of chunks that grow, and a list of free ones for each size.
#include "sipalg/transaction/kept_bytes.h"

#include <algorithm>
#include <cstring>

namespace sallyport::sip {

void KeptBytes::own(std::string_view text) {
  own_ = text.empty() ? nullptr : std::make_unique_for_overwrite<char[]>(text.size());
  block_ = own_.get();
  size_ = static_cast<std::uint32_t>(text.size());
  if (!text.empty()) std::memcpy(block_, text.data(), text.size());
}

void KeptStore::assign(KeptBytes& kept, std::string_view text) {
  const bool fits = !text.empty() && !kept.empty() && kept.own_ == nullptr && text.size() <= kBlockMax &&
                    size_class(text.size()) == size_class(kept.size_);
  if (!fits) {
    release(kept);
    if (text.empty()) return;
    char* const block = text.size() <= kBlockMax ? take(size_class(text.size())) : nullptr;
    if (block == nullptr) return kept.own(text);
    kept.block_ = block;
  }
  kept.size_ = static_cast<std::uint32_t>(text.size());
  std::memcpy(kept.block_, text.data(), text.size());
}

void KeptStore::release(KeptBytes& kept) noexcept {
  if (kept.own_ == nullptr && kept.size_ != 0) free_[size_class(kept.size_)].push_back(kept.block_);
  kept.own_.reset();
  kept.block_ = nullptr;
  kept.size_ = 0;
}

char* KeptStore::take(std::size_t size_class) {
  std::vector<char*>& free = free_[size_class];
  if (!free.empty()) {
    char* const block = free.back();
    free.pop_back();
    return block;
  }
  const std::size_t bytes = (size_class + 1) * kStep;
  if (chunks_.empty() || chunks_.back().bytes - used_ < bytes) {
    const std::size_t next = chunks_.empty() ? kFirstChunk : std::min(2 * chunks_.back().bytes, kChunkMax);
    if (next > bytes_max_ - bytes_) return nullptr;
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(next), next});
    bytes_ += next;
    used_ = 0;
  }
  char* const block = chunks_.back().memory.get() + used_;
  used_ += bytes;
  // Giving back never allocates.
  if (++made_[size_class] > free.capacity()) free.reserve(2 * made_[size_class]);
  return block;
}

}  // namespace sallyport::sip
