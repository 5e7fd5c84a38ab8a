// named_numbers.h — numbers that stand for names of a configuration, as they are kept through a restart: the
// next run may have the same names in another order.
//
// Archives write such a number as a hash of its name and read it back as the number that the name has then.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sallyport {

enum class NamedKind : std::uint8_t { Realm, Peer, Route, kCount };

// An enum that is a position in a list of names says which list by a specialisation of this.
template <class Number>
inline constexpr std::optional<NamedKind> kNamedKind{};

class NamedNumbers {
 public:
  // The name is not there any more. Above every position, and not the kNone of an index.
  static constexpr std::uint16_t kGone = 0xfffd;

  // The next position of that list. `hash` is of the name; only its lower 63 bits count.
  void add(NamedKind kind, std::uint64_t hash) {
    auto& list = lists_[static_cast<std::size_t>(kind)];
    list.numbers.emplace(hash | kIsName, static_cast<std::uint16_t>(list.names.size()));
    list.names.push_back(hash | kIsName);
  }
  // What is no position stands for itself.
  [[nodiscard]] std::uint64_t name_of(NamedKind kind, std::uint16_t number) const noexcept {
    const auto& names = lists_[static_cast<std::size_t>(kind)].names;
    return number < names.size() ? names[number] : number;
  }
  [[nodiscard]] std::uint16_t number_of(NamedKind kind, std::uint64_t name) const noexcept {
    const auto& list = lists_[static_cast<std::size_t>(kind)];
    if ((name & kIsName) == 0) return name < list.names.size() || name > 0xffff ? kGone : narrow(name);
    const auto found = list.numbers.find(name);
    return found != list.numbers.end() ? found->second : kGone;
  }

 private:
  static constexpr std::uint64_t kIsName = std::uint64_t{1} << 63;
  static constexpr std::uint16_t narrow(std::uint64_t name) noexcept {
    return static_cast<std::uint16_t>(name);
  }
  struct List {
    std::vector<std::uint64_t> names;  // by position
    std::unordered_map<std::uint64_t, std::uint16_t> numbers;
  };
  std::array<List, static_cast<std::size_t>(NamedKind::kCount)> lists_;
};

}  // namespace sallyport
