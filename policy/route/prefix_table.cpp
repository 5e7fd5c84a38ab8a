// prefix_table.cpp — see prefix_table.h.
#include "policy/route/prefix_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

namespace sallyport::policy {
namespace {

// Zero is no symbol, so that the unused end of a word is shorter than every symbol and needs no length.
constexpr std::string_view kSymbols = "#*+0123456789";
constexpr std::size_t kRepeatedMax = 100;

constexpr std::array<std::uint8_t, 256> kSymbolOf = [] {
  std::array<std::uint8_t, 256> symbols{};
  for (std::size_t i = 0; i < kSymbols.size(); ++i)
    symbols[static_cast<unsigned char>(kSymbols[i])] = static_cast<std::uint8_t>(i + 1);
  return symbols;
}();

constexpr unsigned kTopShift = 60;

struct Packed {
  std::uint64_t key = 0;
  std::size_t symbols = 0;
};

// The symbols in front of `text`, as many as fit.
Packed pack(std::string_view text) noexcept {
  Packed packed;
  for (const char c : text.substr(0, kPrefixSymbolsMax)) {
    const std::uint64_t symbol = kSymbolOf[static_cast<unsigned char>(c)];
    if (symbol == 0 || (c == '+' && packed.symbols != 0)) break;
    packed.key |= symbol << (kTopShift - 4 * packed.symbols);
    ++packed.symbols;
  }
  return packed;
}

// All ones where the prefix has symbols.
std::uint64_t mask_of(std::uint64_t key) noexcept {
  const auto unused = static_cast<unsigned>(std::countr_zero(key)) & ~3u;
  return ~std::uint64_t{0} << unused;
}

bool begins_with(std::uint64_t number, std::uint64_t prefix) noexcept {
  return (number & mask_of(prefix)) == prefix;
}

std::string text_of(std::uint64_t key) {
  std::string text;
  for (; key != 0; key <<= 4) text += kSymbols[(key >> kTopShift) - 1];
  return text;
}

}  // namespace

std::optional<std::uint64_t> prefix_key(std::string_view prefix) noexcept {
  const Packed packed = pack(prefix);
  if (prefix.empty() || packed.symbols != prefix.size()) return std::nullopt;
  return packed.key;
}

void PrefixTable::Builder::add(std::uint64_t key, PrefixLine line) { rows_.push_back({key, line}); }

// Rows are sorted by key, peer and line.
void PrefixTable::Builder::drop_repeated(std::vector<Repeated>& repeated) {
  std::size_t kept = 0;
  for (const Row& row : rows_) {
    const Row* const last = kept == 0 ? nullptr : &rows_[kept - 1];
    if (last == nullptr || last->key != row.key || last->line.peer != row.line.peer)
      rows_[kept++] = row;
    else if (repeated.size() < kRepeatedMax)
      repeated.push_back({row.line.line, last->line.line});
  }
  rows_.resize(kept);
}

PrefixTable PrefixTable::Builder::build(std::vector<Repeated>& repeated) {
  std::ranges::sort(rows_, {},
                    [](const Row& row) { return std::tuple(row.key, row.line.peer, row.line.line); });
  drop_repeated(repeated);
  PrefixTable table;
  table.lines_.reserve(rows_.size());
  std::size_t prefixes = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) prefixes += i == 0 || rows_[i].key != rows_[i - 1].key;
  table.keys_.reserve(prefixes);
  table.firsts_.reserve(prefixes + 1);
  for (const Row& row : rows_) {
    if (table.keys_.empty() || table.keys_.back() != row.key) {
      table.keys_.push_back(row.key);
      table.firsts_.push_back(static_cast<std::uint32_t>(table.lines_.size()));
    }
    table.lines_.push_back(row.line);
  }
  table.firsts_.push_back(static_cast<std::uint32_t>(table.lines_.size()));
  rows_ = {};
  for (std::size_t i = 0; i < table.keys_.size(); ++i)
    std::sort(table.lines_.begin() + table.firsts_[i], table.lines_.begin() + table.firsts_[i + 1],
              [](const PrefixLine& a, const PrefixLine& b) { return a.line < b.line; });
  table.link_parents();
  return table;
}

// In order, a key's shorter prefixes stand before it: those of the one before that still fit are its own.
void PrefixTable::link_parents() {
  parents_.reserve(keys_.size());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    std::uint32_t parent = i == 0 ? kNone : static_cast<std::uint32_t>(i - 1);
    while (parent != kNone && !begins_with(keys_[i], keys_[parent])) parent = parents_[parent];
    parents_.push_back(parent);
  }
}

std::uint32_t PrefixTable::position_of(std::string_view number) const noexcept {
  const std::uint64_t key = pack(number).key;
  const auto above = std::upper_bound(keys_.begin(), keys_.end(), key);
  if (key == 0 || above == keys_.begin()) return kNone;
  auto position = static_cast<std::uint32_t>(above - keys_.begin() - 1);
  while (position != kNone && !begins_with(key, keys_[position])) position = parents_[position];
  return position;
}

std::span<const PrefixLine> PrefixTable::lines_at(std::uint32_t position) const noexcept {
  if (position == kNone) return {};
  return std::span(lines_).subspan(firsts_[position], firsts_[position + 1] - firsts_[position]);
}

std::span<const PrefixLine> PrefixTable::find(std::string_view number) const noexcept {
  return lines_at(position_of(number));
}

std::optional<PrefixTable::Match> PrefixTable::explain(std::string_view number) const {
  const std::uint32_t position = position_of(number);
  if (position == kNone) return std::nullopt;
  return Match{text_of(keys_[position]), lines_at(position)};
}

std::size_t PrefixTable::bytes() const noexcept {
  return keys_.capacity() * sizeof(keys_[0]) + parents_.capacity() * sizeof(parents_[0]) +
         firsts_.capacity() * sizeof(firsts_[0]) + lines_.capacity() * sizeof(lines_[0]);
}

}  // namespace sallyport::policy
