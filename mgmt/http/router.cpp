// router.cpp — path look-up and problem details. RFC 9110, RFC 9112, RFC 9457.
#include "mgmt/http/router.h"

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

// The path of an origin-form or absolute-form target, without its query.
[[nodiscard]] std::string_view path_of(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {  // RFC 9112 §3.2.2
    target.remove_prefix(kScheme.size());
    const std::size_t slash = target.find('/');
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

}  // namespace

HttpResponse problem(unsigned status, std::string_view title, std::string_view detail) {
  HttpResponse out;
  out.status = status;
  out.content_type = "application/problem+json";
  out.body = "{\"type\":\"about:blank\",\"title\":";  // RFC 9457 §4.2.1
  append_json_string(out.body, title);
  out.body += ",\"status\":" + std::to_string(status) + ",\"detail\":";
  append_json_string(out.body, detail);
  out.body += "}\n";
  return out;
}

void Router::on_get(std::string path, Handler handler) {
  get_.insert_or_assign(std::move(path), std::move(handler));
}

HttpResponse Router::answer(const HttpRequest& request) const noexcept {
  try {
    const std::string_view path = path_of(request.target);
    const auto found = get_.find(path);
    if (found == get_.end()) return problem(404, "Not Found", "There is nothing at this path.");
    if (request.method != "GET" && request.method != "HEAD") {
      HttpResponse refused = problem(405, "Method Not Allowed", "This path answers GET and HEAD.");
      refused.allow = "GET, HEAD";  // RFC 9110 §15.5.6
      return refused;
    }
    return found->second();
  } catch (...) {
    HttpResponse failed;
    failed.status = 500;
    failed.content_type = "application/problem+json";
    return failed;
  }
}

}  // namespace sallyport::mgmt
