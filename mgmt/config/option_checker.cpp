// option_checker.cpp — see option_checker.h.
#include "mgmt/config/option_checker.h"

#include <algorithm>
#include <utility>

#include "mgmt/config/quoted.h"
#include "mgmt/config/shipped_profiles.h"
#include "mgmt/config/suggest.h"

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kWithoutEffect = "it is checked but has no effect in this version";

// What a member of that list is called.
std::string noun_of(std::string_view list) {
  if (list == "tls.authorities") return "authority";
  if (list == "header_rules") return "header rule";
  const std::size_t dot = list.rfind('.');
  const std::string_view word = dot == std::string_view::npos ? list : list.substr(dot + 1);
  return std::string(word.substr(0, word.size() - 1));
}

std::string known_keys(std::string_view path) {
  std::string list;
  for (const std::string& key : child_keys(path)) list += (list.empty() ? "" : "|") + key;
  return joined_with_or(list);
}

// ports[outside] or, where it has no name, ports[0].
std::string shown_member(const std::string& list, const YamlNode& member, std::size_t position) {
  const YamlEntry* name = member.find("name");
  const bool is_named = name != nullptr && name->value.is_scalar() && !name->value.text.empty();
  return list + "[" + (is_named ? name->value.text : std::to_string(position)) + "]";
}

}  // namespace

ConfigProblem& ProblemList::add(YamlPlace place, std::string key, ValueError why) {
  ConfigProblem problem;
  problem.file = files_[place.file];
  problem.line = place.line;
  problem.key = key.empty() ? "file" : std::move(key);
  problem.what = std::move(why.what);
  problem.instead = std::move(why.instead);
  return problems_.emplace_back(std::move(problem));
}

ConfigProblem& ProblemList::error(YamlPlace place, std::string key, ValueError why) {
  return add(place, std::move(key), std::move(why));
}

ConfigProblem& ProblemList::warning(YamlPlace place, std::string key, ValueError why) {
  ConfigProblem& problem = add(place, std::move(key), std::move(why));
  problem.severity = ConfigProblem::Severity::Warning;
  return problem;
}

bool ProblemList::has_errors() const noexcept {
  return std::any_of(problems_.begin(), problems_.end(),
                     [](const ConfigProblem& problem) { return problem.is_error(); });
}

std::vector<ConfigProblem> ProblemList::take() {
  sort_problems(problems_, files_);
  return std::move(problems_);
}

void OptionChecker::check(const YamlNode& root) {
  if (!root.is_map()) {
    problems_.error(
        root.place, "",
        {"is not a map of keys", "write keys such as version, node, ports, realms, peers, routes"});
    return;
  }
  check_map(root, {});
  check_uses();
}

void OptionChecker::reject(const YamlNode& value, const Spot& spot, ValueError why) {
  bad_.insert(&value);
  problems_.error(value.place, spot.shown, std::move(why));
}

void OptionChecker::check_map(const YamlNode& map, const Spot& spot) {
  for (const YamlEntry& entry : map.entries) check_entry(entry, spot);
  check_missing(map, spot);
}

void OptionChecker::check_entry(const YamlEntry& entry, const Spot& spot) {
  Spot here{joined_path(spot.path, entry.key), joined_path(spot.shown, entry.key), spot.unbuilt};
  if (entry.first_line != 0) {
    problems_.error(
        entry.key_place, here.shown,
        {"is written twice, first in line " + std::to_string(entry.first_line), "keep one of the two"});
    return;
  }
  const Option* option = find_option(here.path);
  if (option == nullptr) {
    const std::string near = nearest(entry.key, child_keys(spot.path));
    problems_.error(entry.key_place, here.shown,
                    {"there is no such key", near.empty() ? "the keys here are " + known_keys(spot.path)
                                                          : "did you mean " + in_quotes(near) + "?"});
    return;
  }
  check_built(*option, entry, here);
  check_value(*option, entry.value, here);
}

void OptionChecker::check_built(const Option& option, const YamlEntry& entry, Spot& spot) {
  if (option.built || spot.unbuilt) return;
  problems_.warning(entry.key_place, spot.shown, {"not built yet", std::string(kWithoutEffect)});
  spot.unbuilt = true;
}

void OptionChecker::check_missing(const YamlNode& map, const Spot& spot) {
  for (const std::string& key : child_keys(spot.path)) {
    const Option* option = find_option(joined_path(spot.path, key));
    if (!option->required || map.find(key) != nullptr) continue;
    problems_.error(map.place, joined_path(spot.shown, key), {"is missing", what_to_write(*option)});
  }
}

void OptionChecker::check_value(const Option& option, const YamlNode& value, const Spot& spot) {
  note_security(option, value, spot);
  const bool is_whole_word = value.is_scalar() && !option.whole.empty() && value.text == option.whole;
  switch (option.type) {
    case OptionType::Map:
      if (is_whole_word) return;
      if (value.is_map()) return check_map(value, spot);
      return reject(value, spot, {"is not a map of keys", "write keys below it: " + known_keys(spot.path)});
    case OptionType::Maps:
      return check_members(option, value, spot);
    case OptionType::PatternMap:
      return check_pattern_map(value, spot);
    default:
      break;
  }
  if (option.many == Many::One) return check_one(option, value, spot);
  check_list(option, value, spot);
}

void OptionChecker::check_one(const Option& option, const YamlNode& value, const Spot& spot) {
  if (!value.is_scalar())
    return reject(value, spot, {value.is_list() ? "is a list" : "is a map of keys", what_to_write(option)});
  if (auto wrong = check_scalar(option, value)) return reject(value, spot, std::move(*wrong));
  const bool is_word = is_one_of(value.text, option.words);
  if (!option.refers.empty() && !is_word) uses_.push_back({&option, &value, spot.shown});
  if (!option.built_words.empty() && !is_one_of(value.text, option.built_words) && !spot.unbuilt)
    problems_.warning(value.place, spot.shown,
                      {in_quotes(value.text) + " is not built yet", std::string(kWithoutEffect)});
}

void OptionChecker::check_list(const Option& option, const YamlNode& value, const Spot& spot) {
  if (value.is_scalar() && value.text == option.whole && !option.whole.empty()) return;
  if (value.is_scalar() && option.many == Many::OneOrList) return check_one(option, value, spot);
  if (!value.is_list()) return reject(value, spot, {"is not a list", what_to_write(option)});
  if (option.many == Many::List && option.required && value.items.empty())
    return reject(value, spot, {"is empty", "write at least one member"});
  for (std::size_t i = 0; i < value.items.size(); ++i)
    check_one(option, value.items[i], {spot.path, spot.shown + "[" + std::to_string(i) + "]", spot.unbuilt});
}

void OptionChecker::check_members(const Option& option, const YamlNode& list, const Spot& spot) {
  if (!list.is_list()) return reject(list, spot, {"is not a list", what_to_write(option)});
  const auto members = static_cast<std::int64_t>(list.items.size());
  if (members < option.min) return reject(list, spot, {"is empty", "write at least one member"});
  if (option.max != 0 && members > option.max)
    return reject(
        list, spot,
        {"has " + std::to_string(members) + " members", "write at most " + std::to_string(option.max)});
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const YamlNode& member = list.items[i];
    const Spot here{spot.path + "[]", shown_member(spot.shown, member, i), spot.unbuilt};
    if (member.is_map()) {
      define_name(spot.path, member, here);
      check_map(member, here);
    } else if (!option.refers.empty() && member.is_scalar()) {
      check_one(Option{.path = option.path, .type = OptionType::Name}, member, here);
      if (!bad_.contains(&member)) uses_.push_back({&option, &member, here.shown});
    } else {
      reject(member, here, {"is not a map of keys", "write { key: value, ... }"});
    }
  }
}

void OptionChecker::check_pattern_map(const YamlNode& value, const Spot& spot) {
  if (!value.is_map()) return reject(value, spot, {"is not a map of keys", "write { HEADER: \"pattern\" }"});
  const Option name{.path = "header", .type = OptionType::Token};
  const Option pattern{.path = "pattern", .type = OptionType::Pattern};
  for (const YamlEntry& entry : value.entries) {
    const Spot here{spot.path, joined_path(spot.shown, entry.key), spot.unbuilt};
    YamlNode key;
    key.text = entry.key;
    key.quoted = true;
    if (auto wrong = check_scalar(name, key)) problems_.error(entry.key_place, here.shown, std::move(*wrong));
    check_one(pattern, entry.value, here);
  }
}

// Where a feature that protects is not built, doing as if it were would be worse than not starting.
void OptionChecker::note_security(const Option& option, const YamlNode& value, const Spot& spot) {
  if (option.weakens.empty() || option.built) return;
  const bool is_empty_list = value.is_list() && value.items.empty();
  const bool is_meant =
      option.weakens == "*" ? !is_empty_list : value.is_scalar() && value.text == option.weakens;
  if (!is_meant) return;
  const std::string what = option.weakens == "*"
                               ? "not built yet, and to go on without it"
                               : in_quotes(value.text) + " is not built yet, and to go on without it";
  problems_
      .warning(value.place, spot.shown,
               {what + " would weaken security", "run refuses it; leave it out until it is built"})
      .weakens_security = true;
}

void OptionChecker::define_name(const std::string& list, const YamlNode& member, const Spot& spot) {
  const YamlEntry* name = member.find("name");
  if (name == nullptr || !name->value.is_scalar() || find_option(list + "[].name") == nullptr) return;
  const auto [first, is_new] = names_[list].emplace(name->value.text, NameSeen{name->value.place});
  if (is_new) return;
  const YamlPlace& place = first->second.place;
  problems_.error(name->value.place, spot.shown + ".name",
                  {in_quotes(name->value.text) + " is the name of another " + noun_of(list) +
                       " already, in " + problems_.file_name(place.file) + ":" + std::to_string(place.line),
                   "choose another name"});
}

void OptionChecker::check_uses() {
  for (const NameUse& use : uses_) {
    const std::string list(use.option->refers);
    const auto& defined = names_[list];
    const std::string& name = use.node->text;
    if (defined.contains(name) || (list == "profiles" && is_shipped_profile(name))) continue;
    std::vector<std::string> known;
    for (const auto& [word, seen] : defined) known.push_back(word);
    if (list == "profiles") {
      known.emplace_back("default");
      for (const ShippedProfile& profile : shipped_profiles()) known.emplace_back(profile.name);
    }
    const std::string near = nearest(name, known);
    bad_.insert(use.node);
    problems_.error(
        use.node->place, use.shown,
        {"there is no " + noun_of(list) + " " + in_quotes(name),
         near.empty() ? "name one that is defined under " + list : "did you mean " + in_quotes(near) + "?"});
  }
}

}  // namespace sallyport::mgmt
