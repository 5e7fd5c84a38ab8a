// page_paths.cpp — see page_paths.h.
#include "mgmt/http/page_paths.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "mgmt/http/page_files.h"

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kIndex = "index.html";

// Only what lies beside it: no other host, no script or style within the document, no frame around it. Text
// can't be taken for markup by any script: no policy of Trusted Types may be made.
constexpr std::string_view kSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypes{
    {{".html", "text/html; charset=utf-8"},
     {".js", "text/javascript; charset=utf-8"},  // RFC 9239 §6
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"},
     {".txt", "text/plain; charset=utf-8"}}};

[[nodiscard]] std::string_view type_of(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kTypes, [&](const auto& type) { return name.ends_with(type.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

[[nodiscard]] HttpResponse file_answer(std::string_view name) {
  const auto files = page_files();
  const auto found = std::ranges::find(files, name, &PageFile::name);
  if (found == files.end()) return problem(404, "Not Found", "The web page has no such file.");
  HttpResponse out;
  out.content_type = type_of(name);
  out.body = found->text;
  out.security_policy = kSecurityPolicy;
  return out;
}

}  // namespace

void add_page_paths(Router& router) {
  router.on_get("/", [] { return file_answer(kIndex); });
  router.on("GET", "/page/{file}",
            [](const PathArguments& given) { return file_answer(given.path.at("file")); });
}

}  // namespace sallyport::mgmt
