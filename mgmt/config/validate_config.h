// validate_config.h — checks that need more than one value: overlaps, families, pairs, files.
#pragma once

#include "mgmt/config/option_checker.h"
#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// `root` and `config` are the same configuration: the tree for places, the values for the checks.
struct Checked {
  const Section& root;
  const SbcConfig& config;
  ProblemList& problems;
};

void validate_ports(const Checked& checked);
void validate_realms(const Checked& checked);
void validate_media(const Checked& checked);       // media ports of realms
void validate_neighbours(const Checked& checked);  // peers, registrars
void validate_trunks(const Checked& checked);      // peers and their realm's listeners
void validate_srtp(const Checked& checked);        // keys of media, and the signalling that carries them
void validate_headers(const Checked& checked);     // headers.pass of profiles and peers
void validate_routes(const Checked& checked);      // routes, header rules, emergency
void validate_management(const Checked& checked);
void validate_unwise(const Checked& checked);  // what is legal, and hardly what was meant
// Reads what the configuration names: exists, readable, certificate fits key, secrets not for everyone.
void validate_files(const Checked& checked);

}  // namespace sallyport::mgmt
