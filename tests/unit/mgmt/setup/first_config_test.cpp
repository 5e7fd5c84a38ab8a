// first_config_test.cpp — what answers become, and that what is wrong with one is said.
#include "mgmt/setup/first_config.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const SetupQuestion& question(std::string_view flag) {
  return *std::ranges::find(setup_questions(), flag, &SetupQuestion::flag);
}

SetupAnswers answers(const SetupAnswers& others = {}) {
  SetupAnswers out{
      {"name", "edge-1"},          {"outside", "af_packet:eth1"},  {"outside-address", "198.18.1.1/24"},
      {"outside-gateway", "none"}, {"inside", "af_packet:eth2"},   {"inside-address", "198.18.2.1/24"},
      {"inside-gateway", "none"},  {"carrier", "198.18.1.2:5060"}, {"pbx", "198.18.2.2:5060"},
      {"phones", "none"}};
  for (const auto& [flag, said] : others) out[flag] = said;
  return out;
}

TEST(FirstConfig, HasNoErrorAndNoWarning) {
  for (const SetupAnswers& some :
       {answers(), answers({{"outside-gateway", "198.18.1.254"}, {"inside-gateway", "198.18.2.254"}}),
        answers({{"carrier", "sip.example.net"}}), answers({{"phones", "example.com"}}),
        answers({{"outside", "pci:0000:3b:00.0"}}),
        answers({{"outside-address", "fd18:1::1/64"}, {"carrier", "[fd18:1::2]:5060"}})}) {
    const LoadedConfig loaded = load_text(first_config(some), true);
    EXPECT_THAT(errors_of(loaded), IsEmpty());
    EXPECT_THAT(warnings_of(loaded), IsEmpty());
  }
}

TEST(FirstConfig, RoutesCallsBothWaysAndThoseOfPhones) {
  const SbcConfig plain = load_text(first_config(answers())).config;
  ASSERT_EQ(plain.routes.size(), 2u);
  EXPECT_EQ(plain.peers[0].name, "carrier");
  EXPECT_EQ(plain.realms[0].trust, RealmConfig{}.trust) << "strangers are outside";
  const SbcConfig phones = load_text(first_config(answers({{"phones", "example.com"}}))).config;
  ASSERT_EQ(phones.registrars.size(), 1u);
  EXPECT_EQ(phones.registrars[0].domains, std::vector<std::string>{"example.com"});
  ASSERT_EQ(phones.routes.size(), 3u);
  EXPECT_EQ(phones.routes[2].to.size(), 2u) << "a phone, or else the carrier";
}

TEST(FirstConfig, TakesAnotherFolderAndSocketWhereToldTo) {
  const SbcConfig config =
      load_text(first_config(answers({{"state", "/tmp/a b"}, {"socket", "/tmp/s.sock"}}))).config;
  EXPECT_EQ(config.node.state, "/tmp/a b");
  EXPECT_EQ(config.management.socket, "/tmp/s.sock");
}

TEST(Answer, IsMadeWhole) {
  EXPECT_EQ(*read_answer(question("name"), ""), "edge-1") << "what stands in brackets";
  EXPECT_EQ(*read_answer(question("outside"), "eth1"), "af_packet:eth1");
  EXPECT_EQ(*read_answer(question("outside"), "af_xdp:eth1"), "af_xdp:eth1");
  EXPECT_EQ(*read_answer(question("carrier"), "198.18.1.2"), "198.18.1.2:5060");
  EXPECT_EQ(*read_answer(question("carrier"), "fd18:1::2"), "[fd18:1::2]:5060");
  EXPECT_EQ(*read_answer(question("carrier"), "198.18.1.2:5070"), "198.18.1.2:5070");
  EXPECT_EQ(*read_answer(question("pbx"), "sip.example.net"), "sip.example.net");
  EXPECT_EQ(*read_answer(question("outside-gateway"), ""), "none");
}

TEST(Answer, SaysWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_EQ(read_answer(question("outside"), "").error(), "an answer is needed");
  EXPECT_THAT(read_answer(question("outside-address"), "198.18.1.1").error(),
              HasSubstr("write one like 198.18.1.1/24"));
  EXPECT_THAT(read_answer(question("inside-gateway"), "x").error(), HasSubstr("is not an IP address; write"));
  EXPECT_THAT(read_answer(question("name"), "a b").error(), HasSubstr("write 1 to 32 letters"));
  EXPECT_THAT(read_answer(question("carrier"), "a b").error(), HasSubstr("neither an address nor a domain"));
  EXPECT_FALSE(read_answer(question("phones"), "\" }"));
  EXPECT_FALSE(read_answer(question("outside"), "eth1\" }"));
}

}  // namespace
}  // namespace sallyport::mgmt
