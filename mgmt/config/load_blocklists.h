// load_blocklists.h — reads the files that `security.blocklists` names: a prefix a line.
//
// A line is an address or a prefix of either family, and may go on after a blank, a comma, ";" or "#": the
// files of the usual publishers do, with a comment or a name behind the prefix. Blank lines and lines that
// begin with "#" or ";" are passed over. All addresses (0.0.0.0/0) can't be blocked.
#pragma once

#include <cstddef>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kBlocklistLineBytesMax = 512;
// Of one file; what is wrong beyond them is counted.
inline constexpr std::size_t kBlocklistProblemsMax = 20;

// Fills config.security.blocklist_prefixes; each problem names the file and line. Together they may hold as
// many as dataplane.capacity.blocked. A file that can't be read at all is left to validate_files().
void load_blocklists(const Section& root, SbcConfig& config, ProblemList& problems);

}  // namespace sallyport::mgmt
