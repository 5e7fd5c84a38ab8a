// node_answers.h — what REST says of the node as a whole: counters, ports, the configuration that runs.
#pragma once

#include <functional>
#include <string>

#include "mgmt/http/router.h"

namespace sallyport::mgmt {

// Each makes one JSON value.
struct NodeAnswers {
  std::function<std::string()> stats, ports, config;
};

// GET /api/v1/stats, /api/v1/ports, /api/v1/config; /api/v1/me: who asks, and his role
void add_node_paths(Router& router, const NodeAnswers& answers);

}  // namespace sallyport::mgmt
