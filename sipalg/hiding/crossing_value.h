// crossing_value.h — the value of a header field that crosses, built anew from its pieces: RFC 3261 §25.1,
// RFC 3326 §2, RFC 6442 §4, RFC 6665 §8.4.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "sipalg/hiding/crossing_rules.h"

namespace sallyport::sip {

// Room for one value that is put together; what is longer than it does not cross.
class ValueBuffer {
 public:
  void clear() noexcept {
    size_ = 0;
    fits_ = true;
  }
  void add(std::string_view piece) noexcept;
  // Nothing when it is empty or did not fit.
  [[nodiscard]] std::optional<std::string_view> value() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  static constexpr std::size_t kBytes = 4096;
  std::array<char, kBytes> bytes_;  // only the first size_ are set
  std::size_t size_ = 0;
  bool fits_ = true;
};

// A value with what may be loaded behind it, though it is not looked at.
struct ReadableValue {
  std::string_view text;
  const char* readable_end;

  explicit ReadableValue(std::string_view value) noexcept
      : text(value), readable_end(value.data() + value.size()) {}
  ReadableValue(std::string_view value, const char* end) noexcept : text(value), readable_end(end) {}
};

// Nothing when it can't be read in that form: then the field stays where it is. `body_is_multipart`: of the
// message, for Location. The result points into `value` or `buffer`.
[[nodiscard]] std::optional<std::string_view> crossing_value(CrossingForm form, const ReadableValue& value,
                                                             bool body_is_multipart,
                                                             ValueBuffer& buffer) noexcept;
[[nodiscard]] inline std::optional<std::string_view> crossing_value(CrossingForm form, std::string_view value,
                                                                    bool body_is_multipart,
                                                                    ValueBuffer& buffer) noexcept {
  return crossing_value(form, ReadableValue(value), body_is_multipart, buffer);
}

// Content-Type with all its parameters, which the body needs (boundary); nothing when it can't be read.
[[nodiscard]] std::optional<std::string_view> content_type_value(std::string_view value,
                                                                 ValueBuffer& buffer) noexcept;

}  // namespace sallyport::sip
