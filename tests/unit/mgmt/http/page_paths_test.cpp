// The web page: what is served, with what policy, and that its files keep to that policy.
#include "mgmt/http/page_paths.h"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "mgmt/http/page_files.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

// Of others, as they came.
[[nodiscard]] bool is_ours(std::string_view name) { return !name.starts_with("uplot"); }

class PagePaths : public testing::Test {
 protected:
  PagePaths() { add_page_paths(router_); }
  [[nodiscard]] HttpResponse get(std::string_view target) const {
    return router_.answer(HttpRequest{.method = "GET", .target = target});
  }
  Router router_;
};

TEST_F(PagePaths, TheRootIsThePageAsHtml) {
  const HttpResponse page = get("/");
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page.body.starts_with("<!doctype html>"));
}

// CSP Level 3 §6.1: what no directive names is not allowed.
TEST_F(PagePaths, TheBrowserMayLoadOnlyWhatLiesBesideThePage) {
  const std::string policy(get("/").security_policy);
  for (const char* const directive :
       {"default-src 'none';", "script-src 'self';", "style-src 'self';", "img-src 'self';",
        "connect-src 'self';", "base-uri 'none';", "form-action 'none';", "frame-ancestors 'none';",
        "require-trusted-types-for 'script';"})
    EXPECT_THAT(policy, HasSubstr(directive));
  for (const char* const hole : {"unsafe", "http:", "https:", "data:", "blob:", "*"})
    EXPECT_EQ(policy.find(hole), std::string::npos) << hole;
}

TEST_F(PagePaths, EachFileComesWholeAndWithItsType) {
  for (const PageFile& file : page_files()) {
    const HttpResponse answer = get("/page/" + std::string(file.name));
    EXPECT_EQ(answer.status, 200u) << file.name;
    EXPECT_EQ(answer.body, file.text) << file.name;
    EXPECT_FALSE(answer.body.empty()) << file.name;
    EXPECT_NE(answer.content_type, "application/octet-stream") << file.name;
  }
  EXPECT_EQ(get("/page/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/page/style.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/page/favicon.svg").content_type, "image/svg+xml");
}

TEST_F(PagePaths, WhatIsNoFileOfThePageIsNotFound) {
  for (const char* const target : {"/page/", "/page/none.js", "/page/..", "/page/%2e%2e%2fREADME.md",
                                   "/page/README.md", "/page/app.js/x", "/index.html"})
    EXPECT_EQ(get(target).status, 404u) << target;
}

// What stands between each `begin` and the next quotation mark.
void add_quoted_after(std::string_view text, std::string_view begin, std::set<std::string>& names) {
  for (std::size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
    const std::string_view rest = text.substr(at + begin.size());
    names.emplace(rest.substr(0, rest.find_first_of("'\"")));
  }
}

// A file that a module imports or the page names and that is not compiled in would break the page in a
// browser alone.
TEST_F(PagePaths, WhatTheFilesReferToIsServed) {
  std::set<std::string> named;
  for (const PageFile& file : page_files())
    for (const char* const begin : {"from './", "=\"/page/"}) add_quoted_after(file.text, begin, named);
  EXPECT_GT(named.size(), 15u);
  for (const std::string& name : named) EXPECT_EQ(get("/page/" + name).status, 200u) << name;
}

// Trusted Types would stop it in a browser that knows them; here it is stopped for all.
TEST_F(PagePaths, NoFileOfOursMakesMarkupOrCodeOfText) {
  for (const PageFile& file : page_files()) {
    if (!is_ours(file.name)) continue;
    for (const char* const word :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc",
          "javascript:", "DOMParser", "createContextualFragment", "setHTML"})
      EXPECT_EQ(file.text.find(word), std::string_view::npos) << file.name << ": " << word;
  }
}

TEST_F(PagePaths, NoFileNamesAnotherHostOrHoldsScriptInItsMarkup) {
  const std::string_view name_of_svg = "http://www.w3.org/2000/svg";  // no address
  for (const PageFile& file : page_files()) {
    if (!is_ours(file.name)) continue;
    for (std::size_t at = file.text.find("http"); at != std::string_view::npos;
         at = file.text.find("http", at + 1))
      EXPECT_TRUE(file.text.substr(at).starts_with(name_of_svg))
          << file.name << ": " << file.text.substr(at, 40);
    if (!file.name.ends_with(".html")) continue;
    for (const char* const inside : {"<script>", "<style", "style=", " on"})
      EXPECT_EQ(file.text.find(inside), std::string_view::npos) << file.name << ": " << inside;
  }
}

}  // namespace
}  // namespace sallyport::mgmt
