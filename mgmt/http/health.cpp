// health.cpp — answers for load balancers and supervisors.
#include "mgmt/http/health.h"

namespace sallyport::mgmt {

void add_health_paths(Router& router, const Readiness& readiness) {
  router.on_get("/healthz", [] {
    HttpResponse out;
    out.body = "{\"healthy\":true}\n";  // whoever answers lives
    return out;
  });
  router.on_get("/readyz", [&readiness] {
    if (readiness.draining) return problem(503, "Service Unavailable", "Sallyport is draining.");
    if (!readiness.ready) return problem(503, "Service Unavailable", "Sallyport is starting.");
    HttpResponse out;
    out.body = "{\"ready\":true}\n";
    return out;
  });
}

}  // namespace sallyport::mgmt
