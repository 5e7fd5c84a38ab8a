// named_files_test.cpp — files that a configuration names: missing, unfit, too open.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"
#include "tests/unit/mgmt/config/key_pair.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kTls = "tls: { certificates: [{ name: e, certificate: e.pem, key: e.key }] }";

TEST(NamedFiles, AreReadBesideTheFileThatNamesThem) {
  const TestFolder folder;
  const KeyPair pair;
  pair.write_certificate(folder.path() / "e.pem");
  pair.write_key(folder.path() / "e.key");
  const LoadedConfig loaded = load_config(folder.write("c.yaml", with_line(13, kTls)));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.tls.certificates[0].certificate_file, (folder.path() / "e.pem").string());
}

TEST(NamedFiles, AreNamedWithTheirPathWhenMissing) {
  const TestFolder folder;
  const std::string path = (folder.path() / "e.pem").string();
  const auto errors = errors_of(load_config(folder.write("c.yaml", with_line(13, kTls))));
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0], "c.yaml:13: tls.certificates[e].certificate: can't read '" + path +
                           "': No such file or directory; put a readable file there or name another");
}

TEST(NamedFiles, MayNotBeFoldersOrPipes) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path() / "t.csv");
  EXPECT_THAT(
      errors_of(load_config(folder.write("c.yaml", with_line(13, "tables: [{ name: t, file: t.csv }]")))),
      ElementsAre(HasSubstr("t.csv': Is a directory; ")));
  EXPECT_THAT(
      errors_of(load_config(folder.write("c.yaml", with_line(13, "tables: [{ name: t, file: /dev/zero }]")))),
      ElementsAre("c.yaml:13: tables[t].file: can't read '/dev/zero': Not a regular file; put a readable "
                  "file there or name another"));
}

TEST(NamedFiles, OfAPairMustFitEachOther) {
  const TestFolder folder;
  const KeyPair one, other;
  one.write_certificate(folder.path() / "e.pem");
  other.write_key(folder.path() / "e.key");
  EXPECT_THAT(errors_of(load_config(folder.write("c.yaml", with_line(13, kTls)))),
              ElementsAre(testing::MatchesRegex(
                  "c.yaml:13: tls.certificates.e..key: '.*e.key' is not the key of '.*e.pem'; "
                  "name the key that the certificate was made with")));
}

TEST(NamedFiles, MustHoldWhatTheyAreSaidToHold) {
  const TestFolder folder;
  folder.write("e.pem", "nothing\n");
  const auto key = folder.write("e.key", "nothing\n");
  std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  EXPECT_THAT(errors_of(load_config(folder.write("c.yaml", with_line(13, kTls)))),
              ElementsAre(HasSubstr("e.pem' holds no certificate; "),
                          HasSubstr("e.key' holds no private key without a passphrase; ")));
}

TEST(NamedFiles, ThatAreSecretShouldNotBeReadableByEveryone) {
  const TestFolder folder;
  const auto token = folder.write("a.token", "t\n");
  std::filesystem::permissions(token, std::filesystem::perms(0644));
  const std::string line = "management: { tokens: [{ file: a.token, role: admin }] }";
  const LoadedConfig open = load_config(folder.write("c.yaml", with_line(13, line)));
  EXPECT_THAT(errors_of(open), IsEmpty());
  EXPECT_THAT(
      warnings_of(open),
      testing::Contains(HasSubstr("a.token' can be read or written by every user; run chmod o-rw on it")));
  std::filesystem::permissions(token, std::filesystem::perms(0600));
  EXPECT_THAT(warnings_of(load_config(folder.path() / "c.yaml")),
              testing::Not(testing::Contains(HasSubstr("every user"))));
}

TEST(NamedFiles, OfPasswordsHoldThemInTheirFirstLine) {
  const TestFolder folder;
  const auto path = folder.write(
      "c.yaml", with_line(10,
                          "  - { name: carrier, realm: outside, targets: [{ address: \"198.18.1.2:5060\" }], "
                          "credentials: [{ user: u, password_file: p.secret }] }"));
  for (const std::string_view held : {"secret", "secret\n", "  secret \t\r\nmore\n"}) {
    folder.write("p.secret", std::string(held));
    const LoadedConfig loaded = load_config(path);
    EXPECT_THAT(errors_of(loaded), IsEmpty());
    ASSERT_EQ(loaded.config.peers[0].credentials.size(), 1u);
    EXPECT_EQ(loaded.config.peers[0].credentials[0].password, "secret");
  }
  const std::string longest(1024, 'x');
  folder.write("p.secret", longest + "\n");
  EXPECT_EQ(load_config(path).config.peers[0].credentials[0].password, longest);
  for (const std::string& held : {std::string(), std::string("\nsecret\n"), std::string("  \n"),
                                  longest + "x\n", std::string("a\0b", 3)}) {
    folder.write("p.secret", held);
    EXPECT_THAT(errors_of(load_config(path)), ElementsAre(HasSubstr("p.secret' holds no password; ")));
  }
}

TEST(NamedFiles, AreLeftAloneWhenAskedTo) {
  EXPECT_THAT(errors_of(load_text(with_line(13, kTls), false)), IsEmpty());
}

}  // namespace
}  // namespace sallyport::mgmt
