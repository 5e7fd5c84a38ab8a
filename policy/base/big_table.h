// big_table.h — memory of tables that are large, made at start, and looked up at random: on pages of 2 MB
// where the system has them, so that a look-up misses the cache once and not the page tables too.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <vector>

namespace sallyport {

// For std::vector. What is smaller than a large page lies as its type wants it.
template <class T>
struct BigTableMemory {
  using value_type = T;

  BigTableMemory() noexcept = default;
  template <class Other>
  explicit(false) BigTableMemory(const BigTableMemory<Other>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count * sizeof(T) < kPage)
      return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{alignof(T)}));
    const std::size_t bytes = (count * sizeof(T) + kPage - 1) / kPage * kPage;
    void* const memory = ::operator new(bytes, std::align_val_t{kPage});
    (void)madvise(memory, bytes, MADV_HUGEPAGE);  // a hint: without such pages all works as well
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (count * sizeof(T) < kPage)
      ::operator delete(memory, std::align_val_t{alignof(T)});
    else
      ::operator delete(memory, std::align_val_t{kPage});
  }
  template <class Other>
  friend bool operator==(const BigTableMemory&, const BigTableMemory<Other>&) noexcept {
    return true;
  }

 private:
  static constexpr std::size_t kPage = std::size_t{2} << 20;
};

template <class T>
using BigTable = std::vector<T, BigTableMemory<T>>;

}  // namespace sallyport
