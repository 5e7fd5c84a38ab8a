// prefix_table.h — where calls go by the first digits of the called number: a million prefixes, the longest
// one wins. Made once, then only read, so every engine may look into it.
//
// A prefix is at most 16 symbols, "+" and the 15 digits of an E.164 number, each in four bits of one word.
// The words stand in order, each with a link to the longest other prefix that it begins with: a look-up is
// one binary search and at most 15 links. 24 octets a prefix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

inline constexpr std::size_t kPrefixSymbolsMax = 16;

// One line of the file.
struct PrefixLine {
  std::uint32_t line = 0;  // its number in the file, from 1
  std::uint16_t peer = 0;  // position in the table's own list of names: a reload may number peers anew
  std::uint16_t weight = 1;
  bool operator==(const PrefixLine&) const = default;
};

// "+" (in front only), 0 to 9, "*" and "#". Nothing: empty, too long, or another octet is in it.
[[nodiscard]] std::optional<std::uint64_t> prefix_key(std::string_view prefix) noexcept;

class PrefixTable {
 public:
  class Builder {
   public:
    // `key` is a prefix_key().
    void add(std::uint64_t key, PrefixLine line);
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    // A line whose prefix and peer an earlier one has, with the number of that one. It does not count. At
    // most the first 100 are named.
    struct Repeated {
      std::uint32_t line = 0, first = 0;
    };
    // Sorts and leaves the builder empty.
    [[nodiscard]] PrefixTable build(std::vector<Repeated>& repeated);

   private:
    struct Row {
      std::uint64_t key = 0;
      PrefixLine line;
    };
    void drop_repeated(std::vector<Repeated>& repeated);
    std::vector<Row> rows_;
    friend class PrefixTable;
  };

  PrefixTable() = default;
  // Line for line, their numbers in the file too.
  bool operator==(const PrefixTable&) const = default;

  struct Match {
    std::string prefix;
    std::span<const PrefixLine> lines;  // in the order of the file; into the table
  };
  // The lines of the longest prefix of `number`; empty: none. What follows the symbols of a number is not
  // looked at.
  [[nodiscard]] std::span<const PrefixLine> find(std::string_view number) const noexcept;
  // The same with the prefix as text, for people.
  [[nodiscard]] std::optional<Match> explain(std::string_view number) const;

  [[nodiscard]] std::size_t prefixes() const noexcept { return keys_.size(); }
  [[nodiscard]] std::size_t lines() const noexcept { return lines_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  [[nodiscard]] std::uint32_t position_of(std::string_view number) const noexcept;
  [[nodiscard]] std::span<const PrefixLine> lines_at(std::uint32_t position) const noexcept;
  void link_parents();

  std::vector<std::uint64_t> keys_;     // in order
  std::vector<std::uint32_t> parents_;  // position of the longest shorter prefix of the key, or kNone
  std::vector<std::uint32_t> firsts_;   // into lines_; one more than keys
  std::vector<PrefixLine> lines_;
};

}  // namespace sallyport::policy
