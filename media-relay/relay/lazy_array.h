// lazy_array.h — room for many values, taken at once and touched only where it is used: the kernel gives a
// page of a large block when it is first written. So a table for the most that can ever be costs what is in
// use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace sallyport::media {

// A value is there from the first assignment on; reading one before that is an error of the owner.
template <class T>
class LazyArray {
 public:
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  explicit LazyArray(std::size_t count)
      : memory_(std::make_unique_for_overwrite<std::byte[]>(count * sizeof(T) + alignof(T))) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.get());
    items_ = reinterpret_cast<T*>((address + alignof(T) - 1) / alignof(T) * alignof(T));
  }

  [[nodiscard]] T& operator[](std::size_t i) noexcept { return items_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return items_[i]; }

 private:
  std::unique_ptr<std::byte[]> memory_;
  T* items_ = nullptr;
};

}  // namespace sallyport::media
