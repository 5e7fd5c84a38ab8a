// text_table.cpp — draws tables.
#include "mgmt/cli/text_table.h"

#include <algorithm>

#include "mgmt/log/log_line.h"
#include "policy/base/check.h"

namespace sallyport::mgmt {
namespace {

// Characters, not octets: continuation octets of UTF-8 take no place.
[[nodiscard]] std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

[[nodiscard]] std::string_view colour_code(Tint tint) {
  switch (tint) {
    case Tint::Good:
      return "\x1b[32m";
    case Tint::Warning:
      return "\x1b[33m";
    case Tint::Bad:
      return "\x1b[31m";
    case Tint::None:
      break;
  }
  return {};
}

void append_cell(std::string& line, std::string_view text, std::size_t width, Align align,
                 std::string_view colour) {
  const std::string padding(width - std::min(width, width_of(text)), ' ');
  if (align == Align::Right) line += padding;
  line += colour;
  line += text;
  if (!colour.empty()) line += "\x1b[0m";
  if (align == Align::Left) line += padding;
  line += "  ";
}

void end_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

}  // namespace

void TextTable::add_row(std::vector<Cell> cells) {
  SALLYPORT_CHECK(cells.size() == columns_.size());
  for (Cell& cell : cells) cell.text = escaped(cell.text);
  rows_.push_back(std::move(cells));
}

std::string TextTable::draw(bool colour) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i].text));
    widths.push_back(width);
  }
  std::string out, head;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    append_cell(head, columns_[i].title, widths[i], columns_[i].align, {});
  end_line(out, std::move(head));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      append_cell(line, row[i].text, widths[i], columns_[i].align,
                  colour ? colour_code(row[i].tint) : std::string_view{});
    end_line(out, std::move(line));
  }
  return out;
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3;) {
    i -= 3;
    out.insert(i, 1, ',');
  }
  return out;
}

}  // namespace sallyport::mgmt
