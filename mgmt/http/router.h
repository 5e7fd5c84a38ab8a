// router.h — which handler answers which path and method; errors as problem+json (RFC 9457). No socket, no
// library.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/http/target.h"

namespace sallyport::mgmt {

// Views are good for the call.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as in the request line (RFC 9112 §3.2)
  std::string_view body = {};
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  // value of Allow; empty: no such field
};

[[nodiscard]] HttpResponse problem(unsigned status, std::string_view title, std::string_view detail);

// What a handler gets: the parts of the path that stand in braces in its pattern, the query, the body.
struct PathArguments {
  Arguments path, query;
  std::string_view body = {};  // good for the call
};

class Router {
 public:
  using Handler = std::function<HttpResponse(const PathArguments&)>;

  // `pattern`: "/api/v1/calls/{id}"; a part in braces matches any one segment that is not empty. Patterns
  // without braces are looked at first. GET answers HEAD, too: the body of an answer to HEAD is that of GET;
  // the server leaves it away (RFC 9110 §9.3.2).
  void on(std::string_view method, std::string_view pattern, Handler handler);
  void on_get(std::string_view path, std::function<HttpResponse()> handler);
  // Never throws: a handler that does is a 500.
  [[nodiscard]] HttpResponse answer(const HttpRequest& request) const noexcept;
  // (method, pattern) of all there is.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  struct Route {
    std::string pattern;
    std::vector<std::string> segments;
    std::map<std::string, Handler, std::less<>> handlers;  // by method
  };
  [[nodiscard]] const Route* find(const std::vector<std::string>& segments, Arguments& path) const;

  std::vector<Route> routes_;
};

}  // namespace sallyport::mgmt
