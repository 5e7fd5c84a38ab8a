// spares.h — objects that are needed no more, kept for their memory: the one that was given last is taken
// first, while it is warm. In the steady state what comes and goes then takes nothing from the heap.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace sallyport {

template <class T>
class Spares {
 public:
  // At most so many; what comes beyond goes back to the heap.
  explicit Spares(std::size_t most) : most_(most) { kept_.reserve(most); }

  // As it was given; a new one where there is none.
  [[nodiscard]] T take() {
    if (kept_.empty()) return T{};
    T one = std::move(kept_.back());
    kept_.pop_back();
    return one;
  }
  void give(T&& one) {
    if (kept_.size() < most_) kept_.push_back(std::move(one));
  }
  [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }

 private:
  std::vector<T> kept_;
  std::size_t most_;
};

}  // namespace sallyport
