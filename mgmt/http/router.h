// router.h — which handler answers which path; errors as problem+json (RFC 9457). No socket, no library.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

// Views are good for the call.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as in the request line (RFC 9112 §3.2)
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;  // value of Allow; empty: no such field
};

[[nodiscard]] HttpResponse problem(unsigned status, std::string_view title, std::string_view detail);

class Router {
 public:
  using Handler = std::function<HttpResponse()>;

  // A path that answers GET and HEAD.
  void on_get(std::string path, Handler handler);
  // Never throws: a handler that does is a 500. The body of an answer to HEAD is that of GET; the server
  // leaves it away (RFC 9110 §9.3.2).
  [[nodiscard]] HttpResponse answer(const HttpRequest& request) const noexcept;

 private:
  std::map<std::string, Handler, std::less<>> get_;
};

}  // namespace sallyport::mgmt
