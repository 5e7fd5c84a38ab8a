// content_search.cpp — see content_search.h.
#include "policy/signatures/content_search.h"

#include <cstring>
#include <utility>

#include "policy/base/check.h"

namespace sallyport::policy {

ContentSearch::ContentSearch(std::string bytes, bool is_nocase)
    : bytes_(std::move(bytes)), borders_(bytes_.size(), 0), is_nocase_(is_nocase) {
  SALLYPORT_CHECK(!bytes_.empty() && bytes_.size() <= 255);
  std::size_t matched = 0;
  for (std::size_t i = 1; i < bytes_.size(); ++i) {
    while (matched != 0 && bytes_[matched] != bytes_[i]) matched = borders_[matched - 1];
    if (bytes_[matched] == bytes_[i]) ++matched;
    borders_[i] = static_cast<std::uint8_t>(matched);
  }
}

std::size_t ContentSearch::find(std::string_view text) const noexcept {
  if (text.size() < bytes_.size()) return kNone;
  if (!is_nocase_) {
    const void* const found = ::memmem(text.data(), text.size(), bytes_.data(), bytes_.size());
    return found == nullptr ? kNone : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
  }
  std::size_t first = kNone;
  each(text, [&first](std::size_t start) {
    first = start;
    return false;
  });
  return first;
}

bool ContentSearch::is_at(std::string_view text, std::size_t start) const noexcept {
  if (start > text.size() || text.size() - start < bytes_.size()) return false;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    const char c = text[start + i];
    if ((is_nocase_ ? small(c) : c) != bytes_[i]) return false;
  }
  return true;
}

}  // namespace sallyport::policy
