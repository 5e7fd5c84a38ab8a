// schema.cpp — finding rows of the table of keys (schema_table.cpp).
#include "mgmt/config/schema.h"

#include <map>

#include "mgmt/config/schema_table.h"

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kPeer = "peers[]";
constexpr std::string_view kProfile = "profiles[]";

const std::vector<Option>& table() {
  static const std::vector<Option> rows = [] {
    std::vector<Option> all;
    for (const auto part : {network_options(), neighbour_options(), operation_options()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

const Option* find_exactly(std::string_view path) {
  static const std::map<std::string_view, const Option*> by_path = [] {
    std::map<std::string_view, const Option*> index;
    for (const Option& option : table()) index.emplace(option.path, &option);
    return index;
  }();
  const auto found = by_path.find(path);
  return found == by_path.end() ? nullptr : found->second;
}

// peers[].media.codecs is described by profiles[].media.codecs.
std::string profile_path(std::string_view peer_path) {
  return std::string(kProfile) + std::string(peer_path.substr(kPeer.size()));
}

void append_children(std::string_view path, std::vector<std::string>& keys) {
  for (const Option& option : table()) {
    std::string_view rest = option.path;
    if (!path.empty()) {
      if (!rest.starts_with(path) || rest.size() <= path.size() || rest[path.size()] != '.') continue;
      rest.remove_prefix(path.size() + 1);
    }
    if (rest.find_first_of(".[") == std::string_view::npos) keys.emplace_back(rest);
  }
}

}  // namespace

std::span<const Option> all_options() { return table(); }

const Option* find_option(std::string_view path) {
  if (const Option* found = find_exactly(path)) return found;
  return path.starts_with(kPeer) ? find_exactly(profile_path(path)) : nullptr;
}

std::vector<std::string> child_keys(std::string_view path) {
  std::vector<std::string> keys;
  append_children(path, keys);
  if (path.starts_with(kPeer)) {
    std::vector<std::string> more;
    append_children(profile_path(path), more);
    for (std::string& key : more)
      if (find_exactly(joined_path(path, key)) == nullptr) keys.push_back(std::move(key));
  }
  return keys;
}

std::string joined_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : std::string(path) + "." + std::string(key);
}

bool is_one_of(std::string_view word, std::string_view words) {
  while (!words.empty()) {
    const std::size_t bar = words.find('|');
    if (words.substr(0, bar) == word) return true;
    if (bar == std::string_view::npos) return false;
    words.remove_prefix(bar + 1);
  }
  return false;
}

}  // namespace sallyport::mgmt
