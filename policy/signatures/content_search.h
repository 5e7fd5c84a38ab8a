// content_search.h — finds an octet string in a text in linear time, whatever both look like (Knuth, Morris
// and Pratt, 1977): nobody can write a message that makes a rule slow (threats R7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

class ContentSearch {
 public:
  static constexpr std::size_t kNone = std::string_view::npos;

  // At most 255 octets; in small letters when case does not count.
  ContentSearch(std::string bytes, bool is_nocase);
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool is_nocase() const noexcept { return is_nocase_; }

  // Where it begins first; kNone when nowhere.
  [[nodiscard]] std::size_t find(std::string_view text) const noexcept;
  [[nodiscard]] bool is_at(std::string_view text, std::size_t start) const noexcept;
  // `on_start(position)` for each occurrence, overlapping ones too, in order, until it says false.
  template <class OnStart>
  void each(std::string_view text, OnStart on_start) const {
    std::size_t matched = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = is_nocase_ ? small(text[i]) : text[i];
      while (matched != 0 && bytes_[matched] != c) matched = borders_[matched - 1];
      if (bytes_[matched] == c) ++matched;
      if (matched != bytes_.size()) continue;
      if (!on_start(i + 1 - matched)) return;
      matched = borders_[matched - 1];
    }
  }

 private:
  [[nodiscard]] static char small(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  std::string bytes_;
  std::vector<std::uint8_t> borders_;  // of each beginning: how long the longest beginning is that it ends in
  bool is_nocase_;
};

}  // namespace sallyport::policy
