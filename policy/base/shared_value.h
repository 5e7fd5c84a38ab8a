// shared_value.h — the one way in which threads of the core share what changes while they run: a whole value
// that nobody alters any more is put in place of the last one, and whoever holds the last one may go on with
// it. Everything else here has one owner.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace sallyport {

// Nobody alters it; gone with the last that holds it.
template <class T>
using SharedValue = std::shared_ptr<const T>;
// The same while it is being made, by one thread.
template <class T>
using UnsharedValue = std::shared_ptr<T>;

template <class T, class... Arguments>
[[nodiscard]] UnsharedValue<T> make_value(Arguments&&... arguments) {
  return std::make_shared<T>(std::forward<Arguments>(arguments)...);
}

// The same value with a count of holders of its own, for one thread that hands it on again and again: the
// others' count is not touched each time.
template <class T>
[[nodiscard]] SharedValue<T> counted_apart(SharedValue<T> value) {
  const T* const itself = value.get();
  return SharedValue<T>(std::make_shared<SharedValue<T>>(std::move(value)), itself);
}

// Where the value of the day is found. Any thread; a reader or writer waits for another at most as long as it
// takes to copy a pointer, so this is nothing for the fast path.
template <class T>
class SharedSlot {
 public:
  explicit SharedSlot(SharedValue<T> first) : value_(std::move(first)) {}
  [[nodiscard]] SharedValue<T> read() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void put(SharedValue<T> next) {
    const std::lock_guard lock(mutex_);
    value_.swap(next);
  }  // the old one goes after the lock
  // Only in place of that one, from which `next` was made. False: there is another by now.
  [[nodiscard]] bool put_after(const SharedValue<T>& known, SharedValue<T> next) {
    const std::lock_guard lock(mutex_);
    if (value_ != known) return false;
    value_.swap(next);
    return true;
  }

 private:
  mutable std::mutex mutex_;
  SharedValue<T> value_;
};

// A number that several values have in common, so that it outlives the putting of one in place of another.
template <class T>
class SharedFact {
 public:
  explicit SharedFact(T value) : fact_(std::make_shared<std::atomic<T>>(value)) {}
  [[nodiscard]] T load(std::memory_order order) const noexcept { return fact_->load(order); }
  void store(T value, std::memory_order order) noexcept { fact_->store(value, order); }
  T exchange(T value, std::memory_order order) noexcept { return fact_->exchange(value, order); }
  T fetch_add(T value, std::memory_order order) noexcept { return fact_->fetch_add(value, order); }
  T fetch_sub(T value, std::memory_order order) noexcept { return fact_->fetch_sub(value, order); }
  // Before anybody else sees this one.
  void share(const SharedFact& other) noexcept { fact_ = other.fact_; }
  // They are one number.
  [[nodiscard]] bool is_shared_with(const SharedFact& other) const noexcept { return fact_ == other.fact_; }

 private:
  std::shared_ptr<std::atomic<T>> fact_;
};

}  // namespace sallyport
