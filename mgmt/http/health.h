// health.h — whether the daemon takes calls, and the paths that say so: /healthz, /readyz.
#pragma once

#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// Used by the management thread alone.
struct Readiness {
  bool ready = false;
  bool draining = false;
};

// `readiness` must outlive the router.
void add_health_paths(Router& router, const Readiness& readiness);

}  // namespace sallyport::mgmt
