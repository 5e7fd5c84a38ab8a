// control_answer.cpp — see control_answer.h.
#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {

HttpResponse http_answer(const ControlResult& result) {
  if (result) {
    HttpResponse out;
    out.body = *result + '\n';
    return out;
  }
  switch (result.error().status) {
    case kExitNoSuchThing:
      return problem(404, "Not Found", result.error().message);
    case kExitUsage:
      return problem(400, "Bad Request", result.error().message);
    case kExitBadConfiguration:  // what is asked does not go with what there is: RFC 9110 §15.5.10
      return problem(409, "Conflict", result.error().message, result.error().lines);
    default:
      return problem(503, "Service Unavailable", result.error().message);
  }
}

}  // namespace sallyport::mgmt
