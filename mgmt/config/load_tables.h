// load_tables.h — reads the files that `tables:` names, lines of prefix,peer,weight, into look-up tables.
#pragma once

#include <cstddef>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kTableLinesMax = 5'000'000;
inline constexpr std::size_t kTableLineBytesMax = 512;
// Of one file; what is wrong beyond them is counted.
inline constexpr std::size_t kTableProblemsMax = 20;

// Fills the content of config.tables; each problem names the file and line of the table. A file that can't be
// read at all is left to validate_files().
//
// A line is a prefix ("+" in front, digits, "*", "#"; at most 16), the name of a peer, and a weight from 0 to
// 65535, 1 when it is left out. Fields may stand in double quotes, as those with "#" in front must: a line
// that begins with "#" is a comment. Blank lines, and a first line that begins with "prefix", are passed
// over.
void load_tables(const Section& root, SbcConfig& config, ProblemList& problems);

}  // namespace sallyport::mgmt
