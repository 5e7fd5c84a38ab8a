// include_files.cpp — see include_files.h.
#include "mgmt/config/include_files.h"

#include <glob.h>

#include "mgmt/config/quoted.h"

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kFilesMax = 1000;

// Paths that match, sorted; nothing when the folder can't be read.
std::optional<std::vector<std::string>> expand(const std::string& pattern) {
  glob_t matches{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &matches);
  std::vector<std::string> paths;
  for (std::size_t i = 0; status == 0 && i < matches.gl_pathc; ++i) paths.emplace_back(matches.gl_pathv[i]);
  ::globfree(&matches);
  if (status != 0 && status != GLOB_NOMATCH) return std::nullopt;
  return paths;
}

// Lists are joined, maps merged key by key; one value in two files is an error.
void join(YamlNode& into, YamlNode&& from, const std::string& shown, JoinedFiles& joined) {
  for (YamlEntry& entry : from.entries) {
    const std::string key = shown.empty() ? entry.key : shown + "." + entry.key;
    YamlEntry* mine = entry.first_line != 0 ? nullptr : into.find(entry.key);
    if (mine == nullptr) {
      into.entries.push_back(std::move(entry));
    } else if (mine->value.is_list() && entry.value.is_list()) {
      for (YamlNode& item : entry.value.items) mine->value.items.push_back(std::move(item));
    } else if (mine->value.is_map() && entry.value.is_map()) {
      join(mine->value, std::move(entry.value), key, joined);
    } else if (key != "version" || entry.value.text != mine->value.text) {
      joined.problems.push_back({entry.key_place, key,
                                 "is written already, in " + joined.files[mine->key_place.file] + ":" +
                                     std::to_string(mine->key_place.line),
                                 "keep one of the two"});
    }
  }
}

void read_part(const std::string& path, JoinedFiles& joined) {
  const std::size_t number = joined.files.size();
  joined.files.push_back(path);
  YamlDocument part = read_yaml_file(path, number);
  joined.problems.insert(joined.problems.end(), part.problems.begin(), part.problems.end());
  if (!part.root) return;
  if (!part.root->is_map()) {
    joined.problems.push_back(
        {part.root->place, "", "is not a map of keys", "write keys as in the main file"});
    return;
  }
  std::erase_if(part.root->entries, [&joined](const YamlEntry& entry) {
    if (entry.key != "include") return false;
    joined.problems.push_back(
        {entry.key_place, "include", "stands in an included file", "include from the main file only"});
    return true;
  });
  join(*joined.root, std::move(*part.root), "", joined);
}

}  // namespace

JoinedFiles read_with_includes(const std::filesystem::path& file) {
  JoinedFiles joined;
  joined.files.push_back(file.string());
  YamlDocument main = read_yaml_file(file, 0);
  joined.problems = std::move(main.problems);
  joined.root = std::move(main.root);
  const YamlEntry* include = joined.root ? joined.root->find("include") : nullptr;
  if (include == nullptr) return joined;
  const YamlNode patterns = include->value;  // a copy: joining moves the entries
  std::vector<const YamlNode*> each;
  if (patterns.is_scalar()) each.push_back(&patterns);
  for (const YamlNode& item : patterns.items) each.push_back(&item);
  for (const YamlNode* pattern : each) {
    if (!pattern->is_scalar() || pattern->text.empty()) continue;  // the checker says so
    const auto paths = expand((file.parent_path() / pattern->text).string());
    const bool is_plain_name = pattern->text.find_first_of("*?[") == std::string::npos;
    if (!paths || (paths->empty() && is_plain_name)) {
      joined.problems.push_back({pattern->place, "include", "can't find " + in_quotes(pattern->text),
                                 "name a file beside this one"});
      continue;
    }
    for (const std::string& path : *paths) {
      if (joined.files.size() < kFilesMax) {
        read_part(path, joined);
        continue;
      }
      joined.problems.push_back({pattern->place, "include",
                                 "names more than " + std::to_string(kFilesMax) + " files", "include fewer"});
      return joined;
    }
  }
  return joined;
}

}  // namespace sallyport::mgmt
