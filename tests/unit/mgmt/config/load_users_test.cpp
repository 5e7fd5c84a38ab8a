// load_users_test.cpp — files of users: what is right becomes hashes by user, what is wrong is named by line.
#include "mgmt/config/load_users.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Of nobody.
constexpr const char* kMd5 = "8c5c4c1f2cb0b4d7ea7a5c8aee9bb6e2";

class LoadUsers : public testing::Test {
 protected:
  LoadedConfig load(const std::string& users, const std::string& domains = "[example.com, example.net]") {
    folder_.write("users.yaml", users);
    std::filesystem::permissions(folder_.path() / "users.yaml",
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return load_config(
        folder_.write("c.yaml", with_line(13,
                                          "registrars: [{ name: phones, realm: outside, mode: local, "
                                          "users_file: users.yaml, domains: " +
                                              domains + " }]")));
  }
  RegistrarUsers users_of(const std::string& users) {
    const LoadedConfig loaded = load(users);
    EXPECT_THAT(errors_of(loaded), IsEmpty());
    const auto& kept = loaded.config.registrars.at(0).users;
    return kept ? *kept : RegistrarUsers();
  }
  std::vector<std::string> errors(const std::string& users) { return errors_of(load(users)); }

  const TestFolder folder_;
};

TEST_F(LoadUsers, AHashIsKeptInSmallDigits) {
  const std::string sha(64, 'A');
  const RegistrarUsers users =
      users_of("users:\n  - { user: \"1001\", domain: Example.COM, ha1_md5: " + std::string(kMd5) +
               ", ha1_sha256: \"" + sha + "\" }\n");
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].user, "1001");
  EXPECT_EQ(users[0].domain, "example.com");
  EXPECT_EQ(users[0].ha1_md5, kMd5);
  EXPECT_EQ(users[0].ha1_sha256, std::string(64, 'a'));
}

TEST_F(LoadUsers, APasswordBecomesBothHashesWithTheFirstDomainAsRealm) {
  const RegistrarUsers users =
      users_of("users:\n  - { user: alice, domain: example.net, password: \"a:b c\" }\n");
  ASSERT_EQ(users.size(), 1u);
  // printf 'alice:example.com:a:b c' | openssl md5, sha256
  EXPECT_EQ(users[0].ha1_md5, "613f8b2569182c6946bad5db0abe919b");
  EXPECT_EQ(users[0].ha1_sha256, "b669b3c30a022897671dbb77405fc3c503f91866941b85d6e81571fa11725d9f");
}

TEST_F(LoadUsers, UsersStandByNameThenByDomain) {
  const RegistrarUsers users = users_of(
      "users:\n- { user: b, password: x }\n- { user: a, domain: example.net, password: x }\n"
      "- { user: a, domain: example.com, password: x }\n- { user: a, password: x }\n");
  std::vector<std::string> names;
  for (const RegistrarUser& user : users) names.push_back(user.user + "@" + user.domain);
  EXPECT_THAT(names, ElementsAre("a@", "a@example.com", "a@example.net", "b@"));
}

TEST_F(LoadUsers, EachMistakeIsNamedWithLineAndKeyAndNoSecretIsShown) {
  const std::vector<std::string> said = errors(
      "users:\n"
      "  - { user: \"1\", passwort: geheim }\n"
      "  - { domain: example.com, password: geheim }\n"
      "  - { user: \"3\", domain: example.org, password: geheim }\n"
      "  - { user: \"4\", ha1_md5: geheim }\n"
      "  - { user: \"5\", ha1_md5: 8c5c4c1f2cb0b4d7ea7a5c8aee9bb6e2, password: geheim }\n"
      "  - { user: \"6\" }\n"
      "  - { user: \"a b\", password: geheim }\n"
      "  - seven\n"
      "  - { user: \"8\", password: geheim }\n"
      "  - { user: \"8\", password: geheim2 }\n");
  EXPECT_THAT(
      said,
      ElementsAre(
          "users.yaml:2: registrars[phones].users_file.users[1].passwort: there is no such key; did you mean "
          "'password'?",
          "users.yaml:3: registrars[phones].users_file.users[1].user: is missing; write the user part of the "
          "address",
          HasSubstr("users.yaml:4: registrars[phones].users_file.users[3].domain: 'example.org' is no domain "
                    "of registrar 'phones'; did you mean 'example.com'?"),
          HasSubstr("users.yaml:5: registrars[phones].users_file.users[4].ha1_md5: is not 32 hexadecimal "
                    "digits; write the hash of user:example.com:password"),
          HasSubstr("users.yaml:6: registrars[phones].users_file.users[5]: has both a password and a hash"),
          HasSubstr(
              "users.yaml:7: registrars[phones].users_file.users[6]: has neither a hash nor a password"),
          HasSubstr("users.yaml:8: registrars[phones].users_file.users[a b].user: 'a b' is no user"),
          HasSubstr("users.yaml:9: registrars[phones].users_file.users[7]: is not a map of keys"),
          "users.yaml:11: registrars[phones].users_file.users[8]: is a user already, in line 10; keep one of "
          "the two"));
  EXPECT_THAT(testing::PrintToString(said), Not(HasSubstr("geheim")));
}

TEST_F(LoadUsers, AFileOfAnotherFormIsAnError) {
  EXPECT_THAT(errors(""),
              ElementsAre(HasSubstr("users.yaml:1: registrars[phones].users_file: is empty; write "
                                    "users: and a list below it")));
  EXPECT_THAT(errors("- a\n"), ElementsAre(HasSubstr("is not a map of keys")));
  EXPECT_THAT(errors("user: []\n"), ElementsAre(HasSubstr("there is no such key")));
  EXPECT_THAT(errors("users: 5\n"), ElementsAre(HasSubstr("is not a list")));
  EXPECT_THAT(errors("users: []\nmore: 1\n"), ElementsAre(HasSubstr("there is another key")));
  EXPECT_THAT(errors("users: [\n"), ElementsAre(HasSubstr("not YAML")));
  EXPECT_THAT(errors("users: [{ user: &a x, password: *a }]\n"), ElementsAre(HasSubstr("an anchor (&)")));
  EXPECT_THAT(errors("users: [{ user: \x01 }]\n"), ElementsAre(HasSubstr("holds a control byte")));
}

TEST_F(LoadUsers, ALongListOfMistakesIsCutAndCounted) {
  std::string text = "users:\n";
  for (int i = 0; i < 100; ++i) text += "  - { user: \"" + std::to_string(i) + "\" }\n";
  const std::vector<std::string> said = errors(text);
  ASSERT_EQ(said.size(), kUsersProblemsMax + 1);
  EXPECT_THAT(testing::PrintToString(said), HasSubstr("80 further members are wrong"));
}

TEST_F(LoadUsers, AFileWithoutUsersIsAWarning) {
  const LoadedConfig loaded = load("users: []\n");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_THAT(warnings_of(loaded), ElementsAre(HasSubstr("registrars[phones].users_file: holds no user")));
}

TEST_F(LoadUsers, AFileThatIsMissingIsSaidOnce) {
  const LoadedConfig loaded =
      load_config(folder_.write("c.yaml", with_line(13,
                                                    "registrars: [{ name: phones, realm: outside, mode: "
                                                    "local, users_file: none.yaml, domains: [a.b] }]")));
  EXPECT_THAT(errors_of(loaded), ElementsAre(HasSubstr("registrars[phones].users_file: can't read")));
}

TEST_F(LoadUsers, ThousandsOfUsersCountAsMemory) {
  std::string text = "users:\n";
  for (int i = 0; i < 5000; ++i)
    text += "  - { user: \"" + std::to_string(i) + "\", ha1_md5: " + kMd5 + " }\n";
  const LoadedConfig many = load(text), few = load("users: [{ user: a, password: b }]\n");
  EXPECT_EQ(many.config.registrars[0].users->size(), 5000u);
  EXPECT_GT(many.memory_bytes_needed, few.memory_bytes_needed + 5000 * 200);
}

TEST_F(LoadUsers, WhatIsTheSameIsToldFromWhatIsNot) {
  const RegistrarUsers one = users_of("users: [{ user: a, password: x }]\n");
  const RegistrarUsers again = users_of("users: [{ user: a, password: x }]\n");
  const RegistrarUsers other = users_of("users: [{ user: a, password: y }]\n");
  EXPECT_TRUE(are_same_users(one, again));
  EXPECT_FALSE(are_same_users(one, other));
  EXPECT_FALSE(are_same_users(one, {}));
}

}  // namespace
}  // namespace sallyport::mgmt
