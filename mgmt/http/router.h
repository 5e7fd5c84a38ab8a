// router.h — which handler answers which path and method; errors as problem+json (RFC 9457). No socket, no
// library.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/http/body_stream.h"
#include "mgmt/http/target.h"
#include "policy/base/ip_address.h"
#include "policy/base/result.h"

namespace sallyport::mgmt {

// Views are good for the call.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  // as in the request line (RFC 9112 §3.2)
  std::string_view body = {};
  std::string_view authorization = {}, content_type = {};  // values of these fields; empty: there is none
  IpAddress source = {};
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string allow;                // value of Allow; empty: no such field
  std::string authenticate = {};    // the same of WWW-Authenticate
  std::uint32_t retry_after_s = 0;  // the same of Retry-After; 0: no such field
  // The same of Content-Security-Policy: an answer for programs may load nothing.
  std::string_view security_policy = "default-src 'none'; frame-ancestors 'none'";
  std::string disposition = {};  // of Content-Disposition
  // In place of `body`: it goes on, and comes as it is made.
  std::shared_ptr<BodyStream> stream = {};
};

// `problems`: a member of that name, when there are any (RFC 9457 §3.2).
[[nodiscard]] HttpResponse problem(unsigned status, std::string_view title, std::string_view detail,
                                   const std::vector<std::string>& problems = {});

// What a handler gets: the parts of the path that stand in braces in its pattern, the query, the body.
struct PathArguments {
  Arguments path, query;
  std::string_view body = {};    // good for the call, as is:
  std::string_view caller = {};  // whom the gate took it for; empty: nobody in particular
  std::string_view role = {};    // what he is
  // For an answer that goes on: whether that caller would be let in now, too. Null: always.
  std::function<bool()> is_still_admitted = {};
};

// Whom a gate lets in.
struct Admission {
  std::string caller = {};           // empty: nobody in particular
  std::string_view role = "viewer";  // lives for ever
  std::function<bool()> holds = {};
};

// Of a request that was let in, until its answer is there.
struct RouterCall {
  std::string caller, method, target, body;
  IpAddress source;
};

// Who may ask what. It is asked when a path and method are known, before anything is done.
class RouterGate {
 public:
  virtual ~RouterGate() = default;
  // Who asks, or the answer to a request that is not let in. `pattern` as in Router::on.
  [[nodiscard]] virtual Result<Admission, HttpResponse> admit(const HttpRequest& request,
                                                              std::string_view pattern) = 0;
  virtual void done(const RouterCall& call, unsigned status) = 0;
};

class Router {
 public:
  using Handler = std::function<HttpResponse(const PathArguments&)>;
  // Calls `reply` once, at once or later, on the management thread.
  using Reply = std::function<void(HttpResponse)>;
  using LaterHandler = std::function<void(const PathArguments&, Reply)>;

  // `pattern`: "/api/v1/calls/{id}"; a part in braces matches any one segment that is not empty. Patterns
  // without braces are looked at first. GET answers HEAD, too: the body of an answer to HEAD is that of GET;
  // the server leaves it away (RFC 9110 §9.3.2).
  void on(std::string_view method, std::string_view pattern, Handler handler);
  void on_get(std::string_view path, std::function<HttpResponse()> handler);
  void on_later(std::string_view method, std::string_view pattern, LaterHandler handler);
  // Must outlive the router and its answers. Without one everything is let in.
  void guard_with(RouterGate& gate) noexcept { gate_ = &gate; }
  // Never throws: a handler that does is a 500.
  void answer(const HttpRequest& request, const Reply& reply) const noexcept;
  // The same where nothing is answered later.
  [[nodiscard]] HttpResponse answer(const HttpRequest& request) const noexcept;
  // (method, pattern) of all there is.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> routes() const;

 private:
  struct Route {
    std::string pattern;
    std::vector<std::string> segments;
    std::map<std::string, LaterHandler, std::less<>> handlers;  // by method
  };
  [[nodiscard]] const Route* find(const std::vector<std::string>& segments, Arguments& path) const;
  void serve(const HttpRequest& request, const Reply& reply) const;

  std::vector<Route> routes_;
  RouterGate* gate_ = nullptr;
};

}  // namespace sallyport::mgmt
