// config_changes.cpp — two trees side by side.
#include "mgmt/config/config_changes.h"

#include <algorithm>
#include <array>
#include <set>

#include "mgmt/config/schema.h"

namespace sallyport::mgmt {
namespace {

using Kind = ConfigChange::Kind;

// Where both trees are just now.
struct Spot {
  std::string key, path;
  [[nodiscard]] Spot child(std::string_view name) const {
    return {joined_path(key, name), joined_path(path, name)};
  }
  [[nodiscard]] Spot member(std::string_view name) const {
    return {key + "[" + std::string(name) + "]", path + "[]"};
  }
};

// Empty when it has none.
std::string_view name_of(const YamlNode& member) {
  const YamlEntry* const name = member.find("name");
  return name != nullptr && name->value.is_scalar() ? std::string_view(name->value.text) : std::string_view{};
}

bool all_have_names(const YamlNode& list) {
  std::set<std::string_view> names;
  return std::ranges::all_of(list.items, [&](const YamlNode& member) {
    const std::string_view name = name_of(member);
    return !name.empty() && names.insert(name).second;
  });
}

const YamlNode* member_named(const YamlNode& list, std::string_view name) {
  const auto found =
      std::ranges::find_if(list.items, [name](const YamlNode& member) { return name_of(member) == name; });
  return found == list.items.end() ? nullptr : &*found;
}

// Of members that both lists have: in the same order?
bool have_one_order(const YamlNode& before, const YamlNode& after) {
  std::vector<std::string_view> old_names, new_names;
  for (const YamlNode& member : before.items)
    if (member_named(after, name_of(member)) != nullptr) old_names.push_back(name_of(member));
  for (const YamlNode& member : after.items)
    if (member_named(before, name_of(member)) != nullptr) new_names.push_back(name_of(member));
  return old_names == new_names;
}

// Sections that are read anew by a reload, whole.
constexpr std::array<std::string_view, 25> kLive{"profiles",
                                                 "peers",
                                                 "header_rules",
                                                 "tables",
                                                 "routes",
                                                 "emergency",
                                                 "security.access",
                                                 "security.blocklists",
                                                 "security.limits",
                                                 "security.promotion",
                                                 "security.overload",
                                                 "security.detectors",
                                                 "realms",
                                                 "ports[].linux",
                                                 "tls.certificates",
                                                 "tls.authorities",
                                                 "tls.minimum_version",
                                                 "registrars[].users_file",
                                                 "registrars[].domains",
                                                 "registrars[].refresh",
                                                 "registrars[].keepalive",
                                                 "registrars[].contacts_per_aor",
                                                 "security.signatures",
                                                 "management.tokens",
                                                 "management.log.level"};

// What is not, though the section is: calls that are up hang on it.
constexpr std::array<std::string_view, 1> kFixed{"realms[].port"};

// Not live itself, but some of what may be in it is.
bool holds_live_keys(std::string_view path) {
  return std::ranges::any_of(kLive, [path](std::string_view live) {
    return live.starts_with(path) && live.size() > path.size() && live[path.size()] == '.';
  });
}

class Comparison {
 public:
  void compare(const YamlNode& before, const YamlNode& after, const Spot& spot) {
    if (before.kind != after.kind) return add(Kind::Changed, spot, after.place);
    if (after.is_map()) return compare_maps(before, after, spot);
    if (after.is_list()) return compare_lists(before, after, spot);
    if (before.text != after.text) add(Kind::Changed, spot, after.place);
  }
  [[nodiscard]] std::vector<ConfigChange> take() { return std::move(changes_); }

 private:
  void add(Kind kind, const Spot& spot, const YamlPlace& place) {
    changes_.push_back({kind, spot.key, spot.path, place});
  }

  void compare_maps(const YamlNode& before, const YamlNode& after, const Spot& spot) {
    for (const YamlEntry& entry : after.entries) {
      const YamlEntry* const old = before.find(entry.key);
      if (old == nullptr)
        come_or_go(Kind::Added, entry, spot.child(entry.key), entry.key_place);
      else
        compare(old->value, entry.value, spot.child(entry.key));
    }
    for (const YamlEntry& entry : before.entries)
      if (after.find(entry.key) == nullptr)
        come_or_go(Kind::Removed, entry, spot.child(entry.key), after.place);
  }

  // Of a section that a reload may change in part, each part by itself.
  void come_or_go(Kind kind, const YamlEntry& entry, const Spot& spot, const YamlPlace& place) {
    if (!entry.value.is_map() || !holds_live_keys(spot.path)) return add(kind, spot, place);
    for (const YamlEntry& part : entry.value.entries)
      come_or_go(kind, part, spot.child(part.key), kind == Kind::Added ? part.key_place : place);
  }

  void compare_lists(const YamlNode& before, const YamlNode& after, const Spot& spot) {
    const bool is_of_maps = std::ranges::any_of(before.items, &YamlNode::is_map) ||
                            std::ranges::any_of(after.items, &YamlNode::is_map);
    if (!is_of_maps) {
      const bool is_same =
          std::ranges::equal(before.items, after.items, {}, &YamlNode::text, &YamlNode::text);
      if (!is_same) add(Kind::Changed, spot, after.place);
    } else if (all_have_names(before) && all_have_names(after)) {
      compare_by_name(before, after, spot);
    } else {
      compare_by_position(before, after, spot);
    }
  }

  void compare_by_name(const YamlNode& before, const YamlNode& after, const Spot& spot) {
    if (!have_one_order(before, after)) add(Kind::Changed, spot, after.place);
    for (const YamlNode& member : after.items) {
      const YamlNode* const old = member_named(before, name_of(member));
      if (old == nullptr)
        add(Kind::Added, spot.member(name_of(member)), member.place);
      else
        compare(*old, member, spot.member(name_of(member)));
    }
    for (const YamlNode& member : before.items)
      if (member_named(after, name_of(member)) == nullptr)
        add(Kind::Removed, spot.member(name_of(member)), after.place);
  }

  void compare_by_position(const YamlNode& before, const YamlNode& after, const Spot& spot) {
    const std::size_t both = std::min(before.items.size(), after.items.size());
    for (std::size_t i = 0; i < both; ++i)
      compare(before.items[i], after.items[i], spot.member(std::to_string(i)));
    for (std::size_t i = both; i < after.items.size(); ++i)
      add(Kind::Added, spot.member(std::to_string(i)), after.items[i].place);
    for (std::size_t i = both; i < before.items.size(); ++i)
      add(Kind::Removed, spot.member(std::to_string(i)), after.place);
  }

  std::vector<ConfigChange> changes_;
};

}  // namespace

std::vector<ConfigChange> config_changes(const YamlNode& before, const YamlNode& after) {
  Comparison comparison;
  comparison.compare(before, after, {});
  return comparison.take();
}

std::string to_string(const ConfigChange& change) {
  constexpr std::array<std::string_view, 3> kSigns{"+ ", "- ", "~ "};
  return std::string(kSigns[static_cast<std::size_t>(change.kind)]) + change.key;
}

bool is_live(std::string_view path) noexcept {
  if (path == "include") return true;  // what it brings is looked at by itself
  if (std::ranges::find(kFixed, path) != kFixed.end()) return false;
  return std::ranges::any_of(kLive, [path](std::string_view live) {
    if (!path.starts_with(live)) return false;
    const std::string_view rest = path.substr(live.size());
    return rest.empty() || rest.front() == '.' || rest.front() == '[';
  });
}

}  // namespace sallyport::mgmt
