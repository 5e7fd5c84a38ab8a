// example_files_test.cpp — every shipped example loads; the sample as soon as the files that it names are
// there.
#include <gmock/gmock.h>

#include "policy/route/router.h"
#include "tests/unit/mgmt/config/config_text.h"
#include "tests/unit/mgmt/config/key_pair.h"

namespace sallyport::mgmt {
namespace {

using testing::IsEmpty;

const std::filesystem::path kExamples = EXAMPLES_FOLDER;

class ExampleFile : public testing::TestWithParam<const char*> {};

TEST_P(ExampleFile, LoadsWithoutAnError) {
  const LoadedConfig loaded = load_config(kExamples / GetParam());
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_FALSE(loaded.is_refused_by_run());
  EXPECT_GT(loaded.memory_bytes_needed, 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, ExampleFile,
                         testing::Values("smallest.yaml", "af_xdp.yaml", "memif.yaml", "real-nic.yaml",
                                         "container.yaml", "replay.yaml", "carrier-peering.yaml",
                                         "phones.yaml"));

// Those that name certificates and secrets, which whoever copies them makes.
class TlsExample : public testing::TestWithParam<const char*> {};

TEST_P(TlsExample, LoadsOnceItsFilesExist) {
  const TestFolder folder;
  const std::filesystem::path file = folder.write(GetParam(), read_file(kExamples / GetParam()));
  const KeyPair own, authority;
  for (const char* const name : {"edge", "sbc"}) {
    own.write_certificate(folder.path() / (std::string(name) + ".pem"));
    own.write_key(folder.path() / (std::string(name) + ".key"));
  }
  for (const char* const name : {"provider-ca.pem", "teams-ca.pem"})
    authority.write_certificate(folder.path() / name);
  folder.write("trunk.secret", "secret\n");
  std::filesystem::permissions(folder.path() / "trunk.secret", std::filesystem::perms::owner_read);
  EXPECT_THAT(errors_of(load_config(file)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Each, TlsExample, testing::Values("tls-trunk.yaml", "teams.yaml"));

TEST(Examples, TheCarriersTableRoutesByItsLongestPrefix) {
  const LoadedConfig loaded = load_config(kExamples / "carrier-peering.yaml");
  ASSERT_EQ(loaded.config.tables.size(), 1u);
  const policy::Router router(loaded.config);
  const auto first = [&](std::string_view called) {
    policy::RouteRequest request;
    request.peer = PeerIndex{2};
    request.called = called;
    const auto decision = router.route(request);
    return decision.targets.empty() ? std::string("none")
                                    : loaded.config.peers[to_position(decision.targets[0])].name;
  };
  EXPECT_EQ(first("+4930123"), "south");
  EXPECT_EQ(first("+4989123"), "north");
  EXPECT_EQ(first("+1555"), "north");
  EXPECT_EQ(first("0301"), "north") << "the next of the route";
}

TEST(Examples, PhonesAreRegisteredInBothModes) {
  const LoadedConfig loaded = load_config(kExamples / "phones.yaml");
  ASSERT_EQ(loaded.config.registrars.size(), 2u);
  EXPECT_EQ(loaded.config.registrars[0].mode, RegistrarMode::PassThrough);
  EXPECT_EQ(loaded.config.registrars[1].mode, RegistrarMode::Local);
  ASSERT_TRUE(loaded.config.registrars[1].users);
  EXPECT_EQ(loaded.config.registrars[1].users->size(), 2u);
}

TEST(Examples, ShowEachKindOfDevice) {
  std::set<DeviceKind> kinds;
  for (const auto& entry : std::filesystem::directory_iterator(kExamples)) {
    if (entry.path().extension() != ".yaml") continue;
    for (const PortConfig& port : load_config(entry.path(), {.check_files = false}).config.ports)
      kinds.insert(port.device.kind);
  }
  EXPECT_EQ(kinds.size(), 7u);
}

TEST(Sample, NamesEachMissingFile) {
  EXPECT_THAT(
      errors_of(load_config(kExamples / "sallyport.yaml")),
      testing::ElementsAre(
          testing::StartsWith("sallyport.yaml:27: tls.certificates[edge].certificate: can't read "),
          testing::StartsWith("sallyport.yaml:27: tls.certificates[edge].key: can't read "),
          testing::StartsWith("sallyport.yaml:28: tls.authorities[trunks].files[0]: can't read "),
          testing::StartsWith("sallyport.yaml:71: peers[pbx].credentials[0].password_file: can't read "),
          testing::StartsWith("sallyport.yaml:109: security.signatures[0].file: can't read "),
          testing::StartsWith("sallyport.yaml:116: management.tokens[0].file: can't read ")));
}

TEST(Sample, HasNoErrorOnceItsFilesExist) {
  const TestFolder folder;
  folder.write("sallyport.yaml", read_file(kExamples / "sallyport.yaml"));
  const KeyPair edge, authority;
  edge.write_certificate(folder.path() / "edge.pem");
  edge.write_key(folder.path() / "edge.key");
  authority.write_certificate(folder.path() / "ca.pem");
  folder.write("trunk1.secret", "secret\n");
  folder.write("rules/sip.rules", "");
  folder.write("admin.token", "token\n");
  const LoadedConfig loaded = load_config(folder.path() / "sallyport.yaml");
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_TRUE(loaded.has_warnings());
  EXPECT_FALSE(loaded.is_refused_by_run());
}

}  // namespace
}  // namespace sallyport::mgmt
