// fixed_vector.h — a vector whose storage lies inside it: capacity is part of the type, full is an answer.
#pragma once

#include <array>
#include <cstddef>

#include "policy/base/check.h"

namespace sallyport {

// For trivially destructible values. Iterators stay valid until clear() or truncate().
template <class T, std::size_t kCapacity>
class FixedVector {
 public:
  // False, and nothing changed, when full.
  [[nodiscard]] bool push_back(const T& value) noexcept {
    if (size_ == kCapacity) return false;
    items_[size_++] = value;
    return true;
  }
  // One more, as it was left by whoever had it before: for what is too large to be copied. Null when full.
  [[nodiscard]] T* grow() noexcept { return size_ == kCapacity ? nullptr : &items_[size_++]; }
  void clear() noexcept { size_ = 0; }
  void truncate(std::size_t size) noexcept {
    SALLYPORT_CHECK(size <= size_);
    size_ = size;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool full() const noexcept { return size_ == kCapacity; }
  [[nodiscard]] static constexpr std::size_t capacity() noexcept { return kCapacity; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return items_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return items_[i]; }
  [[nodiscard]] T* begin() noexcept { return items_.data(); }
  [[nodiscard]] T* end() noexcept { return items_.data() + size_; }
  [[nodiscard]] const T* begin() const noexcept { return items_.data(); }
  [[nodiscard]] const T* end() const noexcept { return items_.data() + size_; }

 private:
  std::array<T, kCapacity> items_{};
  std::size_t size_ = 0;
};

}  // namespace sallyport
