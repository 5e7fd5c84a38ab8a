// init_command_test.cpp — `init` asks what it was not told, writes once, and never over anything.
#include "mgmt/setup/init_command.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <sstream>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

struct Said {
  int status = 0;
  std::string out, error;
};

std::string all_of(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  std::fclose(file);
  return text;
}

Said init(const InitQuestion& question, const std::string& typed) {
  std::istringstream in(typed);
  std::FILE* const out = std::tmpfile();
  std::FILE* const error = std::tmpfile();
  const int status = init_command(question, in, out, error);
  return {status, all_of(out), all_of(error)};
}

constexpr const char* kTyped = "\neth1\n198.18.1.1/24\n\neth2\n198.18.2.1/24\n\n198.18.1.2\n198.18.2.2\n\n";

class Init : public testing::Test {
 protected:
  [[nodiscard]] InitQuestion question() const { return {.file = file().string(), .given = {}}; }
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "first.yaml"; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }
  const TestFolder folder_;
};

TEST_F(Init, WritesWhatCheckAcceptsFromTypedAnswers) {
  const Said said = init(question(), kTyped);
  EXPECT_EQ(said.status, 0) << said.error;
  EXPECT_THAT(said.out,
              testing::AllOf(HasSubstr("Name of this node [edge-1]: "), HasSubstr("sallyport check -c ")));
  EXPECT_FALSE(load_config(file()).has_warnings());
  EXPECT_FALSE(load_config(file()).has_errors());
  struct stat facts{};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0640u);
  EXPECT_EQ(facts.st_nlink, 1u);
  EXPECT_EQ(files(), 1u) << "nothing else is left";
}

TEST_F(Init, AsksNothingOfWhatItWasTold) {
  InitQuestion told = question();
  told.given = {{"name", "sbc-7"}, {"outside", "eth1"}, {"outside-gateway", "none"}};
  const Said said = init(told, "198.18.1.1/24\neth2\n198.18.2.1/24\n\n198.18.1.2\n198.18.2.2\n\n");
  EXPECT_EQ(said.status, 0) << said.error;
  EXPECT_THAT(said.out, testing::Not(HasSubstr("Name of this node")));
  EXPECT_EQ(load_config(file()).config.node.name, "sbc-7");
}

TEST_F(Init, NeverTouchesAFileThatIsThere) {
  folder_.write("first.yaml", "mine\n");
  const Said said = init(question(), kTyped);
  EXPECT_EQ(said.status, 71);
  EXPECT_THAT(said.error, HasSubstr("is there already and stays as it is"));
  EXPECT_EQ(read_file(file()), "mine\n");
}

TEST_F(Init, NeverFollowsALinkThatLeadsNowhere) {
  std::filesystem::create_symlink(folder_.path() / "elsewhere", file());
  EXPECT_EQ(init(question(), kTyped).status, 71);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "elsewhere"));
}

TEST_F(Init, EndsAtAWrongOrMissingAnswerOfAProgram) {
  EXPECT_EQ(init(question(), "a b\n").error,
            "sallyport: --name: 'a b' can't be part of a namespace's name; write 1 to 32 letters, digits and "
            "'-'\n");
  const Said said = init(question(), "\n");
  EXPECT_EQ(said.status, 64);
  EXPECT_EQ(said.error, "sallyport: --outside: an answer is needed\n");
  EXPECT_EQ(files(), 0u);
}

TEST_F(Init, AsksAPersonAgain) {
  InitQuestion typed = question();
  typed.is_terminal = true;
  const Said said = init(typed, std::string("a b\n") + kTyped);
  EXPECT_EQ(said.status, 0) << said.error;
  EXPECT_THAT(said.out, HasSubstr("can't be part of a namespace's name"));
}

TEST_F(Init, WritesNothingWhenTheAnswersDontGoTogether) {
  InitQuestion told = question();
  told.given = {{"carrier", "fd18:1::2"}};  // the port outside has IPv4 alone
  const Said said = init(told, "\neth1\n198.18.1.1/24\n\neth2\n198.18.2.1/24\n\n198.18.2.2\n\n");
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.error, testing::AllOf(HasSubstr("peers[carrier]"), HasSubstr("nothing was written")));
  EXPECT_EQ(files(), 0u);
}

TEST_F(Init, SaysThatAFolderIsMissing) {
  InitQuestion told = question();
  told.file = (folder_.path() / "none" / "first.yaml").string();
  const Said said = init(told, kTyped);
  EXPECT_EQ(said.status, 71);
  EXPECT_THAT(said.error, HasSubstr("can't be written: No such file or directory"));
}

}  // namespace
}  // namespace sallyport::mgmt
