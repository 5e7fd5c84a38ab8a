// node_answers.cpp — see node_answers.h.
#include "mgmt/http/node_answers.h"

#include "mgmt/http/control_answer.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {

void add_node_paths(Router& router, const NodeAnswers& answers) {
  router.on_get("/api/v1/stats", [make = answers.stats] { return http_answer(make()); });
  router.on_get("/api/v1/ports", [make = answers.ports] { return http_answer(make()); });
  router.on("GET", "/api/v1/me", [](const PathArguments& given) {
    HttpResponse out;
    out.body = "{\"name\":";
    if (given.caller.empty())
      out.body += "null";
    else
      append_json_string(out.body, given.caller);
    out.body += ",\"role\":";
    append_json_string(out.body, given.role);
    out.body += "}\n";
    return out;
  });
  router.on_get("/api/v1/config", [make = answers.config] { return http_answer(make()); });
}

}  // namespace sallyport::mgmt
