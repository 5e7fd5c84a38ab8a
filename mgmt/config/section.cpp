// section.cpp — see section.h.
#include "mgmt/config/section.h"

#include <algorithm>

#include "mgmt/config/shipped_profiles.h"
#include "mgmt/config/yaml_document.h"
#include "policy/base/check.h"

namespace sallyport::mgmt {

TreeContext make_tree_context(const std::set<const YamlNode*>& bad, std::vector<std::string> files) {
  TreeContext context;
  context.bad = &bad;
  context.files = std::move(files);
  for (const Option& option : all_options()) {
    if (option.fallback.empty()) continue;
    YamlDocument document = parse_yaml(option.fallback, 0);
    SALLYPORT_CHECK(document.root.has_value());
    context.defaults.emplace(option.path, std::move(*document.root));
  }
  for (const ShippedProfile& profile : shipped_profiles()) {
    YamlDocument document = parse_yaml(profile.text, 0);
    SALLYPORT_CHECK(document.root.has_value());
    context.shipped_profiles.push_back(std::move(*document.root));
  }
  return context;
}

std::vector<Section> shipped_profile_sections(const Section& root) {
  std::vector<Section> sections;
  for (const YamlNode& profile : root.context_->shipped_profiles)
    sections.emplace_back(*root.context_, std::vector<const YamlNode*>{&profile}, "profiles[]",
                          "profiles[" + profile.find("name")->value.text + "]");
  return sections;
}

const YamlNode* Section::written(std::string_view key) const {
  for (const YamlNode* layer : layers_) {
    const YamlEntry* entry = layer->find(key);
    if (entry != nullptr && !context_->bad->contains(&entry->value)) return &entry->value;
  }
  return nullptr;
}

bool Section::has_key(std::string_view key) const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [key](const YamlNode* layer) { return layer->find(key) != nullptr; });
}

const YamlNode* Section::value(std::string_view key) const {
  if (const YamlNode* found = written(key)) return found;
  const auto fallback = context_->defaults.find(joined_path(path_, key));
  return fallback == context_->defaults.end() ? nullptr : &fallback->second;
}

std::string Section::text(std::string_view key) const {
  const YamlNode* node = value(key);
  return node != nullptr && node->is_scalar() ? node->text : std::string{};
}

std::string Section::text_unless(std::string_view key, std::string_view word) const {
  std::string found = text(key);
  return found == word ? std::string{} : found;
}

std::vector<std::string> Section::texts(std::string_view key) const {
  const YamlNode* node = value(key);
  if (node == nullptr) return {};
  if (node->is_scalar()) {
    const Option* option = find_option(joined_path(path_, key));
    const bool is_whole = option != nullptr && !option->whole.empty() && node->text == option->whole;
    return is_whole ? std::vector<std::string>{} : std::vector<std::string>{node->text};
  }
  std::vector<std::string> out;
  for (const YamlNode& item : node->items)
    if (item.is_scalar() && !context_->bad->contains(&item)) out.push_back(item.text);
  return out;
}

std::string Section::resolved(const YamlNode& node) const {
  const std::filesystem::path beside = std::filesystem::path(context_->files[node.place.file]).parent_path();
  return (beside / node.text).lexically_normal().string();
}

std::string Section::file(std::string_view key) const {
  const YamlNode* node = value(key);
  return node != nullptr && node->is_scalar() ? resolved(*node) : std::string{};
}

Section Section::child(std::string_view key) const {
  std::vector<const YamlNode*> layers;
  for (const YamlNode* layer : layers_) {
    const YamlEntry* entry = layer->find(key);
    if (entry != nullptr && entry->value.is_map()) layers.push_back(&entry->value);
  }
  return {*context_, std::move(layers), joined_path(path_, key), joined_path(shown_, key)};
}

std::vector<Section> Section::items(std::string_view key) const {
  std::vector<Section> out;
  const YamlNode* list = value(key);
  if (list == nullptr) return out;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& item = list->items[i];
    if (!item.is_map()) continue;
    const YamlEntry* name = item.find("name");
    const bool is_named = name != nullptr && name->value.is_scalar() && !name->value.text.empty();
    const std::string which = is_named ? name->value.text : std::to_string(i);
    out.emplace_back(*context_, std::vector{&item}, joined_path(path_, key) + "[]",
                     joined_path(shown_, key) + "[" + which + "]");
  }
  return out;
}

Section Section::over(const Section* below, std::string path) const {
  std::vector<const YamlNode*> layers = layers_;
  if (below != nullptr) layers.insert(layers.end(), below->layers_.begin(), below->layers_.end());
  return {*context_, std::move(layers), std::move(path), shown_};
}

YamlPlace Section::place(std::string_view key) const {
  if (const YamlNode* node = key.empty() ? nullptr : written(key)) return node->place;
  return layers_.empty() ? YamlPlace{0, 1, 1} : layers_.front()->place;
}

std::string Section::shown(std::string_view key) const {
  return key.empty() ? shown_ : joined_path(shown_, key);
}

std::size_t Section::position_of_word(std::string_view key, std::string_view word) const {
  const Option* option = find_option(joined_path(path_, key));
  SALLYPORT_CHECK(option != nullptr);
  std::size_t position = 0;
  for (std::string_view words = option->words; !words.empty(); ++position) {
    const std::size_t bar = words.find('|');
    if (words.substr(0, bar) == word) return position;
    words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
  }
  return 0;
}

}  // namespace sallyport::mgmt
