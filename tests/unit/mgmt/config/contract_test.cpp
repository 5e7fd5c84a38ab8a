// contract_test.cpp — the shipped sample shows every key with its default; where the contract lies beside the
// clone, the sample is the contract's, byte for byte.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_document.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

std::string canonical(const YamlNode& node) {
  if (node.is_scalar()) return node.text;
  std::string text = "[";
  for (const YamlNode& item : node.items) text += canonical(item) + ",";
  for (const YamlEntry& entry : node.entries) text += entry.key + ":" + canonical(entry.value) + ",";
  return text + "]";
}

struct Shown {
  std::string value;
  int line = 0;
};

// Each path of the file with the value that stands there first.
void collect(const YamlNode& node, const std::string& path, std::map<std::string, Shown>& shown) {
  if (!path.empty()) shown.emplace(path, Shown{canonical(node), node.place.line});
  for (const YamlEntry& entry : node.entries) collect(entry.value, joined_path(path, entry.key), shown);
  for (const YamlNode& item : node.items)
    if (item.is_map()) collect(item, path + "[]", shown);
}

std::map<std::string, Shown> shown_by_sample(std::vector<std::string>& lines) {
  const std::string text = read_file(std::filesystem::path(EXAMPLES_FOLDER) / "sallyport.yaml");
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  const YamlDocument document = parse_yaml(text, 0);
  std::map<std::string, Shown> shown;
  if (document.root) collect(*document.root, "", shown);
  return shown;
}

TEST(Sample, ShowsOnlyKeysThatTheTableHas) {
  std::vector<std::string> lines;
  for (const auto& [path, shown] : shown_by_sample(lines))
    if (!path.ends_with("[]")) {
      EXPECT_NE(find_option(path), nullptr) << path << " in line " << shown.line;
    }
}

TEST(Sample, ShowsTheDefaultsOfTheTable) {
  // Lists of names and instances in which the sample shows something else than the default.
  const std::set<std::string> examples{"header_rules[].when.methods", "peers[].tls.authorities",
                                       "routes[].rules"};
  std::vector<std::string> lines;
  std::size_t compared = 0;
  for (const auto& [path, shown] : shown_by_sample(lines)) {
    const Option* option = find_option(path);
    if (option == nullptr || option->fallback.empty() || option->type == OptionType::Maps ||
        examples.contains(path))
      continue;
    if (lines[static_cast<std::size_t>(shown.line) - 1].find("example") != std::string::npos &&
        !shown.value.empty() && canonical(*parse_yaml(option->fallback, 0).root) != shown.value)
      continue;  // the line says that it is one
    EXPECT_EQ(shown.value, canonical(*parse_yaml(option->fallback, 0).root))
        << path << " in line " << shown.line;
    ++compared;
  }
  EXPECT_GT(compared, 120u);
}

TEST(Sample, ShowsAValueWhereverTheTableHasNoDefault) {
  const std::set<std::string> without{"peers[].limits.in.calls",   "peers[].limits.in.rate",
                                      "peers[].limits.out.calls",  "peers[].limits.out.rate",
                                      "realms[].listen[].port",    "realms[].listen[].certificate",
                                      "peers[].targets[].address", "peers[].tls.certificate",
                                      "registrars[].upstream",     "security.access[].realm"};
  std::vector<std::string> lines;
  for (const auto& [path, shown] : shown_by_sample(lines)) {
    const Option* option = find_option(path);
    if (option == nullptr || option->type == OptionType::Map || option->required || !option->fallback.empty())
      continue;
    const bool is_of_choice = path.starts_with("routes[].") || path.starts_with("header_rules[].");
    EXPECT_TRUE(is_of_choice || without.contains(path)) << path << " has no default in the table";
  }
}

class ContractFile : public testing::TestWithParam<const char*> {};

TEST_P(ContractFile, IsShippedByteForByte) {
  const std::filesystem::path contract = std::filesystem::path(CONTRACT_FOLDER) / GetParam();
  if (!std::filesystem::exists(contract)) GTEST_SKIP() << "the contract does not lie beside this clone";
  EXPECT_EQ(read_file(std::filesystem::path(EXAMPLES_FOLDER) / GetParam()), read_file(contract));
}

INSTANTIATE_TEST_SUITE_P(Each, ContractFile, testing::Values("sallyport.yaml", "smallest.yaml"));

}  // namespace
}  // namespace sallyport::mgmt
