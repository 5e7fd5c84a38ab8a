// node_answers.cpp — see node_answers.h.
#include "mgmt/http/node_answers.h"

#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {

void add_node_paths(Router& router, const NodeAnswers& answers) {
  router.on_get("/api/v1/stats", [make = answers.stats] { return http_answer(make()); });
  router.on_get("/api/v1/ports", [make = answers.ports] { return http_answer(make()); });
  router.on_get("/api/v1/config", [make = answers.config] { return http_answer(make()); });
}

}  // namespace sallyport::mgmt
