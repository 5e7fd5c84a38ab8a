// field_hash.h — a keyed PRF over several fields of a message, as the keys and tags of RFC 3261 §17.2.3 and
// §19.3 need it.
//
// Each field is hashed for itself and the hashes are hashed together, so "ab","c" and "a","bc" differ and
// nothing has to be copied into one piece first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/base/check.h"
#include "policy/base/keyed_hash.h"

namespace sallyport::sip {

class FieldHash {
 public:
  explicit FieldHash(const HashKey& key) noexcept : key_(key) {}

  void add(std::string_view field) noexcept { add_number(keyed_hash(key_, field)); }
  void add_number(std::uint64_t number) noexcept {
    SALLYPORT_CHECK(count_ < words_.size());
    words_[count_++] = number;
  }
  // For host names: at most 256 octets of it fold their case, which is longer than a host name can be.
  void add_ignoring_case(std::string_view field) noexcept {
    std::array<char, 256> folded{};
    const std::size_t size = field.size() < folded.size() ? field.size() : folded.size();
    for (std::size_t i = 0; i < size; ++i) {
      const char c = field[i];
      folded[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    add({folded.data(), size});
    if (field.size() > size) add(field.substr(size));
  }
  [[nodiscard]] Hash128 finish() const noexcept {
    return keyed_hash128(key_, {reinterpret_cast<const char*>(words_.data()), count_ * sizeof(words_[0])});
  }

 private:
  const HashKey& key_;
  std::array<std::uint64_t, 16> words_{};
  std::size_t count_ = 0;
};

}  // namespace sallyport::sip
