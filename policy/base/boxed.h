// boxed.h — an optional value that takes memory only while it is there: for what is large, and of which many
// objects have none most of the time.
#pragma once

#include <memory>
#include <utility>

namespace sallyport {

template <class T>
class Boxed {
 public:
  Boxed() noexcept = default;
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Boxed(const Boxed& other) : value_(other ? std::make_unique<T>(*other) : nullptr) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Boxed() = default;

  [[nodiscard]] bool has_value() const noexcept { return value_ != nullptr; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] T& operator*() noexcept { return *value_; }
  [[nodiscard]] const T& operator*() const noexcept { return *value_; }
  [[nodiscard]] T* operator->() noexcept { return value_.get(); }
  [[nodiscard]] const T* operator->() const noexcept { return value_.get(); }
  void reset() noexcept { value_.reset(); }

  // As a std::optional is written.
  template <class Archive>
  void archive(Archive& a) {
    bool is_there = has_value();
    a(is_there);
    if constexpr (Archive::kReads) value_ = is_there ? std::make_unique<T>() : nullptr;
    if (value_) a(*value_);
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace sallyport
