// field_hash.h — a keyed PRF over several fields of a message, as the keys and tags of RFC 3261 §17.2.3 and
// §19.3 need it.
//
// The fields stand behind one another, each with its size before it, so "ab","c" and "a","bc" differ; what is
// long is hashed for itself first. One run of the PRF is enough for nearly every message.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "policy/base/check.h"
#include "policy/base/keyed_hash.h"

namespace sallyport::sip {

class FieldHash {
 public:
  explicit FieldHash(const HashKey& key) noexcept : key_(key) {}

  void add(std::string_view field) noexcept {
    if (is_long(field.size())) return add_words(kIsHashed | field.size(), keyed_hash(key_, field));
    add_size(field.size());
    if (!field.empty()) std::memcpy(bytes_.data() + size_, field.data(), field.size());
    size_ += field.size();
  }
  void add_number(std::uint64_t number) noexcept {
    count_field();
    put(number);
  }
  // For host names.
  void add_ignoring_case(std::string_view field) noexcept {
    if (is_long(field.size())) return add_long_ignoring_case(field);
    add_size(field.size());
    for (const char c : field) bytes_[size_++] = folded(c);
  }
  [[nodiscard]] Hash128 finish() const noexcept { return keyed_hash128(key_, {bytes_.data(), size_}); }

 private:
  static constexpr std::size_t kFieldsMax = 16;
  static constexpr std::size_t kShortBytes = 512;  // of all fields that are not hashed for themselves
  static constexpr std::uint64_t kIsHashed = std::uint64_t{1} << 63;

  [[nodiscard]] static char folded(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  [[nodiscard]] bool is_long(std::size_t size) noexcept {
    if (size > kShortBytes - short_) return true;
    short_ += size;
    return false;
  }
  // At most 256 octets of it fold their case, which is longer than a host name can be.
  void add_long_ignoring_case(std::string_view field) noexcept {
    std::array<char, 256> start{};
    const std::size_t size = std::min(field.size(), start.size());
    for (std::size_t i = 0; i < size; ++i) start[i] = folded(field[i]);
    add_words(kIsHashed | field.size(), keyed_hash(key_, std::string_view(start.data(), size)));
    if (field.size() > size) add(field.substr(size));
  }
  void count_field() noexcept {
    SALLYPORT_CHECK(count_ < kFieldsMax);
    ++count_;
  }
  void put(std::uint64_t word) noexcept {
    std::memcpy(bytes_.data() + size_, &word, sizeof word);
    size_ += sizeof word;
  }
  void add_size(std::size_t size) noexcept {
    count_field();
    put(size);
  }
  void add_words(std::uint64_t size, std::uint64_t hash) noexcept {
    count_field();
    put(size);
    put(hash);
  }

  const HashKey& key_;
  std::array<char, kShortBytes + kFieldsMax * 2 * sizeof(std::uint64_t)>
      bytes_;  // only the first size_ are set
  std::size_t size_ = 0, short_ = 0, count_ = 0;
};

}  // namespace sallyport::sip
