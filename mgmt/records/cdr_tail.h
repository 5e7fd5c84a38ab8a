// cdr_tail.h — what a crash left at the end of a CDR file: which lines are good, and what they say.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "mgmt/records/cdr_json.h"

namespace sallyport::mgmt {

struct CdrTail {
  std::size_t marked_bytes = 0;      // up to the mark
  std::size_t good_bytes = 0;        // the rest of the bytes is torn or said twice
  std::uint64_t last_seq = 0;        // of the last good line; the mark when there is none
  std::vector<std::uint64_t> ended;  // calls with an `end` in the good lines behind the mark
  // Calls with a `start` but no `end` in the good lines behind the mark; without a mark, in all good lines.
  std::vector<Cdr> started;
};

// The line that the journal has for a seq; empty: none.
using JournalledLine = std::function<std::string_view(std::uint64_t seq)>;

// `bytes` is the end of the file; `is_whole` when it is all of it. `mark`: lines up to this seq are known to
// be on the disk, and those behind it are all still in the journal; nothing: the journal knows nothing of
// this file. A line behind the mark that is not the one that the journal has is not good: it was written
// while the journal could not be, and its seq was given again. Lines that are not ours stay where they are,
// unless a crash can have made them.
[[nodiscard]] CdrTail judge_cdr_tail(std::string_view bytes, bool is_whole, std::optional<std::uint64_t> mark,
                                     const JournalledLine& journalled = {});

}  // namespace sallyport::mgmt
