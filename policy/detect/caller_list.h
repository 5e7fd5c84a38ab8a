// caller_list.h — numbers of callers that an operator names: whole ones and beginnings of them, up to a
// million.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

// "+4930123456" is one number, "+49900*" all that begin so. One with "+" is an international number, however
// its "+" is written (dialled_readings.h); one without is looked for as it stands. Binary searches, no more
// of them than a number has digits.
class CallerList {
 public:
  CallerList() = default;
  explicit CallerList(const std::vector<std::string>& numbers);

  [[nodiscard]] bool has(std::string_view caller) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return abroad_.empty() && as_written_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return abroad_.size() + as_written_.size(); }

 private:
  struct Numbers {
    std::vector<std::string> whole, beginnings;  // sorted
    [[nodiscard]] bool empty() const noexcept { return whole.empty() && beginnings.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return whole.size() + beginnings.size(); }
    [[nodiscard]] bool has(std::string_view number) const noexcept;
    void sort();
  };
  Numbers abroad_, as_written_;  // the first without their "+"
};

}  // namespace sallyport::policy
