// text_table.h — aligned columns for people, coloured only where asked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::mgmt {

enum class Align : std::uint8_t { Left, Right };
enum class Tint : std::uint8_t { None, Good, Warning, Bad };

struct Cell {
  std::string text;  // control bytes are escaped when it is drawn
  Tint tint = Tint::None;
};

struct Column {
  std::string_view title;
  Align align = Align::Left;
};

class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns.
  void add_row(std::vector<Cell> cells);
  [[nodiscard]] std::string draw(bool colour) const;
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace sallyport::mgmt
