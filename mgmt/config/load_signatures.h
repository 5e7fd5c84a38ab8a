// load_signatures.h — reads the files that `security.signatures` names and compiles what they hold.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// Of one file; what can't be taken beyond them is counted.
inline constexpr std::size_t kSignatureProblemsMax = 20;

// Sets config.security.signature_set. A rule that can't be taken is a warning and the others are taken; a
// file none of whose rules can is an error, one without any a warning. Each problem names the file and line
// of the rule. A file that can't be read at all is left to validate_files(). `running`: the set whose place
// it takes and whose counts go on; null: none.
void load_signatures(const Section& root, SbcConfig& config, ProblemList& problems,
                     const policy::SignatureSet* running);

// All of a regular file, up to just beyond what a signature file may hold; nothing when it can't be read.
[[nodiscard]] std::optional<std::string> read_signature_file(const std::string& path);

// The signatures that come with the program: rules/sip.rules, compiled in.
[[nodiscard]] std::string_view shipped_signatures() noexcept;

}  // namespace sallyport::mgmt
