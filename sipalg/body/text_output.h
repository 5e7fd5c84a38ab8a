// text_output.h — text put together in memory of fixed size; what does not fit is noticed once, at the end.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>

#include "sipalg/message/octet_copy.h"

namespace sallyport::sip {

class TextOutput {
 public:
  // The memory must outlive what text() returns.
  explicit TextOutput(std::span<char> memory) noexcept : memory_(memory) {}

  void add(std::string_view text) noexcept {
    if (text.size() > memory_.size() - size_) fits_ = false;
    if (!fits_) return;
    copy_octets(memory_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void add(std::initializer_list<std::string_view> pieces) noexcept {
    std::size_t size = 0;
    for (const std::string_view piece : pieces) size += piece.size();
    if (size > memory_.size() - size_) fits_ = false;
    if (!fits_) return;
    for (const std::string_view piece : pieces) {
      copy_octets(memory_.data() + size_, piece.data(), piece.size());
      size_ += piece.size();
    }
  }
  // Puts `text` at `at`; what stands there moves up.
  void insert(std::size_t at, std::string_view text) noexcept {
    if (text.size() > memory_.size() - size_) fits_ = false;
    if (!fits_ || text.empty()) return;
    char* to = memory_.data() + at;
    if (at != size_) std::memmove(to + text.size(), to, size_ - at);
    std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }
  // Memory that is free, and how much of it another has filled.
  [[nodiscard]] std::span<char> rest() const noexcept { return memory_.subspan(size_); }
  void take(std::size_t filled) noexcept { size_ += filled; }

  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] std::string_view text() const noexcept { return {memory_.data(), size_}; }

 private:
  std::span<char> memory_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

}  // namespace sallyport::sip
