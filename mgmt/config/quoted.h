// quoted.h — text of a stranger's file made fit for one line of a terminal.
#pragma once

#include <string>
#include <string_view>

namespace sallyport::mgmt {

// Control bytes as \xNN; the rest, UTF-8 included, as it is.
[[nodiscard]] std::string printable(std::string_view text);
// 'text', cut after 60 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);
// "a, b or c".
[[nodiscard]] std::string joined_with_or(std::string_view words_with_bars);

}  // namespace sallyport::mgmt
