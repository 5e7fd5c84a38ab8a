// body_stream.h — the body of an answer that goes on: pieces wait here, bounded, between who makes them and
// the connection that sends them. No socket.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport::mgmt {

// Used by the management thread alone. Both sides hold it by a shared_ptr.
class BodyStream {
 public:
  // A reader for whom more than that would wait is let go.
  explicit BodyStream(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // The maker's. False: nobody reads it any more.
  bool push(std::string_view piece) {
    if (is_over_) return false;
    if (waiting_.size() + piece.size() > bytes_max_) was_cut_ = true, waiting_.clear();
    is_over_ = was_cut_;
    waiting_ += was_cut_ ? std::string_view() : piece;
    wake();
    return !is_over_;
  }
  // What waits is sent before.
  void end() {
    is_over_ = true;
    wake();
  }
  [[nodiscard]] bool is_over() const noexcept { return is_over_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }

  // The connection's. `ready`: called when there is something to take, or it is over.
  void follow(std::function<void()> ready) { ready_ = std::move(ready); }
  // At most that many octets of what waits.
  [[nodiscard]] std::string take(std::size_t most) {
    if (waiting_.size() <= most) return std::exchange(waiting_, {});
    std::string out = waiting_.substr(0, most);
    waiting_.erase(0, most);
    return out;
  }
  // It ends in the middle, so that the reader sees that something is missing.
  [[nodiscard]] bool was_cut() const noexcept { return was_cut_; }
  // Nobody reads it any more.
  void leave() {
    is_over_ = true;
    waiting_.clear();
    ready_ = nullptr;
  }

 private:
  void wake() const {
    if (ready_) ready_();
  }

  std::size_t bytes_max_;
  std::string waiting_;
  std::function<void()> ready_;
  bool is_over_ = false, was_cut_ = false;
};

}  // namespace sallyport::mgmt
