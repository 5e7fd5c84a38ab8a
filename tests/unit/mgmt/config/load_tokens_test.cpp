// load_tokens_test.cpp — files of management.tokens: what becomes of them and what is said of bad ones.
#include "mgmt/config/load_tokens.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadTokensTest : public testing::Test {
 protected:
  LoadedConfig load(const std::string& list) {
    LoadedConfig loaded =
        load_config(folder_.write("c.yaml", with_line(13, "management: { tokens: [" + list + "] }")));
    return loaded;
  }
  void token(const std::string& name, std::string_view text) {
    std::filesystem::permissions(folder_.write(name, text), std::filesystem::perms(0640));
  }
  const TestFolder folder_;
};

constexpr const char* kLong = "0123456789abcdef0123456789abcdef";

TEST_F(LoadTokensTest, HasTheNameOfItsFileItsRoleAndAHash) {
  token("keys/ops.token", std::string("  ") + kLong + " \r\nnot this\n");
  token("panel", "panel-panel-panel-panel-panel");
  const LoadedConfig loaded = load("{ file: keys/ops.token, role: operator }, { file: panel, role: viewer }");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), IsEmpty());
  EXPECT_THAT(loaded.tokens,
              ElementsAre(AccessToken{"ops", Role::Operator, digest_of(kLong)},
                          AccessToken{"panel", Role::Viewer, digest_of("panel-panel-panel-panel-panel")}));
}

TEST_F(LoadTokensTest, WhatIsNoTokenIsNamedWithItsPlaceAndNeverShown) {
  token("empty", "\n");
  token("blank", "two secretwords that are long enough\n");
  EXPECT_THAT(errors_of(load("{ file: empty, role: admin }")),
              ElementsAre(HasSubstr("c.yaml:13: management.tokens[0].file: ")));
  const auto errors = errors_of(load("{ file: blank, role: admin }"));
  ASSERT_THAT(errors, ElementsAre(HasSubstr("white space")));
  EXPECT_THAT(errors[0], testing::Not(HasSubstr("secretwords")));
  EXPECT_THAT(errors_of(load("{ file: nowhere, role: admin }")), ElementsAre(HasSubstr("can't read")));
}

TEST_F(LoadTokensTest, OneTokenInTwoFilesIsAMistake) {
  token("a", kLong);
  token("b", kLong);
  EXPECT_THAT(errors_of(load("{ file: a, role: admin }, { file: b, role: viewer }")),
              ElementsAre(HasSubstr("management.tokens[1].file")));
}

TEST_F(LoadTokensTest, AShortOneAndASecondOfItsNameAreWarnedOf) {
  token("a.token", "short");
  token("x/a.token", kLong);
  const LoadedConfig loaded = load("{ file: a.token, role: admin }, { file: x/a.token, role: viewer }");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), ElementsAre(HasSubstr("guessed"), HasSubstr("tell them apart")));
}

TEST_F(LoadTokensTest, MoreThanThereIsRoomForIsAMistake) {
  std::string list;
  for (std::size_t i = 0; i <= kAccessTokensMax; ++i) {
    const std::string name = "t" + std::to_string(i);
    token(name, kLong + name);
    list += (i == 0 ? "" : ", ") + ("{ file: " + name + ", role: viewer }");
  }
  const LoadedConfig loaded = load(list);
  EXPECT_THAT(errors_of(loaded), ElementsAre(HasSubstr("management.tokens[64].file")));
}

}  // namespace
}  // namespace sallyport::mgmt
