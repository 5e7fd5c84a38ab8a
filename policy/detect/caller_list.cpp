// caller_list.cpp — see caller_list.h.
#include "policy/detect/caller_list.h"

#include <algorithm>

#include "policy/detect/dialled_readings.h"

namespace sallyport::policy {

void CallerList::Numbers::sort() {
  for (std::vector<std::string>* const list : {&whole, &beginnings}) {
    std::ranges::sort(*list);
    list->erase(std::ranges::unique(*list).begin(), list->end());
    list->shrink_to_fit();
  }
}

bool CallerList::Numbers::has(std::string_view number) const noexcept {
  const auto holds = [](const std::vector<std::string>& list, std::string_view text) {
    return std::ranges::binary_search(list, text, {},
                                      [](const std::string& one) -> std::string_view { return one; });
  };
  if (holds(whole, number)) return true;
  if (beginnings.empty()) return false;
  for (std::size_t length = 1; length <= number.size(); ++length)
    if (holds(beginnings, number.substr(0, length))) return true;
  return false;
}

CallerList::CallerList(const std::vector<std::string>& numbers) {
  for (const std::string& number : numbers) {
    const DialledReadings readings(number);
    std::string_view text = readings.plain();
    const bool is_beginning = text.ends_with('*');
    if (is_beginning) text.remove_suffix(1);
    if (text.find_first_not_of('+') == std::string_view::npos) continue;  // it would be everybody
    const bool is_abroad = text.starts_with('+');
    if (is_abroad) text.remove_prefix(1);
    Numbers& into = is_abroad ? abroad_ : as_written_;
    (is_beginning ? into.beginnings : into.whole).emplace_back(text);
  }
  abroad_.sort();
  as_written_.sort();
}

bool CallerList::has(std::string_view caller) const noexcept {
  if (caller.empty() || empty()) return false;
  const DialledReadings readings(caller);
  if (as_written_.has(readings.plain())) return true;
  if (abroad_.empty()) return false;
  return std::ranges::any_of(readings.abroad(),
                             [this](std::string_view reading) { return abroad_.has(reading); });
}

}  // namespace sallyport::policy
