// router.cpp — path look-up and problem details. RFC 9110, RFC 9112, RFC 9457.
#include "mgmt/http/router.h"

#include <algorithm>
#include <memory>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] bool is_variable(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

[[nodiscard]] bool matches(const std::vector<std::string>& pattern,
                           const std::vector<std::string>& segments) {
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                    [](const std::string& wanted, const std::string& given) {
                      return is_variable(wanted) ? !given.empty() : wanted == given;
                    });
}

}  // namespace

HttpResponse problem(unsigned status, std::string_view title, std::string_view detail,
                     const std::vector<std::string>& problems) {
  HttpResponse out;
  out.status = status;
  out.content_type = "application/problem+json";
  out.body = "{\"type\":\"about:blank\",\"title\":";  // RFC 9457 §4.2.1
  append_json_string(out.body, title);
  out.body += ",\"status\":" + std::to_string(status) + ",\"detail\":";
  append_json_string(out.body, detail);
  for (std::size_t i = 0; i < problems.size(); ++i) {
    out.body += i == 0 ? ",\"problems\":[" : ",";
    append_json_string(out.body, problems[i]);
  }
  out.body += problems.empty() ? "}\n" : "]}\n";
  return out;
}

void Router::on(std::string_view method, std::string_view pattern, Handler handler) {
  on_later(method, pattern, [handler = std::move(handler)](const PathArguments& given, const Reply& reply) {
    reply(handler(given));
  });
}

void Router::on_later(std::string_view method, std::string_view pattern, LaterHandler handler) {
  auto route =
      std::find_if(routes_.begin(), routes_.end(), [&](const Route& one) { return one.pattern == pattern; });
  if (route == routes_.end()) {
    const bool has_variable = pattern.find('{') != std::string_view::npos;
    route = routes_.insert(has_variable ? routes_.end() : routes_.begin(), Route());
    route->pattern = pattern;
    route->segments = parse_target(pattern).value_or(Target()).segments;
  }
  route->handlers.insert_or_assign(std::string(method), std::move(handler));
}

void Router::on_get(std::string_view path, std::function<HttpResponse()> handler) {
  on("GET", path, [answer = std::move(handler)](const PathArguments&) { return answer(); });
}

const Router::Route* Router::find(const std::vector<std::string>& segments, Arguments& path) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const Route& one) { return matches(one.segments, segments); });
  if (found == routes_.end()) return nullptr;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string& wanted = found->segments[i];
    if (is_variable(wanted)) path.emplace(wanted.substr(1, wanted.size() - 2), segments[i]);
  }
  return &*found;
}

void Router::serve(const HttpRequest& request, const Reply& reply) const {
  auto target = parse_target(request.target);
  PathArguments arguments;
  const Route* const route = target ? find(target->segments, arguments.path) : nullptr;
  if (route == nullptr) return reply(problem(404, "Not Found", "There is nothing at this path."));
  const auto found = route->handlers.find(request.method == "HEAD" ? "GET" : request.method);
  if (found == route->handlers.end()) {
    std::string allow;
    for (const auto& [method, handler] : route->handlers)
      allow += (allow.empty() ? "" : ", ") + (method == "GET" ? "GET, HEAD" : method);
    HttpResponse refused = problem(405, "Method Not Allowed", "This path answers " + allow + ".");
    refused.allow = std::move(allow);  // RFC 9110 §15.5.6
    return reply(std::move(refused));
  }
  arguments.query = std::move(target->query);
  arguments.body = request.body;
  if (gate_ == nullptr) return found->second(arguments, reply);
  auto admission = gate_->admit(request, route->pattern);
  if (!admission) return reply(std::move(admission.error()));
  arguments.caller = admission->caller;
  arguments.role = admission->role;
  arguments.is_still_admitted = admission->holds;
  const RouterCall call{admission->caller, std::string(request.method), std::string(request.target),
                        std::string(request.body), request.source};
  found->second(arguments, [gate = gate_, call, reply](HttpResponse answer) {
    gate->done(call, answer.status);
    reply(std::move(answer));
  });
}

void Router::answer(const HttpRequest& request, const Reply& reply) const noexcept try {
  const auto is_told = std::make_shared<bool>(false);
  const auto once = [is_told, reply](HttpResponse answer) {
    if (!std::exchange(*is_told, true)) reply(std::move(answer));
  };
  try {
    serve(request, once);
  } catch (...) {
    HttpResponse failed;
    failed.status = 500;
    failed.content_type = "application/problem+json";
    once(std::move(failed));
  }
} catch (...) {  // no memory even for that: whoever asked hears nothing
}

HttpResponse Router::answer(const HttpRequest& request) const noexcept try {
  const auto answered = std::make_shared<HttpResponse>();
  answered->status = 500;
  answer(request, [answered](HttpResponse answer) { *answered = std::move(answer); });
  return std::move(*answered);
} catch (...) {
  HttpResponse failed;
  failed.status = 500;
  return failed;
}

std::vector<std::pair<std::string, std::string>> Router::routes() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Route& route : routes_)
    for (const auto& [method, handler] : route.handlers) out.emplace_back(method, route.pattern);
  return out;
}

}  // namespace sallyport::mgmt
