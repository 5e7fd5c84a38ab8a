// json_layout_test.cpp — laid out without a tree, it reads as if a tree had been printed.
#include "mgmt/cli/json_layout.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

TEST(JsonLayout, IsWhatATreeOfItWouldPrint) {
  for (const char* const text :
       {R"({})", R"([])", R"(null)", R"(-1.5)", R"("a")", R"([[],{},[{}]])",
        R"({"calls":[{"id":"1","media":[{"mos":4.2},{"mos":null}],"tried":[]}],"active":1,"next":null})",
        R"({"a":"{[,:\"\\","b":"\\\\","":[true,false,0]})", " { \"a\" : [ 1 , 2 ] ,\n\t\"b\" : { } } \r\n"}) {
    ASSERT_TRUE(Json::accept(text)) << text;
    EXPECT_EQ(laid_out(text), Json::parse(text).dump(2, ' ', true)) << text;
  }
}

// Marks that turn the reading direction round would steer the terminal.
TEST(JsonLayout, IsAsciiAlone) {
  EXPECT_EQ(laid_out("{\"a\":\"\xe2\x80\xaex\x7f\"}"), "{\n  \"a\": \"\\u202ex\\u007f\"\n}");
}

TEST(JsonLayout, TextThatBreaksOffDoesNoHarm) {
  for (const char* const broken : {"\"abc", "\"ab\\", "{\"a\":", "}}}", "[[[", ""}) {
    const std::string out = laid_out(broken);
    EXPECT_LE(out.size(), 64u) << broken;
  }
}

}  // namespace
}  // namespace sallyport::mgmt
