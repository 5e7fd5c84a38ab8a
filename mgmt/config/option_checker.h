// option_checker.h — walks the written tree along the table of keys and reports all that does not fit it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/check_scalar.h"
#include "mgmt/config/problem.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

// Where problems are gathered; knows the names of the files that places count.
class ProblemList {
 public:
  explicit ProblemList(std::vector<std::string> files) : files_(std::move(files)) {}

  ConfigProblem& error(YamlPlace place, std::string key, ValueError why);
  ConfigProblem& warning(YamlPlace place, std::string key, ValueError why);
  [[nodiscard]] const std::string& file_name(std::size_t file) const { return files_[file]; }
  // A further file whose lines problems may name; the number of it for YamlPlace.
  [[nodiscard]] std::size_t add_file(std::string name) {
    files_.push_back(std::move(name));
    return files_.size() - 1;
  }
  [[nodiscard]] bool has_errors() const noexcept;
  // All that was gathered, in the order of the files.
  [[nodiscard]] std::vector<ConfigProblem> take();

 private:
  ConfigProblem& add(YamlPlace place, std::string key, ValueError why);
  std::vector<std::string> files_;
  std::vector<ConfigProblem> problems_;
};

// Keys, types, ranges, names given twice, names that are nowhere, and what is not built.
class OptionChecker {
 public:
  explicit OptionChecker(ProblemList& problems) : problems_(problems) {}
  void check(const YamlNode& root);
  // Values that were reported: whoever reads the tree next takes the default in their place.
  [[nodiscard]] const std::set<const YamlNode*>& bad() const noexcept { return bad_; }

 private:
  struct Spot {            // where the walk is
    std::string path;      // in the table: ports[].name
    std::string shown;     // for people: ports[outside].name
    bool unbuilt = false;  // something above was reported as not built
  };
  struct NameUse {
    const Option* option;
    const YamlNode* node;
    std::string shown;
  };
  struct NameSeen {
    YamlPlace place;
  };

  void check_map(const YamlNode& map, const Spot& spot);
  void check_entry(const YamlEntry& entry, const Spot& spot);
  void check_missing(const YamlNode& map, const Spot& spot);
  void check_value(const Option& option, const YamlNode& value, const Spot& spot);
  void check_members(const Option& option, const YamlNode& list, const Spot& spot);
  void check_one(const Option& option, const YamlNode& value, const Spot& spot);
  void check_list(const Option& option, const YamlNode& value, const Spot& spot);
  void check_pattern_map(const YamlNode& value, const Spot& spot);
  void check_built(const Option& option, const YamlEntry& entry, Spot& spot);
  void note_security(const Option& option, const YamlNode& value, const Spot& spot);
  void reject(const YamlNode& value, const Spot& spot, ValueError why);
  void define_name(const std::string& list, const YamlNode& member, const Spot& spot);
  void check_uses();

  ProblemList& problems_;
  std::set<const YamlNode*> bad_;
  std::map<std::string, std::map<std::string, NameSeen>> names_;  // list, name
  std::vector<NameUse> uses_;
};

}  // namespace sallyport::mgmt
