// load_callers.h — the callers that `security.detectors.call_spam` names, in its lists and in its file.
//
// A line of the file is a number as callers show it, "+4930123456", or the beginning of many, "+49900*"; it
// may hold blanks, "-", ".", "(" and ")" between its digits and go on after a comma, ";" or "#". Blank lines
// and lines that begin with "#" or ";" are passed over.
#pragma once

#include <cstddef>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kCallersMax = 1'000'000;  // of the file
inline constexpr std::size_t kCallerLineBytesMax = 512;
// Of the file; what is wrong beyond them is counted.
inline constexpr std::size_t kCallerProblemsMax = 20;

// Sets denied_callers and allowed_callers of config.security.detectors; each problem names file, line and
// key. A file that can't be read at all is left to validate_files().
void load_callers(const Section& root, SbcConfig& config, ProblemList& problems);

}  // namespace sallyport::mgmt
