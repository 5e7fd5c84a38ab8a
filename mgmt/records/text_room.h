// text_room.h — the end of a string with room ahead, so that the many short pieces of a record are stores and
// not calls: while it lives the string is longer than what was added, and from its destructor on it is that.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

class TextRoom {
 public:
  explicit TextRoom(std::string& text) : text_(text), used_(text.size()) {}
  ~TextRoom() { text_.resize(used_); }
  TextRoom(const TextRoom&) = delete;
  TextRoom& operator=(const TextRoom&) = delete;

  // Where at least `count` bytes may be written; take() says how many were.
  [[nodiscard]] char* room(std::size_t count) {
    if (text_.size() - used_ < count) [[unlikely]]
      grow(count);
    return text_.data() + used_;
  }
  void take(std::size_t count) noexcept { used_ += count; }

  void add(std::string_view piece) {
    if (piece.empty()) return;
    std::memcpy(room(piece.size()), piece.data(), piece.size());
    used_ += piece.size();
  }
  void add(char c) {
    *room(1) = c;
    ++used_;
  }
  // Of what was added, and of what was in the string before.
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] char& at(std::size_t place) noexcept { return text_[place]; }

 private:
  static constexpr std::size_t kAhead = 1024;
  // Not inline, so that all else is.
  [[gnu::noinline]] void grow(std::size_t count) { text_.resize(used_ + count + kAhead); }

  std::string& text_;
  std::size_t used_;
};

}  // namespace sallyport::mgmt
