// byte_code.h — numbers and strings as little-endian bytes, for what mgmt/records keeps on the disk.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "mgmt/records/text_room.h"

namespace sallyport::mgmt {

template <class Number>
  requires std::is_integral_v<Number>
void put(std::string& out, Number value) {
  const auto number = static_cast<std::make_unsigned_t<Number>>(value);
  std::array<char, sizeof(Number)> bytes;
  for (std::size_t i = 0; i < sizeof(Number); ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
  out.append(bytes.data(), bytes.size());
}

inline void put(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

template <class Number>
  requires std::is_integral_v<Number>
void put(TextRoom& out, Number value) {
  const auto number = static_cast<std::make_unsigned_t<Number>>(value);
  char* const bytes = out.room(sizeof(Number));
  for (std::size_t i = 0; i < sizeof(Number); ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
  out.take(sizeof(Number));
}

inline void put(TextRoom& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.add(text);
}

// Reads past the end give zeros and empty strings, and is_good() is false from then on.
class ByteTaker {
 public:
  explicit ByteTaker(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
    requires std::is_integral_v<Number>
  [[nodiscard]] Number take() {
    const std::string_view bytes = take_bytes(sizeof(Number));
    std::make_unsigned_t<Number> value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      value = static_cast<std::make_unsigned_t<Number>>(
          value | static_cast<std::make_unsigned_t<Number>>(static_cast<unsigned char>(bytes[i])) << (8 * i));
    return static_cast<Number>(value);
  }
  [[nodiscard]] std::string_view take_text() { return take_bytes(take<std::uint32_t>()); }
  [[nodiscard]] std::string_view take_bytes(std::size_t count) {
    if (count > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  void spoil() noexcept { good_ = false; }
  [[nodiscard]] bool is_good() const noexcept { return good_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace sallyport::mgmt
