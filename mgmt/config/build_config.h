// build_config.h — makes the plain values of policy/model out of a checked tree.
#pragma once

#include "mgmt/config/section.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// The whole configuration; members of lists stand in the order of the file, one for each map written.
[[nodiscard]] SbcConfig build_config(const Section& root);

// Its parts, in the order in which they need each other.
void build_network(const Section& root, SbcConfig& config);     // node, dns, dataplane, ports, tls, realms
void build_neighbours(const Section& root, SbcConfig& config);  // profiles, peers, registrars
// After all checks: behind the peers a place for the endpoints of each registrar.
void add_registrar_places(const Section& root, SbcConfig& config);
void build_routes(const Section& root, SbcConfig& config);  // header rules, tables, routes, emergency
void build_security(const Section& root, SbcConfig& config);
void build_management(const Section& root, SbcConfig& config);

}  // namespace sallyport::mgmt
